/// Every IPv4 and every IPv6 address → a small number, as maximal ranges: neighbouring ranges
/// always differ, so that a scope computed from a range is as wide as it can be.
///
/// IPv6 ranges stop at ``ClientAddress/foldedPrefixes``, which hold ``foldedValue``: their clients
/// are answered from the IPv4 ranges, and no scope may reach from outside into them.
public struct AddressTable: Sendable, Equatable {
  /// Stands in the IPv6 ranges where clients are answered from the IPv4 ranges. No other range has
  /// this value.
  public static let foldedValue = UInt32.max

  var ranges4: RangeList<UInt32>
  var ranges6: RangeList<UInt128>

  /// The first address of each IPv4 range, ascending; the first is 0.
  public var starts4: [UInt32] { ranges4.starts }
  /// The value of each IPv4 range.
  public var values4: [UInt32] { ranges4.values }
  /// The first address of each IPv6 range, ascending; the first is 0. Makes a new array; for one of
  /// them see ``start6(at:)``.
  public var starts6: [UInt128] { values6.indices.map { ranges6.starts[$0] } }
  /// The first address of one IPv6 range.
  public func start6(at index: Int) -> UInt128 { ranges6.starts[index] }
  /// The value of each IPv6 range, or ``foldedValue``.
  public var values6: [UInt32] { ranges6.values }

  /// The same value everywhere.
  public init(_ value: UInt32 = 0) {
    self.init(ranges4: RangeList(value), ranges6: RangeList(value))
  }

  /// Cuts the folded prefixes out of `ranges6`.
  init(ranges4: RangeList<UInt32>, ranges6: RangeList<UInt128>) {
    self.ranges4 = ranges4
    self.ranges6 =
      Self.hasFolds(ranges6)
      ? ranges6
      : ranges6.combined(with: Self.foldedRanges) { $1 == Self.foldedValue ? $1 : $0 }
  }

  /// The value of a client and the prefix over which it holds.
  ///
  /// - Returns: the value; and `scopeBits` in 0...32 or 0...128 of the family that the client used
  ///   (RFC 7871 §7.2.1): every client inside that prefix has this value, and no shorter prefix
  ///   around the client has that property.
  /// - Complexity: binary search; ``CohortMaps`` is the fast way.
  public func find(_ client: ClientAddress) -> (value: UInt32, scopeBits: UInt8) {
    switch client.family {
    case .ipv4:
      let bits = UInt32(truncatingIfNeeded: client.bits)
      let index = ranges4.index(of: bits)
      let scope = ranges4.scopeBits(of: bits, at: index) + client.scopeOffsetBits
      return (ranges4.values[index], scope)
    case .ipv6:
      let index = ranges6.index(of: client.bits)
      return (ranges6.values[index], ranges6.scopeBits(of: client.bits, at: index))
    }
  }

  /// Replaces every value `v` by `table[v]` and merges neighbours that have become equal.
  /// Traps if a value is no index of `table`.
  public func mapValues(_ table: [UInt32]) -> AddressTable {
    AddressTable(
      ranges4: ranges4.mapValues { table[Int($0)] },
      ranges6: ranges6.mapValues { $0 == Self.foldedValue ? $0 : table[Int($0)] })
  }

  /// Both tables laid over each other; `join` is asked for each stretch in which neither changes.
  func combined(
    with other: AddressTable, _ join: (_ own: UInt32, _ other: UInt32) -> UInt32
  ) -> AddressTable {
    AddressTable(
      ranges4: ranges4.combined(with: other.ranges4, join),
      ranges6: ranges6.combined(with: other.ranges6) {
        $0 == Self.foldedValue ? $0 : join($0, $1)
      })
  }

  /// First and last address of each folded prefix, ascending.
  static let folds: [(first: UInt128, last: UInt128)] = {
    var prefixes = ClientAddress.foldedPrefixes.compactMap { RangePrefix<UInt128>($0, tag: 0) }
    RangePrefix.sort(&prefixes)
    return prefixes.map { ($0.start, $0.last) }
  }()

  private static let foldedRanges: RangeList<UInt128> = {
    var builder = AddressTableBuilder()
    return builder.finishedRanges6()
  }()

  private static func hasFolds(_ ranges: RangeList<UInt128>) -> Bool {
    folds.allSatisfy { fold in
      let index = ranges.index(of: fold.first)
      return ranges.values[index] == foldedValue && ranges.starts[index] == fold.first
        && index + 1 < ranges.count && ranges.starts[index + 1] == fold.last + 1
    }
  }
}

/// Collects the ranges of an ``AddressTable`` in ascending order of addresses, cutting out the
/// folded prefixes on the way.
package struct AddressTableBuilder {
  private var ranges4 = RangeList<UInt32>(0)
  private var ranges6 = RangeList<UInt128>(0)
  /// The value of the IPv6 addresses behind the last start.
  private var value6: UInt32 = 0
  /// The first of ``AddressTable/folds`` that is not behind the last start.
  private var nextFold = 0
  /// Where it begins; all ones behind the last.
  private var nextFoldFirst = AddressTable.folds[0].first

  /// Value 0 everywhere.
  package init() {}

  /// IPv4 and IPv6 ranges so far.
  package var rangeCounts: (ipv4: Int, ipv6: Int) { (ranges4.count, ranges6.count) }

  /// Gives `value` to the IPv4 addresses from `start` on. Traps if `start` is below an earlier one.
  package mutating func append(ipv4 start: UInt32, value: UInt32) {
    ranges4.append(start: start, value: value)
  }

  /// Gives `value` to the IPv6 addresses from `start` on. Traps if `start` is below an earlier one.
  package mutating func append(ipv6 start: UInt128, value: UInt32) {
    if start < nextFoldFirst {
      ranges6.append(start: start, value: value)
      value6 = value
      return
    }
    while nextFold < AddressTable.folds.count && AddressTable.folds[nextFold].last < start {
      cutNextFold()
    }
    if start < nextFoldFirst { ranges6.append(start: start, value: value) }
    value6 = value
  }

  private mutating func cutNextFold() {
    let fold = AddressTable.folds[nextFold]
    ranges6.append(start: fold.first, value: AddressTable.foldedValue)
    ranges6.append(start: fold.last + 1, value: value6)
    nextFold += 1
    nextFoldFirst =
      nextFold < AddressTable.folds.count ? AddressTable.folds[nextFold].first : .max
  }

  mutating func finishedRanges6() -> RangeList<UInt128> {
    while nextFold < AddressTable.folds.count { cutNextFold() }
    return ranges6
  }

  package consuming func build() -> AddressTable {
    AddressTable(ranges4: ranges4, ranges6: finishedRanges6())
  }
}

extension RangePrefix<UInt32> {
  /// nil for a prefix of the other family.
  init?(_ prefix: AddressPrefix, tag: UInt32, line: UInt32 = 0) {
    guard case .ipv4(let bits) = prefix.address else { return nil }
    self.init(start: bits, tag: tag, line: line, length: UInt8(prefix.length))
  }
}

extension RangePrefix<UInt128> {
  /// nil for a prefix of the other family.
  init?(_ prefix: AddressPrefix, tag: UInt32, line: UInt32 = 0) {
    guard case .ipv6(let bits) = prefix.address else { return nil }
    self.init(start: bits, tag: tag, line: line, length: UInt8(prefix.length))
  }
}
