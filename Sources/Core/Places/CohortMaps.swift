/// Client → (cohort, scope), for several maps: the structure that every query and every connection
/// reads. Immutable; look-ups allocate nothing and count no references.
///
///     map -> table  equal tables are kept once
///     narrow4       IPv4: a bucket for each value of bits 0-15; bits 16-31 over 16 bits of cohort
///     wide4         the same over 48 bits, used instead if there are more cohorts than that
///     ranges6       IPv6: a bucket for each value of bits 3-18 of 2000::/3, one before them and
///                   one behind; bits 19-63 (19-50 if there are very many cohorts) over a cohort
///                   or the number of a deep list
///     deep          the stretches that those bits do not divide finely enough, and all outside
///                   2000::/3
public struct CohortMaps: Sendable {
  /// One reference, since many copies of this lie in what surrounds it, and copying a dozen would
  /// cost every query.
  @usableFromInline let storage: Storage

  @usableFromInline
  final class Storage: Sendable {
    @usableFromInline let tableOfMap: [UInt32]
    @usableFromInline let narrow4: CohortRanges<UInt32>
    @usableFromInline let wide4: CohortRanges<UInt64>
    @usableFromInline let isNarrow4: Bool
    @usableFromInline let ranges6: CohortRanges<UInt64>
    /// Marks a value of `ranges6` as the number of a deep list.
    @usableFromInline let deepFlag: UInt64
    @usableFromInline let deep: DeepRanges

    init(tableOfMap: [UInt32], draft: CohortMapsDraft) {
      self.tableOfMap = tableOfMap
      narrow4 = draft.narrow4
      wide4 = draft.wide4
      isNarrow4 = draft.isNarrow4
      ranges6 = draft.ranges6
      deepFlag = draft.deepFlag
      deep = draft.deep
    }
  }

  /// - Parameter tables: one for each map; values below 2³¹.
  public init(_ tables: [AddressTable]) {
    var kept: [AddressTable] = []
    let tableOfMap = tables.map { table in
      if let known = kept.firstIndex(of: table) { return UInt32(known) }
      kept.append(table)
      return UInt32(kept.count - 1)
    }
    storage = Storage(tableOfMap: tableOfMap, draft: CohortMapsDraft(kept))
  }

  /// Bytes of the arrays.
  public var byteCount: Int {
    4 * storage.tableOfMap.count + storage.narrow4.byteCount + storage.wide4.byteCount
      + storage.ranges6.byteCount + storage.deep.byteCount
  }

  /// The cohort of a client and the prefix over which it holds.
  ///
  /// - Parameter map: the index of its table at ``init(_:)``; traps if there is none.
  /// - Returns: the scope in the family that the client used (RFC 7871 §7.2.1), as
  ///   ``AddressTable/find(_:)`` has it.
  /// - Complexity: an indexed load and a binary search inside 1/65,536 of the space.
  @inlinable
  public func find(map: Int, client: ClientAddress) -> CohortMatch {
    let table = Int(storage.tableOfMap[map])
    guard client.family == .ipv4 else { return find6(table: table, bits: client.bits) }
    var match = find4(table: table, bits: UInt32(truncatingIfNeeded: client.bits))
    match.scopeBits &+= client.scopeOffsetBits
    return match
  }

  @inlinable @inline(__always)
  func find4(table: Int, bits: UInt32) -> CohortMatch {
    let bucket = Int(bits >> 16)
    if storage.isNarrow4 {
      let (value, scope) = storage.narrow4.find(table: table, bucket: bucket, bits: bits << 16)
      return CohortMatch(cohort: value, scopeBits: UInt8(truncatingIfNeeded: scope))
    }
    let (value, scope) = storage.wide4.find(table: table, bucket: bucket, bits: UInt64(bits) << 48)
    return CohortMatch(
      cohort: UInt32(truncatingIfNeeded: value), scopeBits: UInt8(truncatingIfNeeded: scope))
  }

  @inlinable
  func find6(table: Int, bits: UInt128) -> CohortMatch {
    let high = UInt64(truncatingIfNeeded: bits >> 64)
    let (value, scope) = storage.ranges6.find(
      table: table, bucket: Bucket6.number(high), bits: high << 19)
    guard value & storage.deepFlag == 0 else {
      return storage.deep.find(list: Int(truncatingIfNeeded: value ^ storage.deepFlag), bits: bits)
    }
    return CohortMatch(
      cohort: UInt32(truncatingIfNeeded: value), scopeBits: UInt8(truncatingIfNeeded: scope))
  }
}

/// The buckets of IPv6.
@usableFromInline
enum Bucket6 {
  @usableFromInline static let count = 65_538
  /// 2000::, where those of 2000::/3 begin.
  static let first: UInt128 = 1 << 125
  /// 4000::, where those of 2000::/3 end.
  static let end: UInt128 = 1 << 126

  /// The bucket of the high 64 bits: 0 below 2000::, 1...65,536 inside 2000::/3, 65,537 above.
  @inlinable
  static func number(_ high: UInt64) -> Int {
    switch high >> 61 {
    case 0: 0
    case 1: 1 &+ Int(truncatingIfNeeded: (high >> 45) & 0xFFFF)
    default: 65_537
    }
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
