import Balancing
import Places
import TestSupport
import Testing

@Suite struct `A chooser of endpoints` {
  @Test(arguments: [BalanceRules.Method.powerOfTwo, .leastConnections, .roundRobin, .peakLatency])
  func `gives thrice the weight three quarters of ten thousand connections, to one percent`(
    method: BalanceRules.Method
  ) {
    var world = BalancingWorld(method, weights: [3, 1], seed: 5)
    var chosen: [Int] = []
    for _ in 0..<10_000 {
      // About four at a time are open: one each 10 ms, for 40 ms.
      if let index = world.open(for: { _ in 40 * millisecond }) { chosen.append(index) }
      world.advance(by: 10 * millisecond)
    }
    let share = Double(counts(chosen, of: 2)[0]) / 10_000
    // Latency goes first, weight second: all that it owes is the draw.
    let tolerance = method == .peakLatency ? 0.1 : 0.01
    #expect(abs(share - 0.75) <= tolerance, "\(method): \(share), seed 5")
  }

  @Test(arguments: [BalanceRules.Method.powerOfTwo, .leastConnections])
  func `gives an endpoint that holds connections ten times as long a quarter of its part at most`(
    method: BalanceRules.Method
  ) {
    var world = BalancingWorld(method, weights: Array(repeating: 1, count: 10), seed: 7)
    var chosen: [Int] = []
    // 10 connections and more are open for each endpoint: one each millisecond, for 100 ms or 1 s.
    for round in 0..<30_000 {
      let index = world.open(for: { $0 == 0 ? 1000 * millisecond : 100 * millisecond })
      if let index, round >= 5000 { chosen.append(index) }
      world.advance(by: millisecond)
    }
    let part = Double(counts(chosen, of: 10)[0]) / (Double(chosen.count) / 10)
    #expect(part < 0.25, "\(method): \(part) of its part, seed 7")
    let open = world.endpoints.map { $0.load.openCount }
    #expect(Double(open.reduce(0, +)) / 10 >= 10, "\(open)")
  }

  @Test func `mixes turns as evenly as the weights allow`() {
    var world = BalancingWorld(.roundRobin, weights: [5, 1, 1])
    let chosen = (0..<14).compactMap { _ in world.choose() }
    #expect(chosen == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
  }

  @Test func `lets no turn of other weights starve an endpoint`() {
    var world = BalancingWorld(.roundRobin, weights: [1_000_000, 1, 1_000_000])
    for _ in 0..<3 { _ = world.choose() }
    world.endpoints = ["a", "b", "c"].map { Endpoint($0) }
    let chosen = (0..<30).compactMap { _ in world.choose() }
    #expect(counts(chosen, of: 3).allSatisfy { $0 >= 8 }, "\(chosen)")
  }

  @Test func `takes the fewest connections for the weight, and leaves equals to chance`() {
    var world = BalancingWorld(.leastConnections, weights: [3, 1, 1])
    for _ in 0..<3 { world.endpoints[0].load.enter() }
    world.endpoints[1].load.enter()
    #expect((0..<50).allSatisfy { _ in world.choose() == 2 })
    world.endpoints[2].load.enter()
    let chosen = counts((0..<5000).compactMap { _ in world.choose() }, of: 3)
    #expect(abs(chosen[0] - 3000) < 200 && abs(chosen[1] - 1000) < 150, "\(chosen), seed 1")
  }

  @Test func `takes the first until it is full`() {
    var world = BalancingWorld(.first, weights: [1, 1])
    world.rules.maximumConnections = 2
    let chosen = (0..<5).map { _ in world.open(for: { _ in second }) }
    #expect(chosen == [0, 0, 1, 1, nil])
  }

  @Test(arguments: BalanceRules.Method.allCases)
  func `takes nothing that is full, tried or ejected`(method: BalanceRules.Method) {
    var world = BalancingWorld(method, weights: [1, 1, 1, 1])
    world.rules.maximumConnections = 1
    world.endpoints[0].load.enter()
    world.endpoints[1].load.eject(until: world.now + second)
    for key in 0..<100 as Range<UInt64> {
      #expect(world.choose(key: key, tried: [2]) == 3)
      // Not even where nothing else is left of the region, unless nothing is left at all.
      #expect(world.choose(key: key, tried: [2, 3]) == nil)
      #expect(world.choose(key: key, tried: [2, 3], takesEjected: true) == 1)
      #expect(world.choose(key: key, tried: [2], takesEjected: true) == 3)
    }
    world.now += second
    #expect(world.choose(tried: [2, 3]) == 1)
  }

  @Test(arguments: BalanceRules.Method.allCases)
  func `takes what is ejected if health has left nothing else`(method: BalanceRules.Method) {
    var world = BalancingWorld(method, weights: [1, 1, 1])
    world.endpoints[1].load.eject(until: world.now + second)
    world.endpoints[2].load.eject(until: world.now + second)
    #expect(world.choose(usable: [1]) == 1)
    #expect(world.choose(usable: [1, 2], tried: [1]) == 2)
    #expect(world.choose(usable: []) == nil)
  }

  @Test(arguments: BalanceRules.Method.allCases)
  func `takes a trace of weight for a reserve, however idle it is`(method: BalanceRules.Method) {
    var world = BalancingWorld(method, weights: [1, 6_553_600, 6_553_600])
    for _ in 0..<9 { world.endpoints[1].load.enter() }
    for _ in 0..<5 { world.endpoints[2].load.enter() }
    #expect((0..<100).allSatisfy { world.choose(key: $0) != 0 })
    #expect(world.choose(tried: [1, 2]) == 0)
  }

  @Test func `keeps the few connections of one client together`() {
    var world = BalancingWorld(.hash, weights: [1, 1, 1, 1, 1])
    let chosen = (0..<12).compactMap { _ in world.open(for: { _ in second }, key: 7) }
    #expect(Set(chosen.prefix(8)).count == 1 && Set(chosen).count == 2, "\(chosen)")
  }

  @Test(arguments: [UInt64](1...20))
  func `keeps to bounded load under any mix of clients`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 2...12, using: &random)
    let weights = (0..<count).map { _ in Int.random(in: 1...4, using: &random) }
    var world = BalancingWorld(.hash, weights: weights, seed: seed)
    // A few clients have nearly all connections.
    for _ in 0..<2000 {
      let key = Rendezvous.key(
        ClientAddress(ipv4: UInt32.random(in: 0...3, using: &random)), bitsIPv4: 32, bitsIPv6: 64)
      _ = world.open(for: { _ in second }, key: key)
      let open = world.endpoints.map { $0.load.openCount }
      let total = Double(open.reduce(0, +))
      for (count, weight) in zip(open, weights) {
        let part = total * Double(weight) / Double(weights.reduce(0, +))
        let bound = max(8, (1.25 * part).rounded(.up))
        #expect(Double(count) <= bound, "seed \(seed): \(open) of \(weights)")
      }
    }
  }
}
