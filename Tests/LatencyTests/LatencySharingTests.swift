import Latency
import Places
import TestSupport
import Testing

private let start = LatencyWorld.start

private func word(
  _ cells: [(network: Int, region: String, milliseconds: Double, samples: Double)],
  at writtenAt: UInt32 = start
) -> LatencyWord {
  LatencyWord(
    writtenAt: writtenAt,
    cells: cells.map { (LatencyWorld.network($0.network), $0.region, $0.milliseconds, $0.samples) })
}

private func words(_ said: [(node: String, word: LatencyWord)]) -> LatencyWords {
  var words = LatencyWords()
  for (node, word) in said { words.take(word, of: node, now: start) }
  return words
}

private func munich(_: LatencyNetwork) -> LatencyClient { LatencyWorld.munich }

extension LatencyModel {
  fileprivate func joined(_ words: LatencyWords, now: UInt32 = start) -> LatencyModel {
    joined(with: words, now: now, client: munich)
  }
}

/// Words of some nodes, several of each, as if they had come over years of partitions.
private func someWords(
  _ generator: inout SeededGenerator
) -> [(node: String, word: LatencyWord)] {
  (0..<30).map { _ in
    let cells = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
      (
        network: Int.random(in: 0..<20, using: &generator),
        region: ["frankfurt", "virginia", "tokyo", "atlantis"].randomElement(using: &generator)
          ?? "", milliseconds: Double.random(in: 1...400, using: &generator),
        samples: Double.random(in: 0.25...60, using: &generator)
      )
    }
    return (
      "edge-\(Int.random(in: 0..<6, using: &generator))",
      word(cells, at: start - UInt32.random(in: 0...40, using: &generator) * 600)
    )
  }
}

@Suite struct `Words of several nodes` {
  @Test(arguments: 0..<60 as Range<UInt64>)
  func `come to the same in every order, however often, and by way of whomever`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let said = someWords(&generator)
    let all = words(said)
    let parts = (0..<3).map { part in
      words(said.enumerated().filter { $0.offset % 3 == part }.map(\.element))
    }
    for _ in 0..<8 {
      var merged = LatencyWords()
      let again = (0..<4).map { _ in Int.random(in: 0..<3, using: &generator) }
      for part in [0, 1, 2].shuffled(using: &generator) + again { merged.merge(parts[part]) }
      #expect(merged == all, "seed \(seed)")
      #expect(words((said + said).shuffled(using: &generator)) == all, "seed \(seed)")
      var grouped = parts[1]
      grouped.merge(parts[2])
      var first = parts[0]
      first.merge(grouped)
      #expect(first == all, "seed \(seed)")
    }
    var own = LatencyModel(sites: LatencyWorld.sites)
    own.add(33, count: 3, network: 4)
    let joined = own.joined(all)
    let again = own.joined(words(said.shuffled(using: &generator)))
    for network in 0..<20 {
      #expect(joined.estimate(network: network) == again.estimate(network: network))
    }
  }

  @Test func `are the mean of those who have measured a network, by their samples`() throws {
    let said = words([
      ("edge-1", word([(1, "tokyo", 100, 30)])), ("edge-2", word([(1, "tokyo", 130, 10)])),
    ])
    let joined = LatencyModel(sites: LatencyWorld.sites).joined(said)
    let cell = try #require(joined.cells(of: LatencyWorld.network(1), now: start).first)
    #expect(cell.region == 2 && abs(cell.milliseconds - 107.5) < 0.01 && cell.samples == 40)
  }

  @Test func `leave the node's own samples what they are worth, and are not told on`() throws {
    var own = LatencyModel(sites: LatencyWorld.sites)
    own.add(20, count: 10)
    let told = own.word(now: start)
    var joined = own
    // However often the same word is heard.
    for _ in 0..<50 { joined = own.joined(words([("edge-2", word([(1, "frankfurt", 40, 10)]))])) }
    let cell = try #require(joined.cells(of: LatencyWorld.network(1), now: start).first)
    #expect(abs(cell.milliseconds - 30) < 0.1 && cell.samples == 20)
    #expect(own.word(now: start) == told)
  }

  @Test func `teach the country what the first nodes of it were taught`() throws {
    let cells = (10..<40).map {
      (network: $0, region: "frankfurt", milliseconds: 60.0, samples: 4.0)
    }
    let joined = LatencyModel(sites: LatencyWorld.sites).joined(words([("edge-1", word(cells))]))
    let estimate = try #require(joined.estimate(network: 99))
    #expect(estimate.basis == .system && (40...60).contains(estimate.milliseconds))
  }

  @Test func `fade, and are forgotten when they are too old`() throws {
    let said = words([("edge-1", word([(1, "tokyo", 100, 40)]))])
    var own = LatencyModel(sites: LatencyWorld.sites)
    let later = start + 5 * 6 * 3600
    own.add(200, count: 40, region: 2, now: later)
    let cell = try #require(
      own.joined(said, now: later).cells(of: LatencyWorld.network(1), now: later).first)
    #expect(cell.milliseconds > 195)
    var kept = said
    kept.forgetOld(now: start + 86_400, maximumAge: 86_400)
    #expect(kept == said)
    kept.forgetOld(now: start + 86_401, maximumAge: 86_400)
    #expect(kept.byNode.isEmpty)
  }

  @Test func `from a clock that is ahead fade from when they were heard`() {
    var words = LatencyWords()
    words.take(word([(1, "tokyo", 100, 40)], at: .max), of: "edge-1", now: start)
    #expect(words.byNode["edge-1"]?.writtenAt == start)
    words.take(word([(1, "tokyo", 90, 40)], at: start + 1), of: "edge-1", now: start + 9)
    #expect(words.byNode["edge-1"]?.writtenAt == start + 1)
  }

  @Test func `have room for some networks, and the most counted stay`() {
    let limits = LatencyLimits(networks: 10)
    let cells = (0..<40).map {
      (network: $0, region: "tokyo", milliseconds: 50.0, samples: Double($0 + 1))
    }
    var own = LatencyModel(sites: LatencyWorld.sites, limits: limits)
    own.add(50, count: 64, network: 100)
    own.add(50, count: 1, network: 101)
    let joined = own.joined(words([("edge-1", word(cells))]))
    #expect(joined.networkCount == 10)
    #expect(!joined.cells(of: LatencyWorld.network(100), now: start).isEmpty)
    #expect(!joined.cells(of: LatencyWorld.network(39), now: start).isEmpty)
    #expect(joined.cells(of: LatencyWorld.network(101), now: start).isEmpty)
    #expect(joined.cells(of: LatencyWorld.network(0), now: start).isEmpty)
  }

  @Test func `that say nearly what they said move no estimate`() {
    let own = LatencyModel(sites: LatencyWorld.sites)
    var seen = own
    /// Whether estimates follow when all that is said is this.
    func moves(_ milliseconds: Double?) -> Bool {
      let said = milliseconds.map { words([("edge-1", word([(1, "tokyo", $0, 40)]))]) }
      var next = own.joined(said ?? LatencyWords())
      defer { seen = next }
      return next.publish(at: start, following: seen)
    }
    let first = moves(100)
    #expect(first)
    for milliseconds in [100.5, 99, 103, 98] {
      let byNoise = moves(milliseconds)
      #expect(!byNoise)
    }
    let byStep = moves(120)
    let whenGone = moves(nil)
    let afterwards = moves(nil)
    #expect(byStep && whenGone && !afterwards)
  }
}

@Suite struct `A node's own word` {
  @Test func `has the networks of which it has most samples`() {
    var model = LatencyModel(sites: LatencyWorld.sites)
    for network in 0..<5_000 { model.add(50, count: network < 100 ? 1 : 5, network: network) }
    let word = model.word(now: start)
    #expect(word.cells.count == LatencyWord.mostCells)
    #expect(word.cells(of: LatencyWorld.network(0)).isEmpty)
    #expect(!word.cells(of: LatencyWorld.network(100)).isEmpty)
  }

  @Test func `is taken back after a start, and what was learned since stands`() throws {
    var before = LatencyModel(sites: LatencyWorld.sites)
    before.add(40, count: 20, network: 1)
    before.add(90, count: 20, network: 2)
    let word = before.word(now: start)
    var after = LatencyModel(sites: LatencyWorld.sites)
    after.add(70, count: 2, network: 2)
    for _ in 0..<3 { after.restore(word, now: start) { _ in LatencyWorld.munich } }
    let first = try #require(after.cells(of: LatencyWorld.network(1), now: start).first)
    let second = try #require(after.cells(of: LatencyWorld.network(2), now: start).first)
    #expect(first.milliseconds == 40 && first.samples == 20)
    #expect(second.milliseconds == 70 && second.samples == 2)
  }

  @Test func `says nothing of what has faded`() {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(40, count: 20)
    #expect(model.word(now: start + 40 * 6 * 3600).cells.isEmpty)
  }
}
