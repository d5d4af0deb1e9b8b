/// The whole address space of one family as ranges, each with a value: what every table here is
/// made of.
///
///     starts   0            10.0.0.0     10.1.0.0     ...      ascending, the first is 0
///     values   0            7            0            ...      neighbours differ
struct RangeList<Bits: AddressBits>: Sendable, Equatable {
  private(set) var starts = Bits.Starts()
  private(set) var values: [UInt32]
  /// The last of `starts`.
  private var lastStart: Bits = 0

  /// One range.
  init(_ value: UInt32) {
    starts.append(0)
    values = [value]
  }

  var count: Int { starts.count }

  mutating func reserveCapacity(_ count: Int) {
    starts.reserveCapacity(count)
    values.reserveCapacity(count)
  }

  /// Gives `value` to everything from `start` on, which must not lie below the last start.
  mutating func append(start: Bits, value: UInt32) {
    precondition(start >= lastStart, "ranges are appended in ascending order")
    let last = values.count - 1
    if start == lastStart {
      values[last] = value
      guard last > 0 && values[last - 1] == value else { return }
      starts.removeLast()
      values.removeLast()
      lastStart = starts[last - 1]
    } else if values[last] != value {
      starts.append(start)
      values.append(value)
      lastStart = start
    }
  }

  /// The index of the range that holds `bits`. Binary search.
  func index(of bits: Bits) -> Int {
    var low = 0
    var high = starts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= bits { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// The length of the widest prefix around `bits` that lies inside range `index`.
  func scopeBits(of bits: Bits, at index: Int) -> UInt8 {
    Self.scopeBits(
      of: bits, from: starts[index], before: index + 1 < starts.count ? starts[index + 1] : nil)
  }

  /// The length of the widest prefix around `bits` that begins at or behind `start` and ends before
  /// `next`; nil: at the end of the space.
  static func scopeBits(of bits: Bits, from start: Bits, before next: Bits?) -> UInt8 {
    let below = start == 0 ? 0 : (bits ^ (start - 1)).leadingZeroBitCount + 1
    let above = next.map { (bits ^ $0).leadingZeroBitCount + 1 } ?? 0
    return UInt8(max(below, above))
  }

  /// Replaces each value and merges neighbours that have become equal.
  func mapValues(_ transform: (UInt32) -> UInt32) -> RangeList {
    var previous = transform(values[0])
    var result = RangeList(previous)
    var changes = 1
    for value in values.dropFirst() {
      let value = transform(value)
      if value != previous { changes += 1 }
      previous = value
    }
    result.reserveCapacity(changes)
    for index in 1..<values.count {
      let value = transform(values[index])
      if value != result.values[result.values.count - 1] {
        result.append(start: starts[index], value: value)
      }
    }
    return result
  }

  /// Both lists laid over each other; `join` is asked once for each stretch in which neither
  /// changes.
  func combined(
    with other: RangeList, _ join: (_ own: UInt32, _ other: UInt32) -> UInt32
  ) -> RangeList {
    var result = RangeList(join(values[0], other.values[0]))
    // Room that stays empty costs nothing: the system gives memory when it is first written.
    result.reserveCapacity(count + other.count)
    var own = 0
    var others = 0
    while own + 1 < count || others + 1 < other.count {
      let nextOwn = own + 1 < count ? starts[own + 1] : .max
      let nextOther = others + 1 < other.count ? other.starts[others + 1] : .max
      let next = min(nextOwn, nextOther)
      if own + 1 < count && nextOwn == next { own += 1 }
      if others + 1 < other.count && nextOther == next { others += 1 }
      result.append(start: next, value: join(values[own], other.values[others]))
    }
    return result
  }

  /// Flattens nested prefixes: each stretch gets the value of the innermost prefix around it.
  ///
  /// - Parameters:
  ///   - prefixes: ascending by start, then by length (outer before inner).
  ///   - base: the value outside all of them.
  ///   - value: the value inside a prefix, given the value around it.
  init(
    base: UInt32, prefixes: some Sequence<RangePrefix<Bits>>,
    value: (_ around: UInt32, _ prefix: RangePrefix<Bits>) -> UInt32
  ) {
    self.init(base)
    var open: [(last: Bits, value: UInt32)] = []
    for prefix in prefixes {
      while let inner = open.last, inner.last < prefix.start {
        open.removeLast()
        append(start: inner.last + 1, value: open.last?.value ?? base)
      }
      let inside = value(open.last?.value ?? base, prefix)
      append(start: prefix.start, value: inside)
      open.append((prefix.last, inside))
    }
    while let inner = open.popLast(), inner.last < .max {
      append(start: inner.last + 1, value: open.last?.value ?? base)
    }
  }
}

/// A prefix of one family, with a number that its owner gives a meaning.
struct RangePrefix<Bits: AddressBits>: Sendable, BitwiseCopyable {
  var start: Bits
  var tag: UInt32
  /// Where it was written; 0 if nowhere.
  var line: UInt32
  var length: UInt8

  /// The last address inside.
  var last: Bits {
    Int(length) >= Bits.bitWidth ? start : start | (Bits.max >> Bits(length))
  }

  static func isBefore(_ left: RangePrefix, _ right: RangePrefix) -> Bool {
    if left.start != right.start { return left.start < right.start }
    return left.length == right.length ? left.line < right.line : left.length < right.length
  }

  /// Ascending by start, then by length; those that are equal keep their order of lines.
  static func sort(_ prefixes: inout [RangePrefix]) {
    let isSorted = zip(prefixes, prefixes.dropFirst()).allSatisfy { !isBefore($1, $0) }
    if !isSorted { prefixes.sort(by: isBefore) }
  }
}
