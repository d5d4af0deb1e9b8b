import Balancing
import Places
import Testing

@Suite struct `Peak latency` {
  @Test func `rises at once and falls by and by`() {
    var latency = PeakLatency.untried
    #expect(latency.value(now: second) == nil)
    latency = latency.adding(20 * millisecond, now: second)
    #expect(latency.value(now: second) == 20_000)
    latency = latency.adding(200 * millisecond, now: second)
    #expect(latency.value(now: second) == 200_000)
    // 10 seconds: e times less.
    #expect(abs((latency.value(now: 11 * second) ?? 0) - 73_576) < 100)
    #expect(latency.value(now: 10_000 * second) == 50)
    latency = latency.adding(20 * millisecond, now: 11 * second)
    #expect(abs((latency.value(now: 11 * second) ?? 0) - 86_218) < 200)
  }

  @Test func `holds over the end of its clock, and one that is a moment behind`() {
    let wrap = UInt64(1) << 32 * millisecond
    let latency = PeakLatency.untried.adding(20 * millisecond, now: wrap - millisecond)
    #expect(abs((latency.value(now: wrap + millisecond) ?? 0) - 20_000) < 10)
    #expect(latency.value(now: wrap - 5 * millisecond) == 20_000)
    #expect(PeakLatency.untried.adding(.max, now: 1).value(now: 1) == Double(UInt32.max))
  }

  @Test func `takes four fifths from an endpoint that has become slow, and gives them back once`() {
    // Four endpoints, 50 connections a second of 100 ms. The first takes 20, 200, then 20 ms.
    var world = BalancingWorld(.peakLatency, weights: [1, 1, 1, 1], seed: 3)
    var shares: [Double] = []
    for decade in 0..<18 {
      var chosen: [Int] = []
      for _ in 0..<500 {
        guard let index = world.open(for: { _ in 100 * millisecond }) else { continue }
        chosen.append(index)
        let slow = index == 0 && (3..<9).contains(decade)
        world.endpoints[index].load.noteLatency((slow ? 200 : 20) * millisecond, now: world.now)
        world.advance(by: 20 * millisecond)
      }
      shares.append(Double(counts(chosen, of: 4)[0]) / Double(chosen.count))
    }
    let fair = shares[0...2].reduce(0, +) / 3
    #expect(abs(fair - 0.25) < 0.05, "\(shares)")
    #expect(shares[3...8].allSatisfy { $0 <= 0.2 * fair }, "\(shares)")
    #expect(shares[15...17].allSatisfy { $0 >= 0.8 * fair }, "\(shares)")
    // On the way back it rises and does not fall again by more than chance.
    let back = shares[9...17]
    #expect(zip(back, back.dropFirst()).allSatisfy { $1 >= $0 - 0.04 }, "\(shares)")
  }

  @Test func `is found out where it is not known, by no more connections than others have`() {
    var world = BalancingWorld(.peakLatency, weights: [1, 1, 1, 1], seed: 3)
    for index in 1...3 { world.endpoints[index].load.noteLatency(millisecond, now: world.now) }
    for _ in 0..<40 { _ = world.open(for: { _ in second }) }
    #expect((1...13).contains(world.endpoints[0].load.openCount))
  }

  @Test func `is no reward for failing fast`() {
    // The first refuses at once; nothing else keeps it away here.
    var world = BalancingWorld(.peakLatency, weights: [1, 1, 1, 1], seed: 3)
    var chosen: [Int] = []
    for _ in 0..<2000 {
      guard let index = world.choose() else { continue }
      chosen.append(index)
      let sample = index == 0 ? PeakLatency.failureNanoseconds : 20 * millisecond
      world.endpoints[index].load.noteLatency(sample, now: world.now)
      world.advance(by: 10 * millisecond)
    }
    #expect(Double(counts(chosen, of: 4)[0]) / Double(chosen.count) < 0.02)
  }
}

@Suite struct `A slow start` {
  @Test(arguments: [BalanceRules.Method.powerOfTwo, .roundRobin, .leastConnections, .hash])
  func `grows by the clock up to the full part`(method: BalanceRules.Method) {
    var world = BalancingWorld(method, weights: [1, 1, 1, 1], seed: 11)
    world.rules.boundedLoad = nil
    world.endpoints[0].load.start(now: world.now)
    var shares: [Double] = []
    for _ in 0..<8 {
      let chosen = (0..<10_000).compactMap { key in
        world.choose(key: Rendezvous.key(ClientAddress(ipv4: key), bitsIPv4: 32, bitsIPv6: 64))
      }
      shares.append(Double(counts(chosen, of: 4)[0]) / 10_000)
      world.now += 10 * second
    }
    #expect(abs(shares[0] - 0.1 / 3.1) < 0.01, "\(method): \(shares), seed 11")
    #expect(shares.suffix(2).allSatisfy { abs($0 - 0.25) < 0.02 }, "\(method): \(shares)")
    let isMonotone = zip(shares.prefix(6), shares.dropFirst()).allSatisfy { $0 < $1 }
    #expect(isMonotone, "\(method): \(shares)")
  }

  @Test func `of a lone endpoint grows as well`() {
    var world = BalancingWorld(.powerOfTwo, weights: [1])
    let start = world.now
    world.endpoints[0].load.start(now: start)
    var shares: [Double] = []
    for step in 0...60 {
      world.now = start + UInt64(step) * second
      shares.append(
        world.endpoints[0].load.startShare(now: world.now, window: world.rules.slowStart))
      #expect(world.choose() == 0)
    }
    #expect(shares[0] == 0.1 && shares[60] == 1)
    #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func `begins at the end of an ejection, too`() {
    let load = EndpointLoad(id: "a", serial: 1)
    defer { load.deallocate() }
    load.eject(until: 100 * second)
    #expect(load.startShare(now: 100 * second, window: 60 * second) == 0.1)
    #expect(load.startShare(now: 130 * second, window: 60 * second) == 0.5)
    #expect(load.startShare(now: 160 * second, window: 60 * second) == 1)
    #expect(load.startShare(now: 130 * second, window: 0) == 1)
    load.eject(until: 0)
    #expect(load.startShare(now: 130 * second, window: 60 * second) == 1)
  }
}
