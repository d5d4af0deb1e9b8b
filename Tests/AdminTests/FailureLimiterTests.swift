import Admin
import Places
import Settings
import TestSupport
import Testing

@Suite struct `A source that shows wrong tokens` {
  static let source = IPAddress.ipv4(0xC000_0201)
  static let burst = FailureLimiter.burst
  static let interval = FailureLimiter.interval

  private func token(_ number: Int) -> TokenHash { TokenHash(of: "wrong \(number)".utf8) }

  private func exhausted(_ source: IPAddress = source, now: Double = 0) -> FailureLimiter {
    var limiter = FailureLimiter()
    for number in 0..<Self.burst { limiter.note(source, token: token(number), now: now) }
    return limiter
  }

  @Test func `may do so ten times at once, and then once in six seconds`() {
    var limiter = FailureLimiter()
    for number in 0..<Self.burst {
      #expect(limiter.wait(of: Self.source, now: 0) == nil)
      limiter.note(Self.source, token: token(number), now: 0)
    }
    #expect(limiter.wait(of: Self.source, now: 0) == Self.interval)
    #expect(limiter.wait(of: Self.source, now: Self.interval - 0.5) == 0.5)
    #expect(limiter.wait(of: Self.source, now: Self.interval) == nil)
    limiter.note(Self.source, token: token(Self.burst), now: Self.interval)
    #expect(limiter.wait(of: Self.source, now: Self.interval) == Self.interval)
  }

  /// Such as one with an old token in a script: whoever else asks from there is heard.
  @Test func `may show the same one as often as it likes`() {
    var limiter = FailureLimiter()
    for step in 0..<10_000 {
      let now = Double(step) / 10
      #expect(limiter.wait(of: Self.source, now: now) == nil)
      limiter.note(Self.source, token: token(0), now: now)
    }
    // It counts once in a window: of the burst one is used up, no more.
    let now = 1000.0
    for number in 1..<Self.burst {
      #expect(limiter.wait(of: Self.source, now: now) == nil)
      limiter.note(Self.source, token: token(number), now: now)
    }
    limiter.note(Self.source, token: token(Self.burst), now: now)
    #expect(limiter.wait(of: Self.source, now: now) != nil)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true),
    ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false), ("2001:db8::1", "2001:db8::2:3:4:5", true),
    ("2001:db8::1", "2001:db8:0:1::1", false),
  ])
  func `is one with those that are one customer's`(
    first: String, second: String, isOne: Bool
  ) throws {
    let limiter = exhausted(try #require(IPAddress(first)))
    let other = try #require(IPAddress(second))
    #expect((limiter.wait(of: other, now: 0) != nil) == isOne)
  }

  @Test func `waits no longer where the clock goes back`() {
    let limiter = exhausted(now: 1e9)
    #expect(limiter.wait(of: Self.source, now: 0) == Self.interval)
  }

  /// Ten thousand sources in random order: memory stays bounded, nobody gets more than the rate,
  /// and who has shown nothing wrong is listened to.
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `costs no more memory, however many there are`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var limiter = FailureLimiter()
    var now = 0.0
    var shown: [UInt32: Int] = [:]
    let guesser: UInt32 = 1
    for number in 0..<20_000 {
      now += Double.random(in: 0...0.002, using: &random)
      let bits = Bool.random(using: &random) ? guesser : .random(in: 2...10_000, using: &random)
      guard limiter.wait(of: .ipv4(bits), now: now) == nil else { continue }
      limiter.note(.ipv4(bits), token: token(number), now: now)
      shown[bits, default: 0] += 1
      #expect(limiter.sourceCount <= FailureLimiter.maximumSourceCount)
    }
    let most = Self.burst + Int(now / Self.interval) + 1
    #expect((shown[guesser] ?? 0) <= most, "seed \(seed)")
    #expect((shown[guesser] ?? 0) >= most - 2, "seed \(seed)")
    #expect(limiter.wait(of: .ipv4(20_000), now: now) == nil)
  }
}
