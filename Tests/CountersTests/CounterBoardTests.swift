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
}
