/// How long something took, each time that it was done, in buckets of fixed bounds: from what a
/// neighbour takes to what nobody waits for.
public struct Histogram: Sendable, Equatable {
  /// Upper bounds of the buckets but the last, which has none, in nanoseconds; a duration belongs
  /// to the first that it is not above.
  public static let bounds: [UInt64] = [
    250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
    100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000,
  ]

  /// How many durations fell into each bucket, and into no bucket before it.
  public private(set) var counts = Array(repeating: UInt64(0), count: bounds.count + 1)
  public private(set) var sumNanoseconds: UInt64 = 0

  public init() {}

  init(counts: [UInt64], sumNanoseconds: UInt64) {
    self.counts = counts
    self.sumNanoseconds = sumNanoseconds
  }

  /// - Parameter duration: a negative one counts as none.
  public mutating func record(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let nanoseconds =
      UInt64(max(0, seconds)) &* 1_000_000_000
      &+ UInt64(max(0, attoseconds) / 1_000_000_000)
    counts[Self.bucket(of: nanoseconds)] += 1
    sumNanoseconds &+= nanoseconds
  }

  /// An index into ``counts``.
  static func bucket(of nanoseconds: UInt64) -> Int {
    var bucket = 0
    while bucket < bounds.count, nanoseconds > bounds[bucket] { bucket += 1 }
    return bucket
  }
}

/// A histogram's place in every shard: a cell for each bucket, then one for the sum.
public struct HistogramIndex: Sendable, Hashable, BitwiseCopyable {
  static let cellCount = Histogram.bounds.count + 2

  /// nil: there was no room, and what is recorded counts as an overflow.
  let firstCell: Int32?
}

extension CounterShard {
  /// Records on the thread that owns the shard. Neither allocates nor waits.
  public func record(nanoseconds: UInt64, in index: HistogramIndex) {
    guard let first = index.firstCell else {
      return add(to: CounterIndex(cell: Int32(CounterBoard.capacity - 1)))
    }
    let bucket = Int32(Histogram.bucket(of: nanoseconds))
    add(to: CounterIndex(cell: first + bucket))
    add(nanoseconds, to: CounterIndex(cell: first + Int32(HistogramIndex.cellCount - 1)))
  }

  func histogram(_ index: HistogramIndex) -> Histogram? {
    guard let first = index.firstCell.map(Int.init) else { return nil }
    let counts = (0...Histogram.bounds.count).map { value(at: first + $0) }
    return Histogram(
      counts: counts, sumNanoseconds: value(at: first + HistogramIndex.cellCount - 1))
  }
}

extension Histogram {
  static func + (a: Histogram, b: Histogram) -> Histogram {
    Histogram(
      counts: zip(a.counts, b.counts).map { $0 &+ $1 },
      sumNanoseconds: a.sumNanoseconds &+ b.sumNanoseconds)
  }
}
