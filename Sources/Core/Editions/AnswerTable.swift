import Places
public import Routing

/// The precompiled answer sections of steered names: for each outcome of each service the A and
/// the AAAA records, ready to copy behind a question at offset 12.
///
///     record   C0 0C | type | class IN | TTL | length | address        16 or 28 bytes
public struct AnswerTable: Sendable {
  /// Of every record, before the address: owner pointer, type, class, TTL, length.
  @usableFromInline static let fixedByteCount = 12

  /// By outcome × 2, + 1 for AAAA.
  @usableFromInline let entries: [Entry]
  /// The records of all entries.
  public let bytes: [UInt8]

  public struct Entry: Sendable, Equatable, BitwiseCopyable {
    /// Into ``AnswerTable/bytes``.
    public var offset: UInt32
    public var byteCount: UInt16
    public var recordCount: UInt16
    public var disposition: Disposition
    public var basis: Basis
  }

  public enum Disposition: UInt8, Sendable, BitwiseCopyable {
    /// Records, or no data of this type if there are none.
    case answer
    /// SERVFAIL.
    case fail
    /// No data, whatever the type.
    case noData
  }

  /// - Parameter outcome: as ``Decision/outcome`` says it.
  @inlinable
  public func entry(outcome: Int, isIPv6: Bool) -> Entry {
    entries[outcome &* 2 &+ (isIPv6 ? 1 : 0)]
  }

  init(model: RoutingModel, board: HealthBoard, sets: [VerdictSet]) {
    var builder = Builder()
    for (service, set) in zip(model.services, sets) {
      for outcome in set.outcomes {
        for isIPv6 in [false, true] {
          let addresses = addresses(
            of: outcome, isIPv6: isIPv6, service: service, model: model, board: board)
          builder.append(addresses, isIPv6: isIPv6, outcome: outcome, service: service)
        }
      }
    }
    entries = builder.entries
    bytes = builder.bytes
  }

  private struct Builder {
    var entries: [Entry] = []
    var bytes: [UInt8] = []

    mutating func append(
      _ addresses: [IPAddress], isIPv6: Bool, outcome: Outcome, service: RoutingModel.Service
    ) {
      let offset = bytes.count
      var recordCount: UInt16 = 0
      for address in addresses.prefix(service.maximumAddresses) {
        let data = recordData(of: address)
        bytes += [0xC0, 0x0C, 0, isIPv6 ? 28 : 1, 0, 1]
        bytes += bigEndianBytes(service.ttlSeconds)
        bytes += [0, UInt8(data.count)] + data
        recordCount += 1
      }
      let disposition: Disposition =
        switch outcome.kind {
        case .serve: .answer
        case .fail: .fail
        case .noData: .noData
        }
      entries.append(
        Entry(
          offset: UInt32(offset), byteCount: UInt16(bytes.count - offset),
          recordCount: recordCount, disposition: disposition, basis: outcome.basis))
    }
  }
}

/// The distinct addresses of one family of an outcome's endpoints, in order.
private func addresses(
  of outcome: Outcome, isIPv6: Bool, service: RoutingModel.Service, model: RoutingModel,
  board: HealthBoard
) -> [IPAddress] {
  var seen: Set<IPAddress> = []
  return outcome.regions.flatMap { region in
    usableEndpoints(
      of: model.pools[service.pool].endpoints[region].filter {
        model.endpoints[$0].socket.address.isIPv6 == isIPv6
      }, model: model, board: board, ignoringHealth: outcome.basis.ignoresHealth)
  }
  .map { model.endpoints[$0].socket.address }
  .filter { seen.insert($0).inserted }
}

/// The endpoints to use of a region, standbys only where there is nothing else: those of the best
/// standing, or, ignoring health, all that no operator took out.
func usableEndpoints(
  of candidates: [Int], model: RoutingModel, board: HealthBoard, ignoringHealth: Bool
) -> [Int] {
  let eligible = candidates.filter { board.conditions[$0].standing < .removed }
  let best = eligible.map { board.conditions[$0].standing }.min()
  let usable =
    ignoringHealth ? eligible : eligible.filter { board.conditions[$0].standing == best }
  let active = usable.filter { model.endpoints[$0].weight > 0 }
  return active.isEmpty ? usable : active
}

private func recordData(of address: IPAddress) -> [UInt8] {
  switch address {
  case .ipv4(let bits): bigEndianBytes(bits)
  case .ipv6(let bits): bigEndianBytes(bits)
  }
}

private func bigEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  stride(from: Number.bitWidth - 8, through: 0, by: -8).map {
    UInt8(truncatingIfNeeded: number >> Number($0))
  }
}
