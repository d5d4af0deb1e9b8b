/// A ``RangeList`` in about four bytes a range: blocks of 64 ranges, each range told by how far
/// behind the previous one it begins, a distance that is a power of two for most.
///
///     first of a block   value
///     every other range  shift [odd] value     distance = (2 · odd + 1) << shift
///
/// `shift` is one byte, with the high bit set if `odd` follows; else `odd` is 0. `odd` and `value`
/// have seven bits a byte, the lowest first; the high bit says that more follow (LEB128).
struct PackedRanges<Bits: AddressBits>: Sendable, Equatable {
  private static var blockSize: Int { 64 }
  private static var moreFlag: UInt8 { 0x80 }

  let count: Int
  /// The first start in each block.
  private var blockStarts: [Bits] = []
  /// Where each block begins in `bytes`.
  private var blockOffsets: [Int] = []
  private var bytes: [UInt8] = []

  init(_ ranges: RangeList<Bits>) {
    count = ranges.count
    let blockCount = (count + Self.blockSize - 1) / Self.blockSize
    blockStarts.reserveCapacity(blockCount)
    blockOffsets.reserveCapacity(blockCount)
    bytes.reserveCapacity(Self.byteCount(of: ranges))
    var previous: Bits = 0
    for index in 0..<count {
      let start = ranges.starts[index]
      if index % Self.blockSize == 0 {
        blockStarts.append(start)
        blockOffsets.append(bytes.count)
      } else {
        append(distance: start - previous)
      }
      append(ranges.values[index])
      previous = start
    }
  }

  /// Bytes of the arrays.
  var byteCount: Int {
    bytes.count + blockStarts.count * (MemoryLayout<Bits>.size + MemoryLayout<Int>.size)
  }

  /// The value of the range that holds `bits`, and the length of the widest prefix around `bits`
  /// that lies inside it.
  func find(_ bits: Bits) -> (value: UInt32, scopeBits: UInt8) {
    var low = 0
    var high = blockStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if blockStarts[middle] <= bits { low = middle } else { high = middle - 1 }
    }
    var reader = Reader(self, block: low)
    var next = reader.following(self)
    while let range = next, range.start <= bits {
      reader = range
      next = reader.following(self)
    }
    let scope = RangeList.scopeBits(of: bits, from: reader.start, before: next?.start)
    return (reader.value, scope)
  }

  /// The list again, with every value replaced; neighbours that become equal are one.
  func unpacked(_ transform: (UInt32) -> UInt32) -> RangeList<Bits> {
    var reader = Reader(self, block: 0)
    var list = RangeList<Bits>(transform(reader.value))
    // Room that stays empty costs nothing: the system gives memory when it is first written.
    list.reserveCapacity(count)
    while let next = reader.following(self) {
      list.append(start: next.start, value: transform(next.value))
      reader = next
    }
    return list
  }

  /// One range, and where the next is found.
  private struct Reader {
    private(set) var start: Bits
    private(set) var value: UInt32 = 0
    private var index: Int
    private var offset: Int

    init(_ ranges: PackedRanges, block: Int) {
      start = ranges.blockStarts[block]
      index = block * PackedRanges.blockSize
      offset = ranges.blockOffsets[block]
      value = ranges.number(at: &offset)
    }

    /// nil behind the last.
    func following(_ ranges: PackedRanges) -> Reader? {
      guard index + 1 < ranges.count else { return nil }
      var next = self
      next.index += 1
      if next.index % PackedRanges.blockSize == 0 {
        next.start = ranges.blockStarts[next.index / PackedRanges.blockSize]
      } else {
        next.start += ranges.distance(at: &next.offset)
      }
      next.value = ranges.number(at: &next.offset)
      return next
    }
  }
}

extension PackedRanges {
  private mutating func append(distance: Bits) {
    let shift = distance.trailingZeroBitCount
    let odd = (distance >> Bits(shift)) >> 1
    bytes.append(UInt8(shift) | (odd == 0 ? 0 : Self.moreFlag))
    if odd != 0 { append(odd) }
  }

  private func distance(at offset: inout Int) -> Bits {
    let head = bytes[offset]
    offset += 1
    let odd: Bits = head & Self.moreFlag == 0 ? 0 : number(at: &offset)
    return (odd << 1 | 1) << Bits(head & ~Self.moreFlag)
  }

  private mutating func append(_ number: some FixedWidthInteger & UnsignedInteger) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | Self.moreFlag)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private func number<Number: FixedWidthInteger & UnsignedInteger>(
    at offset: inout Int
  ) -> Number {
    var number: Number = 0
    var shift = 0
    while true {
      let byte = bytes[offset]
      offset += 1
      number |= Number(byte & ~Self.moreFlag) << Number(shift)
      guard byte & Self.moreFlag != 0 else { return number }
      shift += 7
    }
  }

  /// How many bytes the ranges will take, so that the array never grows while it is written.
  private static func byteCount(of ranges: RangeList<Bits>) -> Int {
    var count = 0
    var previous: Bits = 0
    for index in 0..<ranges.count {
      let start = ranges.starts[index]
      if index % blockSize != 0 {
        let distance = start - previous
        let odd = (distance >> Bits(distance.trailingZeroBitCount)) >> 1
        count += odd == 0 ? 1 : 1 + byteCount(of: odd)
      }
      count += byteCount(of: ranges.values[index])
      previous = start
    }
    return count
  }

  private static func byteCount<Number: FixedWidthInteger & UnsignedInteger>(
    of number: Number
  ) -> Int {
    max(1, (Number.bitWidth - number.leadingZeroBitCount + 6) / 7)
  }
}
