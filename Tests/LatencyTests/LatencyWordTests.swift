import Latency
import Places
import TestSupport
import Testing

private typealias Row = (
  network: LatencyNetwork, region: String, milliseconds: Double, samples: Double
)

private func network(ipv6 number: Int) -> LatencyNetwork {
  LatencyNetwork(of: ClientAddress(ipv6: UInt128(0x2a00 << 32 | UInt64(number)) << 80))
}

private func rows(_ count: Int, _ generator: inout SeededGenerator) -> [Row] {
  (0..<count).map { number in
    (
      Bool.random(using: &generator) ? LatencyWorld.network(number) : network(ipv6: number),
      ["tokyo", "oslo", "lima"].randomElement(using: &generator) ?? "",
      Double.random(in: 0.1...3000, using: &generator),
      Double.random(in: 0.25...63, using: &generator)
    )
  }
}

@Suite struct `The word of a node on latencies` {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func `is read as it was written`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let said = rows(Int.random(in: 0...200, using: &generator), &generator)
    let word = LatencyWord(writtenAt: LatencyWorld.start, cells: said)
    #expect(LatencyWord(word.bytes) == word)
    #expect(word.cells.count == said.count)
    for row in said {
      let cell = try #require(
        word.cells(of: row.network).first { word.regions[Int($0.region)] == row.region })
      #expect(abs(cell.milliseconds - row.milliseconds) <= 0.051)
      #expect(abs(cell.samples - row.samples) <= 0.126)
    }
    #expect(word.cells(of: LatencyWorld.network(9_999)).isEmpty)
  }

  @Test func `has a bounded size, however much is said`() {
    var generator = SeededGenerator(seed: 1)
    let full = LatencyWord(writtenAt: 1, cells: rows(10_000, &generator))
    #expect(full.cells.count == LatencyWord.mostCells)
    #expect((22_528...22_600).contains(full.bytes.count))
    let names = (0..<5_000).map { number -> Row in
      (LatencyWorld.network(number), String(repeating: "r", count: 200) + "\(number)", 1, 1)
    }
    let named = LatencyWord(writtenAt: 1, cells: names)
    #expect(named.bytes.count <= LatencyWord.mostBytes && !named.cells.isEmpty)
    #expect(LatencyWord(named.bytes) == named)
  }

  @Test func `takes what cannot be for the nearest that can`() throws {
    for (said, read) in [(0, 0.1), (-5, 0.1), (9_999, 3_000), (.nan, 3_000)] as [(Double, Double)] {
      let word = LatencyWord(
        writtenAt: 1, cells: [(LatencyWorld.network(1), "tokyo", said, said)])
      #expect(try #require(word.cells.first).milliseconds == read)
      #expect(LatencyWord(word.bytes) == word)
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `is read as a word that says the same, or not at all, whatever the bytes`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = LatencyWord(writtenAt: 7, cells: rows(12, &generator)).bytes
    for count in bytes.indices { #expect(LatencyWord(Array(bytes.prefix(count))) == nil) }
    #expect(LatencyWord(bytes + [0]) == nil)
    for _ in 0..<2_000 {
      var broken = bytes
      for _ in 0...Int.random(in: 0...3, using: &generator) {
        broken[Int.random(in: broken.indices, using: &generator)] = .random(
          in: 0...255, using: &generator)
      }
      // A cell that is twice there, or out of order, would count twice.
      if let word = LatencyWord(broken) { #expect(word.bytes == broken, "seed \(seed)") }
    }
  }

  @Test func `with a cell twice is none`() {
    let word = LatencyWord(
      writtenAt: 7,
      cells: [(LatencyWorld.network(1), "tokyo", 5, 1), (LatencyWorld.network(2), "tokyo", 5, 1)])
    var bytes = word.bytes
    let first = bytes.suffix(22).prefix(11)
    bytes.replaceSubrange((bytes.count - 11)..., with: first)
    #expect(LatencyWord(bytes) == nil)
    #expect(LatencyWord(Array(repeating: 0, count: 1_000_000)) == nil)
    // 2002::/16 carries IPv4 addresses: its clients are of the networks inside.
    var folded = LatencyWord(writtenAt: 7, cells: [(network(ipv6: 1), "tokyo", 5, 1)]).bytes
    #expect(LatencyWord(folded) != nil)
    folded.replaceSubrange((folded.count - 9)..<(folded.count - 7), with: [0x20, 0x02])
    #expect(LatencyWord(folded) == nil)
  }
}
