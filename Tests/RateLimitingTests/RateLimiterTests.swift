import Places
import RateLimiting
import TestSupport
import Testing

@Suite struct `The rate limiter` {
  static let limits = RateLimits(
    rates: RateLimits.Rates(answers: 100, nameErrors: 10, errors: 0))

  /// How many of so many answers a second are let through.
  private func admitted(
    _ limiter: RateLimiter, _ addresses: [IPAddress], kind: RateLimits.Kind = .answers,
    perSecond: Int, seconds: Int, from start: UInt64 = 1 << 41
  ) -> Int {
    (0..<(perSecond * seconds)).count { index in
      limiter.admits(
        addresses[index % addresses.count], kind: kind, limits: Self.limits,
        nowMicroseconds: start + UInt64(index * 1_000_000 / perSecond))
    }
  }

  private func limiter(byteCount: Int = 1 << 16) -> RateLimiter {
    RateLimiter(byteCount: byteCount, seed: 0x5EED)
  }

  @Test func `a prefix gets its rate, and after a rest one second's worth at once`() {
    let flood = admitted(limiter(), [.ipv4(1 << 24)], perSecond: 10_000, seconds: 10)
    #expect((1_000...1_102).contains(flood), "\(flood)")
    let steady = admitted(limiter(), [.ipv4(1 << 24)], perSecond: 100, seconds: 10)
    #expect(steady == 1_000)
  }

  @Test(
    arguments: [
      ("the addresses of a /24", ["192.0.2.1", "192.0.2.254"], 1),
      ("two /24", ["192.0.2.1", "192.0.3.1"], 2),
      ("the addresses of a /56", ["2001:db8::1", "2001:db8:0:ff::1"], 1),
      ("two /56", ["2001:db8::1", "2001:db8:0:100::1"], 2),
    ] as [(String, [String], Int)])
  func `what shares a prefix shares a rate`(
    description: String, addresses: [String], prefixCount: Int
  ) throws {
    let addresses = try addresses.map { try #require(IPAddress($0)) }
    let count = admitted(limiter(), addresses, perSecond: 20_000, seconds: 5)
    #expect((500 * prefixCount...603 * prefixCount).contains(count), "\(count)")
  }

  @Test func `each kind has a rate of its own, and 0 is none`() {
    let limiter = limiter()
    let address = [IPAddress.ipv4(1 << 24)]
    _ = admitted(limiter, address, perSecond: 10_000, seconds: 1)
    let names = admitted(limiter, address, kind: .nameErrors, perSecond: 1_000, seconds: 1)
    #expect((10...22).contains(names), "\(names)")
    #expect(admitted(limiter, address, kind: .errors, perSecond: 5_000, seconds: 1) == 5_000)
  }

  @Test func `the memory is what was asked for, whoever comes`() {
    #expect(limiter(byteCount: 1 << 20).byteCount == 1 << 20)
    #expect(limiter(byteCount: (1 << 20) + 4_096).byteCount == 1 << 20)
    #expect(limiter(byteCount: 1).byteCount == 64)
  }

  /// The table has room for 8,192 prefixes; 1,000,000 come by, 200,000 a second.
  @Test(arguments: UInt64(1)...3)
  func `under a million forged sources a victim stays limited and others are let through`(
    seed: UInt64
  ) {
    let limiter = RateLimiter(byteCount: 1 << 16, seed: seed)
    var generator = SeededGenerator(seed: seed)
    let victim = IPAddress.ipv4(0xC000_0201)
    var answersToVictim = 0
    var bystanders = 0
    for index in 0..<1_000_000 {
      let now: UInt64 = (1 << 41) + UInt64(index) * 5
      let forged = IPAddress.ipv4(UInt32(truncatingIfNeeded: generator.next()))
      if limiter.admits(forged, kind: .answers, limits: Self.limits, nowMicroseconds: now) {
        bystanders += 1
      }
      // 40,000 a second.
      if index % 5 == 0,
        limiter.admits(victim, kind: .answers, limits: Self.limits, nowMicroseconds: now)
      {
        answersToVictim += 1
      }
    }
    #expect((500...700).contains(answersToVictim), "seed \(seed): \(answersToVictim)")
    #expect(bystanders > 999_000, "seed \(seed): \(bystanders)")
  }

  @Test func `a clock that jumps back limits nobody for longer than its own jump`() {
    let limiter = limiter()
    let start: UInt64 = 1 << 41
    let address = [IPAddress.ipv4(7 << 24)]
    _ = admitted(limiter, address, perSecond: 10_000, seconds: 1, from: start)
    let after = admitted(limiter, address, perSecond: 50, seconds: 10, from: start - 3_000_000_000)
    #expect(after == 500)
  }

  @Test func `several threads together stay within the rate`() async {
    let limiter = limiter()
    let total = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask { admitted(limiter, [.ipv4(9 << 24)], perSecond: 20_000, seconds: 5) }
      }
      return await group.reduce(0, +)
    }
    // Lost races let a few more through, never many.
    #expect((500...660).contains(total), "\(total)")
  }
}
