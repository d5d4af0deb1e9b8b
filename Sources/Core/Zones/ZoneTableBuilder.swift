import DNSWire

/// Makes a ``ZoneTable`` of zones.
public struct ZoneTableBuilder: Sendable {
  /// The longest chain of aliases that is followed.
  public static let maximumAliasCount = 8

  private let seed: UInt64

  /// - Parameter seed: random, this process's own: what clients ask must not choose slots.
  public init(seed: UInt64) { self.seed = seed }

  /// Joins zones that are compiled already: copies them and finds room for their names, at some
  /// 100 ns a name.
  ///
  /// - Throws: what is wrong with the zones beside each other.
  public func join(_ blocks: [ZoneBlock]) throws(ZoneFaults) -> ZoneTable {
    var joining = ZoneJoining(seed: seed, blocks: blocks)
    return try joining.table()
  }

  /// Compiles zones and joins them.
  ///
  /// - Throws: everything that is wrong with the zones.
  public func build(_ sources: [ZoneSource]) throws(ZoneFaults) -> ZoneTable {
    var blocks: [ZoneBlock] = []
    var faults: [ZoneFault] = []
    for (zone, source) in sources.enumerated() {
      do throws(ZoneBlockFaults) {
        blocks.append(try source.block())
      } catch {
        faults += error.faults.map {
          ZoneFault(zone: zone, subject: ZoneSource.subject($0.mark), message: $0.message)
        }
      }
    }
    guard faults.isEmpty else { throw ZoneFaults(faults: faults) }
    return try join(blocks)
  }
}

extension ZoneSource {
  private static let steeredMark: UInt32 = 1 << 31

  /// Compiles the zone; ``subject(_:)`` says what the marks of faults mean.
  public func block() throws(ZoneBlockFaults) -> ZoneBlock {
    var builder = ZoneBlockBuilder(name: name, rules: .configured)
    builder.add(
      owner: name, ttlSeconds: soa.ttlSeconds, type: .soa, data: soa.data,
      mark: Self.steeredMark - 1)
    for (index, record) in records.enumerated() {
      builder.add(
        owner: record.owner, ttlSeconds: record.ttlSeconds, type: record.type, data: record.data,
        mark: UInt32(index))
    }
    for (index, steered) in steered.enumerated() {
      builder.add(steered, mark: Self.steeredMark | UInt32(index))
    }
    return try builder.build()
  }

  /// What a fault's mark points at.
  public static func subject(_ mark: UInt32?) -> ZoneFault.Subject {
    guard let mark, mark != steeredMark - 1 else { return .zone }
    return mark < steeredMark ? .record(Int(mark)) : .steered(Int(mark - steeredMark))
  }
}
