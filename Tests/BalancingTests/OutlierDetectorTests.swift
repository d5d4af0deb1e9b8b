import Balancing
import TestSupport
import Testing

@Suite struct `A detector of outliers` {
  private static let start = 1000 * second

  private func detector(_ count: Int, share: Double = 0.5) -> OutlierDetector {
    var rules = EjectionRules()
    rules.maximumShare = share
    return OutlierDetector(rules: rules, memberCount: count)
  }

  @Test(arguments: [
    (0, 0.5, 0), (1, 0.5, 0), (2, 0.5, 1), (3, 0.5, 1), (4, 0.5, 2), (5, 0.5, 2), (10, 0.5, 5),
    (1, 1, 0), (2, 1, 1), (3, 1, 2), (10, 1, 9), (3, 0.1, 1), (10, 0.1, 1), (3, 0, 0),
  ])
  func `ejects one at least, no more than their share, and never all`(
    count: Int, share: Double, most: Int
  ) {
    var detector = detector(count, share: share)
    for _ in 0..<20 {
      for index in 0..<count {
        _ = detector.handle(.connectFailed, of: index, now: Self.start)
        #expect(detector.ejectedCount(now: Self.start) <= most)
      }
    }
    #expect(detector.ejectedCount(now: Self.start) == most)
  }

  @Test func `ejects after failures in a row`() {
    var detector = detector(3)
    for _ in 0..<4 { #expect(detector.handle(.connectFailed, of: 1, now: Self.start) == .none) }
    _ = detector.handle(.connected, of: 1, now: Self.start)
    for _ in 0..<4 { #expect(detector.handle(.connectFailed, of: 1, now: Self.start) == .none) }
    #expect(
      detector.handle(.connectFailed, of: 1, now: Self.start)
        == .ejected(until: Self.start + 10 * second, times: 1))
    for _ in 0..<4 { _ = detector.handle(.connectFailed, of: 2, now: Self.start) }
    #expect(detector.handle(.connectFailed, of: 2, now: Self.start) == .spared)
  }

  @Test func `ejects what accepts and resets at once`() {
    var detector = detector(2)
    for _ in 0..<4 {
      _ = detector.handle(.connected, of: 0, now: Self.start)
      #expect(detector.handle(.resetEarly, of: 0, now: Self.start) == .none)
    }
    _ = detector.handle(.connected, of: 0, now: Self.start)
    #expect(
      detector.handle(.resetEarly, of: 0, now: Self.start)
        == .ejected(until: Self.start + 10 * second, times: 1))
    // Somebody's odd clients do not: others are answered meanwhile.
    for _ in 0..<20 {
      #expect(detector.handle(.resetEarly, of: 1, now: Self.start) != .spared)
      _ = detector.handle(.answered, of: 1, now: Self.start)
    }
    #expect(detector.ejectedCount(now: Self.start) == 1)
  }

  @Test func `ejects for longer each time, up to a limit, and for shorter after a good time`() {
    var detector = detector(2)
    var now = Self.start
    var lengths: [UInt64] = []
    for round in 0..<40 {
      // On probation, one failure is enough.
      for _ in 0..<(round == 0 ? 4 : 0) { _ = detector.handle(.connectFailed, of: 0, now: now) }
      guard case .ejected(let until, _) = detector.handle(.connectFailed, of: 0, now: now) else {
        Issue.record("not ejected in round \(round)")
        return
      }
      lengths.append((until - now) / second)
      now = until
    }
    #expect(lengths.prefix(3) == [10, 20, 30])
    #expect(lengths[29] == 300 && lengths.suffix(10).allSatisfy { $0 == 300 })
    // 30 steps; 60 seconds that are good take one.
    now += 28 * 60 * second
    _ = detector.handle(.answered, of: 0, now: now)
    for _ in 0..<4 { #expect(detector.handle(.connectFailed, of: 0, now: now) == .none) }
    let outcome = detector.handle(.connectFailed, of: 0, now: now)
    #expect(outcome == .ejected(until: now + 40 * second, times: 4))
  }

  @Test func `lets an endpoint back by time, and takes nothing that works for it before`() {
    var detector = detector(2)
    for _ in 0..<5 { _ = detector.handle(.connectFailed, of: 0, now: Self.start) }
    let end = Self.start + 10 * second
    for time in [Self.start, end - 1] {
      _ = detector.handle(.answered, of: 0, now: time)
      #expect(detector.ejectedCount(now: time) == 1)
    }
    #expect(detector.ejectedCount(now: end) == 0)
    // That it accepts does not end the probation: that it answers does.
    _ = detector.handle(.connected, of: 0, now: end)
    #expect(
      detector.handle(.resetEarly, of: 0, now: end)
        == .ejected(until: end + 20 * second, times: 2))
    let later = end + 20 * second
    _ = detector.handle(.answered, of: 0, now: later)
    #expect(detector.handle(.connectFailed, of: 0, now: later) == .none)
  }

  @Test(arguments: [BalanceRules.Method.powerOfTwo, .leastConnections])
  func `keeps an endpoint that fails fast, and so looks idle, from more than its part`(
    method: BalanceRules.Method
  ) {
    // 100 connections a second; three endpoints keep theirs for a second, the first resets all.
    var world = BalancingWorld(method, weights: [1, 1, 1, 1], seed: 9)
    var detector = detector(4)
    var counts: [Int] = []
    for _ in 0..<60 {
      var count = 0
      for _ in 0..<100 {
        let index = world.open(for: { $0 == 0 ? 0 : second })
        world.advance(by: 10 * millisecond)
        guard index == 0 else { continue }
        count += 1
        _ = detector.handle(.connected, of: 0, now: world.now)
        if case .ejected(let until, _) = detector.handle(.resetEarly, of: 0, now: world.now) {
          world.endpoints[0].load.eject(until: until)
        }
      }
      counts.append(count)
    }
    // Its part is 25 in a second.
    #expect(counts[0] == 5 && counts.dropFirst().allSatisfy { $0 <= 1 }, "\(counts)")
    #expect(counts.reduce(0, +) <= 9, "\(counts)")
  }

  @Test(arguments: [UInt64](1...50))
  func `never ejects the last or more than its share, whatever happens`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...6, using: &random)
    var detector = detector(count, share: Double.random(in: 0...1, using: &random))
    let most = detector.rules.mostEjected(of: count)
    var now = Self.start
    for _ in 0..<2000 {
      now += UInt64.random(in: 0...(3 * second), using: &random)
      let index = Int.random(in: 0..<count, using: &random)
      let event =
        [OutlierDetector.Event.connectFailed, .connectFailed, .resetEarly, .connected, .answered]
        .randomElement(using: &random) ?? .connected
      let wasOut = now < detector.members[index].ejectedUntil
      let outcome = detector.handle(event, of: index, now: now)
      if case .ejected(let until, let times) = outcome {
        #expect(!wasOut && until - now <= detector.rules.longest, "seed \(seed)")
        #expect(until - now == min(UInt64(times) * 10 * second, 300 * second), "seed \(seed)")
      }
      #expect(detector.ejectedCount(now: now) <= most, "seed \(seed)")
      #expect(count == 0 || detector.ejectedCount(now: now) < count, "seed \(seed)")
    }
  }
}
