/// Client → (cohort, scope), for several maps: the structure that every query and every connection
/// reads. Immutable; look-ups allocate nothing and count no references.
///
///     map ──► table          equal tables are kept once
///     index4    65,537 a table   address bits 0–15 → the range that holds the first such address
///     entries4  start << 32 | cohort, all tables behind each other, one 0 at the end
///     index6    65,539 a table   the same for bits 3–18 of 2000::/3; an entry before and behind
///     starts6   the high 64 bits
///     values6   cohort, or the number of a deep /64: one that is not all of one cohort
///     deep…     the ranges of the low 64 bits of each deep /64
///
/// A start of 0 behind a range says that the range is the last of its table.
public struct CohortMaps: Sendable {
  @usableFromInline let tableOfMap: [UInt32]
  @usableFromInline private(set) var index4: [UInt32] = []
  @usableFromInline private(set) var entries4: [UInt64] = []
  @usableFromInline private(set) var index6: [UInt32] = []
  @usableFromInline private(set) var starts6: [UInt64] = []
  @usableFromInline private(set) var values6: [UInt32] = []
  /// Where the ranges of each deep /64 begin in `deepStarts`, and where the last ends.
  private var deepFirst: [UInt32] = [0]
  private var deepStarts: [UInt64] = []
  private var deepValues: [UInt32] = []

  @usableFromInline static let index4Stride = 65_537
  @usableFromInline static let index6Stride = 65_539
  /// Marks an entry of `values6` as the number of a deep /64.
  @usableFromInline static let deepFlag: UInt32 = 1 << 31

  /// - Parameter tables: one for each map; values below 2³¹.
  public init(_ tables: [AddressTable]) {
    var kept: [Int] = []
    var numbers: [UInt32] = []
    for (map, table) in tables.enumerated() {
      let known = kept.firstIndex { tables[$0] == table }
      numbers.append(UInt32(known ?? kept.count))
      if known == nil { kept.append(map) }
    }
    tableOfMap = numbers
    entries4.reserveCapacity(kept.reduce(1) { $0 + tables[$1].ranges4.count })
    let count6 = kept.reduce(1) { $0 + tables[$1].ranges6.count }
    starts6.reserveCapacity(count6)
    values6.reserveCapacity(count6)
    index4.reserveCapacity(kept.count * Self.index4Stride)
    index6.reserveCapacity(kept.count * Self.index6Stride)
    for map in kept {
      append4(tables[map].ranges4)
      append6(tables[map].ranges6)
    }
    entries4.append(0)
    starts6.append(0)
  }

  /// Bytes of the arrays.
  public var byteCount: Int {
    4 * (tableOfMap.count + index4.count + index6.count + values6.count + deepValues.count)
      + 4 * deepFirst.count + 8 * (entries4.count + starts6.count + deepStarts.count)
  }

  /// The cohort of a client and the prefix over which it holds.
  ///
  /// - Parameter map: the index of its table at ``init(_:)``; traps if there is none.
  /// - Returns: the scope in the family that the client used (RFC 7871 §7.2.1), as
  ///   ``AddressTable/find(_:)`` has it.
  /// - Complexity: an indexed load and a binary search inside 1/65,536 of the space.
  @inlinable
  public func find(map: Int, client: ClientAddress) -> CohortMatch {
    switch client.family {
    case .ipv4:
      var match = find4(
        table: Int(tableOfMap[map]), bits: UInt32(truncatingIfNeeded: client.bits))
      match.scopeBits &+= client.scopeOffsetBits
      return match
    case .ipv6: return find6(table: Int(tableOfMap[map]), bits: client.bits)
    }
  }

  @inlinable
  func find4(table: Int, bits: UInt32) -> CohortMatch {
    let slot = table &* Self.index4Stride &+ Int(bits >> 16)
    var low = Int(index4[slot])
    var count = Int(index4[slot &+ 1]) &- low
    let key = UInt64(bits) << 32 | 0xFFFF_FFFF
    while count > 0 {
      let half = (count &+ 1) >> 1
      low = entries4[low &+ half] <= key ? low &+ half : low
      count &-= half
    }
    let entry = entries4[low]
    let start = UInt32(truncatingIfNeeded: entry >> 32)
    let next = UInt32(truncatingIfNeeded: entries4[low &+ 1] >> 32)
    let below = start == 0 ? 0 : (bits ^ (start &- 1)).leadingZeroBitCount &+ 1
    let above = next == 0 ? 0 : (bits ^ next).leadingZeroBitCount &+ 1
    return CohortMatch(
      cohort: UInt32(truncatingIfNeeded: entry),
      scopeBits: UInt8(truncatingIfNeeded: max(below, above)))
  }

  @inlinable
  func find6(table: Int, bits: UInt128) -> CohortMatch {
    let high = UInt64(truncatingIfNeeded: bits >> 64)
    let slot = table &* Self.index6Stride &+ Self.slot6(high)
    var low = Int(index6[slot])
    var count = Int(index6[slot &+ 1]) &- low
    while count > 0 {
      let half = (count &+ 1) >> 1
      low = starts6[low &+ half] <= high ? low &+ half : low
      count &-= half
    }
    let value = values6[low]
    guard value & Self.deepFlag == 0 else {
      return findDeep(
        Int(value & ~Self.deepFlag), lowBits: UInt64(truncatingIfNeeded: bits))
    }
    let start = starts6[low]
    let next = starts6[low &+ 1]
    let below = start == 0 ? 0 : (high ^ (start &- 1)).leadingZeroBitCount &+ 1
    let above = next == 0 ? 0 : (high ^ next).leadingZeroBitCount &+ 1
    return CohortMatch(
      cohort: value, scopeBits: UInt8(truncatingIfNeeded: max(below, above)))
  }

  /// The entry of `index6` for the high 64 bits: 0 below 2000::, 1...65,536 inside 2000::/3, 65,537
  /// above.
  @inlinable
  static func slot6(_ high: UInt64) -> Int {
    switch high >> 61 {
    case 0: 0
    case 1: 1 &+ Int(truncatingIfNeeded: (high >> 45) & 0xFFFF)
    default: 65_537
    }
  }

  /// Inside a /64 of more than one cohort, where every scope is longer than 64.
  @usableFromInline
  func findDeep(_ number: Int, lowBits: UInt64) -> CohortMatch {
    let first = Int(deepFirst[number])
    let end = Int(deepFirst[number + 1])
    var position = first
    while position + 1 < end && deepStarts[position + 1] <= lowBits { position += 1 }
    let start = deepStarts[position]
    let below = start == 0 ? 0 : (lowBits ^ (start - 1)).leadingZeroBitCount + 1
    let above =
      position + 1 == end ? 0 : (lowBits ^ deepStarts[position + 1]).leadingZeroBitCount + 1
    return CohortMatch(cohort: deepValues[position], scopeBits: UInt8(64 + max(below, above)))
  }

  private mutating func append4(_ ranges: RangeList<UInt32>) {
    let base = entries4.count
    for (start, value) in zip(ranges.starts, ranges.values) {
      entries4.append(UInt64(start) << 32 | UInt64(Self.checked(value)))
    }
    var position = 0
    for bucket in UInt32(0)..<65_536 {
      while position + 1 < ranges.count && ranges.starts[position + 1] <= bucket << 16 {
        position += 1
      }
      index4.append(UInt32(base + position))
    }
    index4.append(UInt32(base + ranges.count - 1))
  }

  private mutating func append6(_ ranges: RangeList<UInt128>) {
    let base = starts6.count
    var first = 0
    let starts = ranges.starts
    while first < ranges.count {
      let high = starts.high(at: first)
      var end = first + 1
      while end < ranges.count && starts.high(at: end) == high { end += 1 }
      starts6.append(high)
      if end == first + 1 && starts.low(at: first) == 0 {
        values6.append(Self.checked(ranges.values[first]))
      } else {
        appendDeep(ranges, first..<end)
        let isFollowed = end < ranges.count && starts.high(at: end) == high &+ 1
        if !isFollowed && high < .max {
          starts6.append(high + 1)
          values6.append(Self.checked(ranges.values[end - 1]))
        }
      }
      first = end
    }
    appendIndex6(base: base)
  }

  /// The ranges that begin inside one /64, and what reaches into it from before.
  private mutating func appendDeep(_ ranges: RangeList<UInt128>, _ inside: Range<Int>) {
    values6.append(Self.deepFlag | UInt32(deepFirst.count - 1))
    if ranges.starts.low(at: inside.lowerBound) != 0 {
      deepStarts.append(0)
      deepValues.append(Self.checked(ranges.values[inside.lowerBound - 1]))
    }
    for position in inside {
      deepStarts.append(ranges.starts.low(at: position))
      deepValues.append(Self.checked(ranges.values[position]))
    }
    deepFirst.append(UInt32(deepStarts.count))
  }

  private mutating func appendIndex6(base: Int) {
    var position = base
    func advance(to high: UInt64) {
      while position + 1 < starts6.count && starts6[position + 1] <= high { position += 1 }
    }
    index6.append(UInt32(base))
    for bucket in UInt64(0)..<65_536 {
      advance(to: 1 << 61 | bucket << 45)
      index6.append(UInt32(position))
    }
    advance(to: 2 << 61)
    index6.append(UInt32(position))
    index6.append(UInt32(starts6.count - 1))
  }

  /// Folded ranges are never looked up; they only bound scopes.
  private static func checked(_ value: UInt32) -> UInt32 {
    guard value != AddressTable.foldedValue else { return 0 }
    precondition(value < deepFlag, "a cohort is below 2³¹")
    return value
  }
}

/// What ``CohortMaps`` knows of a client.
public struct CohortMatch: Sendable, Equatable, BitwiseCopyable {
  public var cohort: UInt32
  /// The prefix around the client inside which all clients are of this cohort: 0...32, or 0...128
  /// for a client that came with IPv6 (RFC 7871 §7.2.1).
  public var scopeBits: UInt8

  @inlinable
  public init(cohort: UInt32, scopeBits: UInt8) {
    self.cohort = cohort
    self.scopeBits = scopeBits
  }
}
