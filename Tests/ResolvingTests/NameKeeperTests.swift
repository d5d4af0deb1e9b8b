import Editions
import Places
import Resolving
import Testing

let question = ResolvedNames.Question(
  name: Array("\u{1}a\u{7}example\u{3}net\u{0}".utf8), isIPv6: false)
private let address = IPAddress.ipv4(0xC000_0201)

@Suite struct `Addresses of names that serve` {
  private var keeper = NameKeeper()

  private mutating func succeed(ttlSeconds: UInt32, now: Double) {
    expectDue([question], now: now)
    keeper.succeeded(question, addresses: [address], ttlSeconds: ttlSeconds, now: now)
  }

  private mutating func expectDue(
    _ expected: [ResolvedNames.Question], now: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let due = keeper.takeDue(now: now)
    #expect(due == expected, sourceLocation: sourceLocation)
  }

  private func known(_ now: Double) -> ResolvedNames.Addresses? {
    keeper.results(now: now)[question]
  }

  @Test mutating func `are asked for at once, and once at a time`() {
    keeper.want([question], now: 0)
    #expect(keeper.nextMoment(now: 0) == 0)
    #expect(known(0) == nil)
    expectDue([question], now: 0)
    expectDue([], now: 0)
    #expect(keeper.nextMoment(now: 0) == nil)
  }

  @Test(
    arguments: [
      (300, 150, 150), (0, 2, 3), (5, 2, 3), (9, 4, 5), (86_400, 1_800, 1_800),
      (.max, 1_800, 1_800),
    ] as [(UInt32, UInt32, Double)])
  mutating func `are renewed after half of their life, and clients are told what is left then`(
    ttl: UInt32, told: UInt32, again: Double
  ) {
    keeper.want([question], now: 100)
    succeed(ttlSeconds: ttl, now: 100)
    #expect(known(100)?.ttlSeconds == told)
    #expect(keeper.nextMoment(now: 100) == 100 + again)
    expectDue([], now: 100 + again - 0.5)
    expectDue([question], now: 100 + again)
  }

  @Test mutating func `serve on when not renewed, stale beyond their life (RFC 8767 §4)`() {
    keeper.want([question], now: 0)
    succeed(ttlSeconds: 300, now: 0)
    expectDue([question], now: 150)
    let isFirst = keeper.failed(question, now: 152)
    #expect(isFirst)
    #expect(known(152) == .init(addresses: [address], ttlSeconds: 5))
    #expect(known(299.9)?.isStale == false)
    #expect(known(300) == .init(addresses: [address], ttlSeconds: 30, isStale: true))
    expectDue([question], now: 300)
    #expect(keeper.nextMoment(now: 300) == 86_700.0, "nothing to do until then")
    #expect(known(300 + 86_399) != nil)
    #expect(known(300 + 86_400) == nil)
  }

  @Test mutating func `are asked for again after 1 s, then 2 s, at last every 30 s`() {
    keeper.want([question], now: 0)
    var now = 0.0
    var waits: [Double] = []
    for attempt in 0..<8 {
      expectDue([question], now: now)
      let isFirst = keeper.failed(question, now: now)
      #expect(isFirst == (attempt == 0))
      let next = keeper.nextMoment(now: now) ?? -1
      waits.append(next - now)
      now = next
    }
    #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30])
    succeed(ttlSeconds: 60, now: now)
    #expect(keeper.failureCount(of: question) == 0)
    #expect(known(now) == .init(addresses: [address], ttlSeconds: 30))
  }

  @Test mutating func `are forgotten when nobody wants them, and kept when others come`() {
    keeper.want([question], now: 0)
    succeed(ttlSeconds: 60, now: 0)
    var other = question
    other.isIPv6 = true
    keeper.want([question, other], now: 1)
    #expect(known(1) != nil)
    expectDue([other], now: 1)
    keeper.want([other], now: 2)
    #expect(known(2) == nil)
    keeper.succeeded(question, addresses: [address], ttlSeconds: 60, now: 2)
    #expect(known(2) == nil, "an answer that comes too late")
    keeper.want([], now: 3)
    #expect(keeper.nextMoment(now: 3) == nil)
  }

  @Test mutating func `are asked for 64 at a time`() {
    let many = (0..<100).map { number in
      ResolvedNames.Question(name: [1, UInt8(number), 0], isIPv6: false)
    }
    keeper.want(Set(many), now: 0)
    let first = keeper.takeDue(now: 0)
    let second = keeper.takeDue(now: 0)
    #expect(first.count == 64 && second.isEmpty)
    #expect(keeper.nextMoment(now: 1) == 1)
    keeper.succeeded(first[0], addresses: [], ttlSeconds: 60, now: 1)
    let third = keeper.takeDue(now: 1)
    #expect(third.count == 1)
  }
}
