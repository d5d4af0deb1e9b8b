public import Synchronization

/// A counter's place in every shard. Series are registered once, when an edition is compiled; the
/// data plane only adds.
public struct CounterIndex: Sendable, Hashable, BitwiseCopyable {
  @usableFromInline let cell: Int32
}

/// All counters of the process: which series exist, and one shard of cells for each thread that
/// counts. Threads write only their own shard; a scrape sums them.
public final class CounterBoard: Sendable {
  /// Cells of a shard, 8 bytes each. Series beyond that share the last cell, which is exposed as
  /// `azimuth_series_overflow_total`: memory stays bounded whatever the configuration says.
  public static let capacity = 8192

  /// The name of a series and its labels, as Prometheus has them.
  public struct Series: Sendable, Hashable {
    public var name: String
    public var labels: [Label]

    public init(_ name: String, labels: [Label] = []) {
      self.name = name
      self.labels = labels
    }
  }

  public struct Label: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  private struct State {
    /// By cell; nil: it is a histogram's.
    var series: [Series?] = []
    var indices: [Series: Int] = [:]
    /// In the order of registration.
    var histograms: [(series: Series, index: HistogramIndex)] = []
    var shards: [CounterShard] = []
  }

  private let state = Mutex(State())

  public init() {}

  /// The index of a series, the same for equal series.
  public func index(of series: Series) -> CounterIndex {
    state.withLock { state in
      if let index = state.indices[series] { return CounterIndex(cell: Int32(index)) }
      guard state.series.count < Self.capacity - 1 else {
        return CounterIndex(cell: Int32(Self.capacity - 1))
      }
      let index = state.series.count
      state.series.append(series)
      state.indices[series] = index
      return CounterIndex(cell: Int32(index))
    }
  }

  /// The index of a histogram, the same for equal series; its name is that of the family, such as
  /// `azimuth_proxy_connect_duration_seconds`.
  public func histogram(of series: Series) -> HistogramIndex {
    state.withLock { state in
      if let known = state.histograms.first(where: { $0.series == series }) { return known.index }
      let first = state.series.count
      let hasRoom = first + HistogramIndex.cellCount < Self.capacity
      let index = HistogramIndex(firstCell: hasRoom ? Int32(first) : nil)
      if hasRoom { state.series += Array(repeating: nil, count: HistogramIndex.cellCount) }
      state.histograms.append((series, index))
      return index
    }
  }

  /// A shard for one more thread; kept for ever, so that what a finished thread has counted stays
  /// in the sums.
  public func makeShard() -> CounterShard {
    state.withLock { state in
      let shard = CounterShard(capacity: Self.capacity)
      state.shards.append(shard)
      return shard
    }
  }

  /// Sums of the demand cells over all shards, of answers and of connections.
  public func demandSums() -> (answers: [UInt64], connections: [UInt64]) {
    let shards = state.withLock { $0.shards }
    let kinds = [CounterShard.Demand.answers, .connections].map { kind in
      (0..<CounterShard.demandCapacity).map { row in
        shards.reduce(UInt64(0)) { $0 &+ $1.demand(kind, row: row) }
      }
    }
    return (kinds[0], kinds[1])
  }

  /// Every histogram that there was room for, over all shards, in the order of registration.
  public func histograms() -> [(series: Series, value: Histogram)] {
    let (histograms, shards) = state.withLock { ($0.histograms, $0.shards) }
    return histograms.compactMap { series, index in
      guard index.firstCell != nil else { return nil }
      return (series, shards.compactMap { $0.histogram(index) }.reduce(Histogram(), +))
    }
  }

  /// Every counter with its sum over all shards, in the order of registration. The last registered
  /// is read first: of an event that is counted after another one, such as an end after its
  /// beginning, never more are told than of that, if its series was registered after that one's.
  public func sums() -> [(series: Series, value: UInt64)] {
    let (series, shards) = state.withLock { ($0.series, $0.shards) }
    var sums: [(series: Series, value: UInt64)] = []
    for (index, series) in series.enumerated().reversed() {
      guard let series else { continue }
      sums.append((series, shards.reduce(UInt64(0)) { $0 &+ $1.value(at: index) }))
    }
    sums.reverse()
    let overflow = shards.reduce(UInt64(0)) { $0 &+ $1.value(at: Self.capacity - 1) }
    sums.append((Series("azimuth_series_overflow_total"), overflow))
    return sums
  }
}

/// The cells of one thread. Only that thread adds (so an addition is a plain load and store, no
/// bus lock); any thread may read.
///
/// `@unchecked`: the cells are atomic, the pointer never changes, and the memory lives as long as
/// the shard.
@safe public final class CounterShard: @unchecked Sendable {
  public typealias Cell = Atomic<UInt64>
  @usableFromInline let cells: UnsafeMutablePointer<Cell>
  @usableFromInline let capacity: Int

  init(capacity: Int) {
    let count = capacity + 2 * Self.demandCapacity
    unsafe cells = .allocate(capacity: count)
    self.capacity = capacity
    for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
  }

  deinit { unsafe cells.deallocate() }

  /// Adds on the thread that owns the shard.
  @inlinable
  public func add(_ amount: UInt64 = 1, to index: CounterIndex) {
    let cell = Int(index.cell)
    precondition(cell >= 0 && cell < capacity, "a counter index comes from a CounterBoard")
    let value = unsafe cells[cell].load(ordering: .relaxed)
    unsafe cells[cell].store(value &+ amount, ordering: .relaxed)
  }

  /// What is counted by cohort: the demand that regions' capacities are compared with.
  public enum Demand: Int, Sendable, BitwiseCopyable { case answers, connections }

  /// Cells of each kind of demand, a power of two. Rows beyond it share cells.
  public static let demandCapacity = 4096

  /// Counts one answer or connection of a cohort, on the thread that owns the shard.
  ///
  /// - Parameter row: of the cohort over all services.
  @inlinable
  public func addDemand(_ kind: Demand, row: Int) {
    // Below the cells that were allocated, whatever the row is.
    let cell = capacity &+ kind.rawValue &* 4096 &+ (row & 4095)
    let value = unsafe cells[cell].load(ordering: .relaxed)
    unsafe cells[cell].store(value &+ 1, ordering: .relaxed)
  }

  func demand(_ kind: Demand, row: Int) -> UInt64 {
    precondition((0..<Self.demandCapacity).contains(row), "a row of the demand cells")
    return unsafe cells[capacity + kind.rawValue * Self.demandCapacity + row]
      .load(ordering: .relaxed)
  }

  func value(at index: Int) -> UInt64 {
    precondition(index >= 0 && index < capacity, "a counter index comes from a CounterBoard")
    return unsafe cells[index].load(ordering: .relaxed)
  }
}
