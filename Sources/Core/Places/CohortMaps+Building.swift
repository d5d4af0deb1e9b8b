/// How the bits of ``CohortMaps`` are shared between starts and values.
struct CohortShape {
  /// Whether every IPv4 cohort has room in 16 bits.
  private(set) var isNarrow4 = true
  /// Bits of an IPv6 value: cohort or number of a deep list, and the flag that tells them apart.
  private(set) var valueBits6 = 19
  /// Deep lists at most.
  private(set) var deepCount = 0

  /// The bits behind which IPv6 ranges are divided only by deep lists.
  var cellBits: Int { 19 + 64 - valueBits6 }

  init(_ tables: [AddressTable]) {
    var largest4: UInt32 = 0
    var largest6: UInt32 = 0
    for table in tables {
      largest4 = table.ranges4.values.reduce(largest4, max)
      for value in table.ranges6.values { largest6 = max(largest6, cohort(value)) }
    }
    precondition(max(largest4, largest6) < 1 << 31, "a cohort is below 2³¹")
    isNarrow4 = largest4 < 1 << 16
    deepCount = Self.deepCount(tables, cellBits: 64)
    guard max(Int(largest6), deepCount) >= 1 << 18 else { return }
    valueBits6 = 32
    deepCount = Self.deepCount(tables, cellBits: cellBits)
  }

  /// At most: one for each cell in which a range begins, but not at its first address.
  private static func deepCount(_ tables: [AddressTable], cellBits: Int) -> Int {
    let inside = UInt128.max >> UInt128(cellBits)
    return tables.reduce(0) { count, table in
      var count = count + 2
      var previous: UInt128?
      for index in 0..<table.ranges6.count {
        let start = table.ranges6.starts[index]
        guard start & inside != 0, start & ~inside != previous else { continue }
        previous = start & ~inside
        count += 1
      }
      return count
    }
  }
}

/// Folded ranges are never looked up; they only bound scopes.
private func cohort(_ value: UInt32) -> UInt32 {
  value == AddressTable.foldedValue ? 0 : value
}

extension CohortRanges {
  /// Adds a table of IPv4.
  mutating func append(_ ranges: RangeList<UInt32>, table: Int) {
    let shift = Entry(Entry.bitWidth - 16)
    for (start, value) in zip(ranges.starts, ranges.values) {
      append(
        table: table, bucket: Int(start >> 16), bits: Entry(start & 0xFFFF) << shift,
        value: Entry(value))
    }
    closeTable(table)
  }
}

/// ``CohortMaps`` in the making.
struct CohortMapsDraft {
  private(set) var narrow4 = CohortRanges<UInt32>(
    valueBits: 16, bucketBits: 16, bucketCount: 65_536)
  private(set) var wide4 = CohortRanges<UInt64>(
    valueBits: 48, bucketBits: 16, bucketCount: 65_536)
  let isNarrow4: Bool
  private(set) var ranges6: CohortRanges<UInt64>
  let deepFlag: UInt64
  private(set) var deep = DeepRanges()

  /// - Parameter tables: distinct; values below 2³¹.
  init(_ tables: [AddressTable]) {
    let shape = CohortShape(tables)
    isNarrow4 = shape.isNarrow4
    deepFlag = 1 << UInt64(shape.valueBits6 - 1)
    ranges6 = CohortRanges(
      valueBits: shape.valueBits6, bucketBits: 19, bucketCount: Bucket6.count, alignedBucket: 1)
    let count4 = tables.reduce(0) { $0 + $1.ranges4.count }
    if isNarrow4 {
      narrow4.reserveCapacity(tables: tables.count, ranges: count4)
    } else {
      wide4.reserveCapacity(tables: tables.count, ranges: count4)
    }
    // Room that stays empty costs nothing: the system gives memory when it is first written.
    ranges6.reserveCapacity(
      tables: tables.count,
      ranges: tables.reduce(0) { $0 + 3 + $1.ranges6.count } + shape.deepCount)
    for (number, table) in tables.enumerated() {
      if isNarrow4 {
        narrow4.append(table.ranges4, table: number)
      } else {
        wide4.append(table.ranges4, table: number)
      }
      append6(table.ranges6, table: number, cellBits: shape.cellBits)
    }
  }

  /// Adds a table of IPv6: all below 2000:: and all above 3fff:: by a deep list each, and between
  /// them each cell by its value or by a deep list.
  private mutating func append6(_ ranges: RangeList<UInt128>, table: Int, cellBits: Int) {
    let inside = UInt128.max >> UInt128(cellBits)
    var index = 0
    func skip(below limit: UInt128) {
      while index < ranges.count && ranges.starts[index] < limit { index += 1 }
    }
    skip(below: Bucket6.first)
    append6(at: 0, table: table, value: deepList(of: ranges, 0..<index))
    var cell = Bucket6.first
    // Each round: the cell that begins where a range does, or behind a divided cell.
    while cell < Bucket6.end {
      let first = index
      skip(below: cell + inside + 1)
      let isDivided = index - first > 1 || (index > first && ranges.starts[first] != cell)
      if isDivided {
        let around = ranges.starts[first] == cell ? first : first - 1
        append6(at: cell, table: table, value: deepList(of: ranges, around..<index))
      } else {
        append6(at: cell, table: table, value: UInt64(cohort(ranges.values[index - 1])))
      }
      let next = index < ranges.count ? ranges.starts[index] & ~inside : Bucket6.end
      cell = isDivided ? cell + inside + 1 : next
    }
    let isCut = index < ranges.count && ranges.starts[index] == Bucket6.end
    let last = deepList(of: ranges, (isCut ? index : index - 1)..<ranges.count)
    append6(at: Bucket6.end, table: table, value: last)
    ranges6.closeTable(table)
  }

  private mutating func append6(at start: UInt128, table: Int, value: UInt64) {
    let high = UInt64(truncatingIfNeeded: start >> 64)
    ranges6.append(table: table, bucket: Bucket6.number(high), bits: high << 19, value: value)
  }

  /// Makes a list of some ranges and gives the value that stands for it.
  private mutating func deepList(of ranges: RangeList<UInt128>, _ indices: Range<Int>) -> UInt64 {
    for index in indices {
      deep.append(start: ranges.starts[index], value: cohort(ranges.values[index]))
    }
    return deepFlag | UInt64(deep.closeList())
  }
}
