import Places

/// The addresses of one family as ranges, each with a number: IPv4 as the numbers below 2³².
///
///     starts   0            10.0.0.0     10.1.0.0     ...      ascending, the first is 0
///     values   0            7            0            ...      neighbours differ
package struct RangeMap: Sendable, Equatable {
  /// 32 or 128.
  package let addressBits: Int
  package private(set) var starts: [UInt128] = [0]
  package private(set) var values: [UInt32] = [0]

  /// 0 everywhere.
  package init(addressBits: Int) { self.addressBits = addressBits }

  package var count: Int { starts.count }
  private var lastAddress: UInt128 { .max >> UInt128(128 - addressBits) }

  /// The last address of a range.
  package func last(at index: Int) -> UInt128 {
    index + 1 < starts.count ? starts[index + 1] - 1 : lastAddress
  }

  /// Gives `value` to everything from `start` on. Traps if `start` lies below the last start.
  package mutating func append(start: UInt128, value: UInt32) {
    precondition(start >= starts[starts.count - 1], "ranges are appended in ascending order")
    if start == starts[starts.count - 1] {
      values[values.count - 1] = value
      guard values.count > 1, values[values.count - 2] == value else { return }
      starts.removeLast()
      values.removeLast()
    } else if values[values.count - 1] != value {
      starts.append(start)
      values.append(value)
    }
  }

  /// The index of the range that holds an address. Binary search.
  package func index(of address: UInt128) -> Int {
    var low = 0
    var high = starts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= address { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// Both laid over each other; `join` is asked for each stretch in which neither changes.
  package func combined(
    with other: RangeMap, _ join: (_ own: UInt32, _ other: UInt32) -> UInt32
  ) -> RangeMap {
    var result = RangeMap(addressBits: addressBits)
    var (own, its) = (0, 0)
    var start: UInt128 = 0
    while true {
      result.append(start: start, value: join(values[own], other.values[its]))
      let end = min(last(at: own), other.last(at: its))
      guard end < lastAddress else { return result }
      if last(at: own) == end { own += 1 }
      if other.last(at: its) == end { its += 1 }
      start = end + 1
    }
  }
}

/// A prefix of one family, as in ``RangeMap``, and a number for it.
struct NumberedPrefix {
  var first: UInt128
  var last: UInt128
  var value: UInt32
  /// Where it was said, from 1.
  var line: Int

  /// The smallest set of prefixes that covers the addresses from `first` to `last`: each as long
  /// as its first address and what is left allow.
  static func covering(
    _ first: UInt128, _ last: UInt128, addressBits: Int
  ) -> [(first: UInt128, length: Int)] {
    var prefixes: [(first: UInt128, length: Int)] = []
    var next = first
    while next <= last {
      var hostBits = min(next == 0 ? addressBits : next.trailingZeroBitCount, addressBits)
      while hostBits > 0 && Self.end(of: next, hostBits) > last { hostBits -= 1 }
      prefixes.append((next, addressBits - hostBits))
      let end = Self.end(of: next, hostBits)
      guard end < last else { break }
      next = end + 1
    }
    return prefixes
  }

  private static func end(of first: UInt128, _ hostBits: Int) -> UInt128 {
    hostBits == 128 ? .max : first | ((1 << UInt128(hostBits)) - 1)
  }
}

extension RangeMap {
  /// Each address gets the number of the longest prefix around it; of equal ones the first's.
  ///
  /// - Parameter repeated: called for each prefix that was there before, with the earlier one.
  init(
    addressBits: Int, prefixes: [NumberedPrefix],
    repeated: (_ prefix: NumberedPrefix, _ earlier: NumberedPrefix) -> Void
  ) {
    self.init(addressBits: addressBits)
    let sorted = prefixes.sorted {
      ($0.first, $1.last, $0.line) < ($1.first, $0.last, $1.line)
    }
    var open: [NumberedPrefix] = []
    func close(_ map: inout RangeMap, before first: UInt128?) {
      while let top = open.last, first.map({ top.last < $0 }) ?? true {
        open.removeLast()
        guard top.last < map.lastAddress else { continue }
        map.append(start: top.last + 1, value: open.last?.value ?? 0)
      }
    }
    for prefix in sorted {
      if let top = open.last, top.first == prefix.first, top.last == prefix.last {
        repeated(prefix, top)
        continue
      }
      close(&self, before: prefix.first)
      append(start: prefix.first, value: prefix.value)
      open.append(prefix)
    }
    close(&self, before: nil)
  }
}

extension AddressPrefix {
  /// As ``RangeMap`` counts.
  var ends: (first: UInt128, last: UInt128) {
    switch address {
    case .ipv4(let bits):
      let rest = length == 32 ? 0 : UInt32.max >> UInt32(length)
      return (UInt128(bits), UInt128(bits | rest))
    case .ipv6(let bits):
      let rest = length == 128 ? 0 : UInt128.max >> UInt128(length)
      return (bits, bits | rest)
    }
  }
}
