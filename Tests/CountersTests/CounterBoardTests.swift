import Counters
import Testing

@Suite struct `A counter board` {
  @Test func `gives equal series one index, and sums what all shards counted`() async {
    let board = CounterBoard()
    let series = CounterBoard.Series("queries_total", labels: [.init("transport", "udp")])
    let index = board.index(of: series)
    #expect(board.index(of: series) == index)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let shard = board.makeShard()
          for _ in 0..<10_000 { shard.add(to: index) }
          shard.add(5, to: index)
        }
      }
    }
    #expect(board.sums().first { $0.series == series }?.value == 40_020)
  }

  @Test func `keeps the order of registration and tells labels apart`() {
    let board = CounterBoard()
    let names = ["b_total", "a_total", "c_total"]
    for name in names { _ = board.index(of: .init(name)) }
    let labelled = board.index(of: .init("a_total", labels: [.init("x", "1")]))
    #expect(labelled != board.index(of: .init("a_total")))
    #expect(board.sums().map(\.series.name).starts(with: names))
  }

  @Test func `lets series beyond its capacity share one cell that says so`() {
    let board = CounterBoard()
    let shard = board.makeShard()
    for number in 0..<(CounterBoard.capacity + 10) {
      let index = board.index(of: .init("s_total", labels: [.init("n", "\(number)")]))
      shard.add(to: index)
    }
    let sums = board.sums()
    #expect(sums.count == CounterBoard.capacity)
    #expect(sums.last?.series.name == "azimuth_series_overflow_total")
    #expect(sums.last?.value == 11)
    #expect(sums.dropLast().allSatisfy { $0.value == 1 })
  }

  @Test func `sums histograms over all shards, apart from the counters`() {
    let board = CounterBoard()
    let series = CounterBoard.Series("durations_seconds", labels: [.init("listener", "a")])
    let index = board.histogram(of: series)
    #expect(board.histogram(of: series) == index)
    let counter = board.index(of: .init("after_total"))
    for nanoseconds: UInt64 in [0, 250_000, 250_001, 9_000_000_000] {
      let shard = board.makeShard()
      shard.record(nanoseconds: nanoseconds, in: index)
      shard.add(to: counter)
    }
    let histograms = board.histograms()
    #expect(histograms.map(\.series) == [series])
    #expect(histograms[0].value.counts.prefix(3) == [2, 1, 0])
    #expect(histograms[0].value.counts.last == 1)
    #expect(histograms[0].value.sumNanoseconds == 9_000_500_001)
    #expect(board.sums().map(\.series.name) == ["after_total", "azimuth_series_overflow_total"])
    #expect(board.sums().map(\.value) == [4, 0])
  }

  @Test func `counts as an overflow what goes into a histogram without room`() {
    let board = CounterBoard()
    for number in 0..<(CounterBoard.capacity - 4) {
      _ = board.index(of: .init("s_total", labels: [.init("n", "\(number)")]))
    }
    let index = board.histogram(of: .init("durations_seconds"))
    board.makeShard().record(nanoseconds: 1, in: index)
    #expect(board.histograms().isEmpty)
    #expect(board.sums().last?.value == 1)
  }

  @Test func `a duration belongs to the first bucket that it is not above`() {
    var histogram = Histogram()
    for duration: Duration in [.zero, .milliseconds(-1), .microseconds(250), .seconds(6)] {
      histogram.record(duration)
    }
    histogram.record(.milliseconds(1))
    #expect(histogram.counts.prefix(3) == [3, 0, 1])
    #expect(histogram.counts.last == 1)
    #expect(histogram.sumNanoseconds == 6_001_250_000)
  }
}
