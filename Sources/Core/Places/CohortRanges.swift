/// The ranges of one family for several tables. The first bits of an address choose a bucket, and a
/// range is told by the bits behind those alone, which leaves room for its value in the same word:
///
///     index        for each bucket of each table the entry that holds its first address, doubled;
///                  odd if that begins there
///     entries      the bits behind the bucket's, from the highest on, over a value in `valueMask`
///     wholeScopes  for each bucket that is all in one range its scope, else 0
///
/// `index` and `wholeScopes` have one element more for each table.
@usableFromInline
struct CohortRanges<Entry: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
  @usableFromInline private(set) var index: [UInt32] = []
  @usableFromInline private(set) var entries: [Entry] = []
  @usableFromInline private(set) var wholeScopes: [UInt8] = []
  @usableFromInline let valueMask: Entry
  /// How many bits of an address choose the bucket.
  @usableFromInline let bucketBits: Int
  /// Buckets of a table.
  @usableFromInline let bucketCount: Int

  /// A bucket where a prefix of 2¹⁶ buckets begins.
  private let alignedBucket: Int
  /// The first bucket behind the begin of the last range in the table that is being built.
  private var firstWhole = 0

  init(valueBits: Int, bucketBits: Int, bucketCount: Int, alignedBucket: Int = 0) {
    valueMask = (1 << Entry(valueBits)) - 1
    self.bucketBits = bucketBits
    self.bucketCount = bucketCount
    self.alignedBucket = alignedBucket
  }

  /// Bytes of the arrays.
  var byteCount: Int {
    4 * index.count + MemoryLayout<Entry>.size * entries.count + wholeScopes.count
  }

  /// The value of the range that holds an address, and the scope of the address.
  ///
  /// - Parameters:
  ///   - bits: the bits of the address behind the bucket's, from the highest bit on.
  /// - Complexity: an indexed load and a binary search in the bucket.
  @inlinable @inline(__always)
  func find(table: Int, bucket: Int, bits: Entry) -> (value: Entry, scopeBits: Int) {
    let slot = table &* (bucketCount &+ 1) &+ bucket
    let first = Int(index[slot] >> 1)
    let behind = Int(index[slot &+ 1])
    let last = behind >> 1 &- behind & 1
    guard first < last else { return (entries[first] & valueMask, Int(wholeScopes[slot])) }
    let limit = bits | valueMask
    var low = first
    var count = last &- first
    while count > 0 {
      let half = (count &+ 1) >> 1
      low = entries[low &+ half] <= limit ? low &+ half : low
      count &-= half
    }
    let entry = entries[low]
    // There is a border inside the bucket, and those outside do not matter.
    let before = (entry & ~valueMask) &- 1
    let below = low == first ? 0 : (bits ^ before).leadingZeroBitCount
    let above =
      low == last ? 0 : (bits ^ (entries[low &+ 1] & ~valueMask)).leadingZeroBitCount
    return (entry & valueMask, max(below, above) &+ 1 &+ bucketBits)
  }

  mutating func reserveCapacity(tables: Int, ranges: Int) {
    index.reserveCapacity(tables * (bucketCount + 1))
    wholeScopes.reserveCapacity(tables * (bucketCount + 1))
    entries.reserveCapacity(ranges)
  }

  /// Adds a range to the table that is being built; ranges come in ascending order, the first at
  /// the begin of the first bucket.
  mutating func append(table: Int, bucket: Int, bits: Entry, value: Entry) {
    let slot = closeBuckets(table: table, before: bucket)
    if index.count == slot {
      index.append(UInt32(bits == 0 ? entries.count << 1 | 1 : (entries.count - 1) << 1))
    }
    entries.append(bits | value)
    firstWhole = bits == 0 ? bucket : bucket + 1
  }

  /// Ends the table that is being built.
  mutating func closeTable(_ table: Int) {
    closeBuckets(table: table, before: bucketCount)
    index.append(UInt32((entries.count - 1) << 1))
    wholeScopes.append(0)
  }

  /// Says that the next range begins in `bucket`; gives the index of that bucket.
  @discardableResult
  private mutating func closeBuckets(table: Int, before bucket: Int) -> Int {
    let base = table * (bucketCount + 1)
    let newSlots = base + bucket - index.count
    if newSlots > 0 {
      index.append(contentsOf: repeatElement(UInt32((entries.count - 1) << 1), count: newSlots))
    }
    let newDivided = base + min(firstWhole, bucket) - wholeScopes.count
    if newDivided > 0 { wholeScopes.append(contentsOf: repeatElement(0, count: newDivided)) }
    // The widest prefixes that the buckets wholly inside the last range make up.
    var first = firstWhole
    while first < bucket {
      let alignedBits = (first - alignedBucket).trailingZeroBitCount
      let fittingBits = Int.bitWidth - 1 - (bucket - first).leadingZeroBitCount
      let bits = min(alignedBits, fittingBits)
      wholeScopes.append(
        contentsOf: repeatElement(UInt8(bucketBits - bits), count: 1 << bits))
      first += 1 << bits
    }
    firstWhole = first
    return base + bucket
  }
}
