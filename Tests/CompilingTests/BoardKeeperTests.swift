import Compiling
import Editions
import Places
import Publishing
import Routing
import TestSupport
import Testing

private let german = "194.25.0.1"
private let endpoints = ["frankfurt/web/192.0.2.1:80", "frankfurt/web/[2001:db8::1]:80"]

/// A publisher over European regions, whose clock stands at 1000 s until it is moved.
private struct Published {
  let publisher: EditionPublisher
  let clock = TestClock()

  init(_ stability: String) throws {
    let clock = clock
    publisher = EditionPublisher(
      try RegionSet.europe.compiled(extra: "stability: \(stability)"), isReady: true,
      now: { clock.seconds })
  }

  /// Frankfurt's health, at a time.
  func frankfurt(is health: Health, at seconds: Double) async {
    clock.seconds = seconds
    let condition = EndpointCondition(health: health, lastGood: health == .healthy ? .max : 1)
    await publisher.apply(
      Dictionary(uniqueKeysWithValues: endpoints.map { ($0, condition) }))
  }

  /// Whether a client near Frankfurt is sent there, at a time.
  func isServed(at seconds: Double, host: UInt32 = 1) async throws -> Bool {
    clock.seconds = seconds
    await publisher.advance()
    let edition = await publisher.edition
    let client = ClientAddress(ipv4: 194 << 24 | 25 << 16 | host)
    let explanation = try #require(edition.explain(client, service: 0))
    return explanation.outcome.regions.contains {
      edition.model.regions[$0].name == "frankfurt"
    }
  }
}

private final class TestClock: @unchecked Sendable {
  // Moved and read by one test, one call after the other.
  nonisolated(unsafe) var seconds = 1000.0
}

@Suite struct `The board over time` {
  @Test func `hold-down keeps a region away until it is over`() async throws {
    let world = try Published("{hold_down: 30s}")
    #expect(try await world.isServed(at: 1000))
    await world.frankfurt(is: .unhealthy, at: 1001)
    #expect(try await !world.isServed(at: 1002))
    await world.frankfurt(is: .healthy, at: 1005)
    #expect(try await !world.isServed(at: 1030.9))
    #expect(try await world.isServed(at: 1031.1))
  }

  @Test func `manual fail-back waits for the operator, and tells which pools it released`()
    async throws
  {
    let world = try Published("{failback: manual, ramp: 1s}")
    #expect(await world.publisher.failback(region: "nowhere") == nil)
    await world.frankfurt(is: .unhealthy, at: 1001)
    await world.frankfurt(is: .healthy, at: 1005)
    #expect(try await !world.isServed(at: 90_000))
    #expect(await world.publisher.failback(region: "frankfurt") == ["web"])
    #expect(try await world.isServed(at: 90_002))
    #expect(await world.publisher.failback(region: "frankfurt") == [])
  }

  @Test func `a reload keeps a region held`() async throws {
    let world = try Published("{failback: manual}")
    await world.frankfurt(is: .unhealthy, at: 1001)
    await world.frankfurt(is: .healthy, at: 1005)
    let healthy = EndpointCondition(health: .healthy, lastGood: .max)
    await world.publisher.replace(
      with: try RegionSet.europe.compiled(extra: "stability: {failback: manual}"),
      conditions: Dictionary(uniqueKeysWithValues: endpoints.map { ($0, healthy) }))
    #expect(try await !world.isServed(at: 2000))
  }

  @Test func `a dial by override is there until the override ends`() async throws {
    let world = try Published("{}")
    let target = try #require(Override.Target("frankfurt"))
    try await world.publisher.set(
      Override(
        target: target, state: .auto, dial: 0, reason: "work", author: "ada", expiresAt: 1100,
        setAt: 1000))
    #expect(try await !world.isServed(at: 1099))
    #expect(try await world.isServed(at: 1101))
    #expect(await world.publisher.overrides.isEmpty)
  }

  @Test func `answers are kept for a shorter time while health is in doubt`() async throws {
    let world = try Published("{}")
    func ttl() async throws -> UInt32? {
      let edition = await world.publisher.edition
      let client = try #require(IPAddress(german)).client
      let decision = try #require(edition.explain(client, service: 0)).decision
      let entry = edition.answers.entry(outcome: decision.outcome, slot: .a)
      let ttl = edition.answers.bytes[Int(entry.offset) + 6..<Int(entry.offset) + 10]
      return ttl.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    #expect(try await ttl() == 30)
    await world.publisher.apply([:], unsettled: [endpoints[0]])
    #expect(try await ttl() == 5)
    await world.publisher.apply([:], unsettled: [])
    #expect(try await ttl() == 30)
  }

  @Test func `an endpoint that is lost three times is flapping until it is steady`() async throws {
    let world = try Published("{}")
    for second in stride(from: 1000.0, to: 1060, by: 20) {
      await world.frankfurt(is: .unhealthy, at: second)
      await world.frankfurt(is: .healthy, at: second + 10)
    }
    let board = await world.publisher.edition.board
    #expect(board.conditions.count { $0.isFlapping } == 2)
    #expect(try await !world.isServed(at: 1060))
    #expect(try await world.isServed(at: 1400))
  }

  @Test func `a share that changes again and again is no loss`() async throws {
    let world = try Published("{}")
    for percent in [50, 0, 100, 0, 100, 0, 100] {
      let condition = EndpointCondition(
        health: .healthy, lastGood: .max, sharePercent: percent)
      await world.publisher.apply(
        Dictionary(uniqueKeysWithValues: endpoints.map { ($0, condition) }))
    }
    let board = await world.publisher.edition.board
    #expect(board.conditions.allSatisfy { !$0.isFlapping && $0.standing == .healthy })
    #expect(try await world.isServed(at: 1001))
  }
}
