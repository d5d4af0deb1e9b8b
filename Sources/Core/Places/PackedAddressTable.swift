/// An ``AddressTable`` in less than half the memory, for where look-ups are rare: explanations,
/// look-ups by hand, and what cohorts are made from at a reload.
///
/// A look-up takes about a microsecond; ``CohortMaps`` is the fast way.
public struct PackedAddressTable: Sendable, Equatable {
  let ranges4: PackedRanges<UInt32>
  let ranges6: PackedRanges<UInt128>

  public init(_ table: AddressTable) {
    ranges4 = PackedRanges(table.ranges4)
    ranges6 = PackedRanges(table.ranges6)
  }

  /// IPv4 and IPv6 ranges.
  public var rangeCounts: (ipv4: Int, ipv6: Int) { (ranges4.count, ranges6.count) }

  /// Bytes of the arrays.
  public var byteCount: Int { ranges4.byteCount + ranges6.byteCount }

  /// The value of a client and the prefix over which it holds, as ``AddressTable/find(_:)`` has it.
  ///
  /// - Complexity: binary search, and reading one block of ranges.
  public func find(_ client: ClientAddress) -> (value: UInt32, scopeBits: UInt8) {
    switch client.family {
    case .ipv4:
      let (value, scope) = ranges4.find(UInt32(truncatingIfNeeded: client.bits))
      return (value, scope + client.scopeOffsetBits)
    case .ipv6: return ranges6.find(client.bits)
    }
  }

  /// Replaces every value `v` by `table[v]` and merges neighbours that have become equal.
  /// Traps if a value is no index of `table`.
  public func mapValues(_ table: [UInt32]) -> AddressTable {
    AddressTable(
      ranges4: ranges4.unpacked { table[Int($0)] },
      ranges6: ranges6.unpacked { $0 == AddressTable.foldedValue ? $0 : table[Int($0)] })
  }

  /// What it was made from.
  public func unpacked() -> AddressTable {
    AddressTable(ranges4: ranges4.unpacked { $0 }, ranges6: ranges6.unpacked { $0 })
  }

  /// ``AddressTable/starts4``, unpacked into a new array at each use, as are the three below.
  public var starts4: [UInt32] { ranges4.unpacked { $0 }.starts }
  /// ``AddressTable/values4``.
  public var values4: [UInt32] { ranges4.unpacked { $0 }.values }
  /// ``AddressTable/starts6``.
  public var starts6: [UInt128] { unpacked().starts6 }
  /// ``AddressTable/values6``.
  public var values6: [UInt32] { ranges6.unpacked { $0 }.values }
}
