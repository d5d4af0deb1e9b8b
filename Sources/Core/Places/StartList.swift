/// The bits of an address: `UInt32` or `UInt128`.
protocol AddressBits: FixedWidthInteger, UnsignedInteger, Sendable, BitwiseCopyable {
  associatedtype Starts: StartList where Starts.Bits == Self
}

extension UInt32: AddressBits { typealias Starts = [UInt32] }
extension UInt128: AddressBits { typealias Starts = SplitStarts }

/// Ascending first addresses of ranges.
protocol StartList: Sendable, Equatable {
  associatedtype Bits
  init()
  var count: Int { get }
  subscript(index: Int) -> Bits { get }
  mutating func append(_ start: Bits)
  mutating func removeLast()
  mutating func reserveCapacity(_ count: Int)
}

extension [UInt32]: StartList {
  typealias Bits = UInt32
  mutating func removeLast() { _ = popLast() }
}

/// IPv6 starts in half the memory: hardly a range begins inside a /64, so the low halves that are
/// not 0 stand apart.
struct SplitStarts: StartList {
  private var highs: [UInt64] = []
  /// The indices in `highs` of the starts whose low half is not 0, ascending.
  private var lowIndices: [Int] = []
  private var lows: [UInt64] = []

  init() {}

  var count: Int { highs.count }

  subscript(index: Int) -> UInt128 {
    UInt128(highs[index]) << 64 | UInt128(low(at: index))
  }

  /// The high 64 bits of a start.
  func high(at index: Int) -> UInt64 { highs[index] }

  /// The low 64 bits of a start.
  func low(at index: Int) -> UInt64 {
    guard let lastIndex = lowIndices.last, index <= lastIndex else { return 0 }
    var first = 0
    var end = lowIndices.count
    while first < end {
      let middle = (first + end) / 2
      if lowIndices[middle] < index { first = middle + 1 } else { end = middle }
    }
    return first < lowIndices.count && lowIndices[first] == index ? lows[first] : 0
  }

  mutating func append(_ start: UInt128) {
    let low = UInt64(truncatingIfNeeded: start)
    if low != 0 {
      lowIndices.append(highs.count)
      lows.append(low)
    }
    highs.append(UInt64(truncatingIfNeeded: start >> 64))
  }

  mutating func removeLast() {
    highs.removeLast()
    guard lowIndices.last == highs.count else { return }
    lowIndices.removeLast()
    lows.removeLast()
  }

  mutating func reserveCapacity(_ count: Int) { highs.reserveCapacity(count) }
}
