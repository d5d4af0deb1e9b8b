import Announcing
import Editions
import Publishing
import Routing
import TestSupport
import Testing

/// A publisher of the test's configuration, under the test's clock.
private struct PublisherWorld {
  let publisher: EditionPublisher
  let clock = TestClock()

  init() throws {
    let compiled = try RegionSet.continents.compiled(policy: "{type: proximity}")
    publisher = EditionPublisher(compiled, isReady: false) { [clock] in clock.now }
  }

  var events: [Event] { publisher.events.page(after: 0).events }

  func told(_ kinds: Event.Kind...) -> [String] {
    events.filter { kinds.contains($0.kind) }.map {
      "\($0.subject): \($0.from ?? "") > \($0.to ?? "")"
    }
  }

  /// Of all endpoints of a region.
  func report(_ health: Health, of region: String, cause: String = "") async {
    let ids = publisher.desk.take().model.endpoints.map(\.id)
      .filter { $0.hasPrefix("\(region)/") }
    await publisher.apply(
      Dictionary(
        uniqueKeysWithValues: ids.map { ($0, EndpointCondition(health: health)) }),
      causes: Dictionary(uniqueKeysWithValues: ids.map { ($0, cause) }))
  }

  func override(
    _ state: OverrideState, dial: Double? = nil, expiresAt: Double? = nil
  ) async throws -> Override.Target {
    let target = try #require(Override.Target("tokyo"))
    try await publisher.set(
      Override(
        target: target, state: state, dial: dial, reason: "fire drill", author: "ann",
        expiresAt: expiresAt, setAt: clock.now))
    return target
  }
}

@Suite struct `Consumers are told` {
  @Test func `what has become of endpoints, and why, and of their regions`() async throws {
    let world = try PublisherWorld()
    await world.report(.healthy, of: "tokyo")
    let before = world.events.count
    await world.report(.unhealthy, of: "tokyo", cause: "status 500")
    let new = world.events.dropFirst(before)
    let endpoints = new.filter { $0.kind == .endpointHealth }
    #expect(!endpoints.isEmpty)
    #expect(
      endpoints.allSatisfy {
        $0.from == "healthy" && $0.to == "unhealthy" && $0.cause == "status 500"
      })
    let region = try #require(new.first { $0.kind == .regionHealth })
    #expect(region.subject.hasPrefix("tokyo/"))
    #expect(region.from == "healthy" && region.to == "unhealthy")
    #expect(region.edition == world.publisher.desk.take().number)
  }

  @Test func `nothing where nothing has changed`() async throws {
    let world = try PublisherWorld()
    await world.report(.healthy, of: "tokyo")
    let before = world.events
    await world.report(.healthy, of: "tokyo")
    await world.publisher.advance()
    #expect(world.events == before)
  }

  @Test func `an operator's words, who said them and why`() async throws {
    let world = try PublisherWorld()
    let target = try await world.override(.drain)
    _ = try await world.override(.auto, dial: 0.3)
    _ = await world.publisher.removeOverride(of: target)
    #expect(
      world.told(.overrideSet, .overrideRemoved) == [
        "tokyo: auto > drain", "tokyo: drain > auto, dial 30%", "tokyo: auto, dial 30% > auto",
      ])
    #expect(world.told(.regionDial) == ["tokyo: 100% > 30%", "tokyo: 30% > 100%"])
    #expect(
      world.events.filter { $0.kind == .overrideSet }.allSatisfy {
        $0.author == "ann" && $0.cause == "fire drill"
      })
  }

  @Test func `when a word has ended by itself, whatever makes the next edition`() async throws {
    for isByTime in [true, false] {
      let world = try PublisherWorld()
      _ = try await world.override(.down, expiresAt: world.clock.now + 60)
      world.clock.advance(61)
      if isByTime {
        await world.publisher.advance()
      } else {
        await world.report(.healthy, of: "frankfurt")
      }
      #expect(world.told(.overrideExpired) == ["tokyo: down > auto"])
    }
  }

  @Test func `of configurations, and that the node is ready`() async throws {
    let world = try PublisherWorld()
    await world.publisher.markReady()
    let next = try RegionSet.europe.compiled(policy: "{type: proximity}")
    _ = try await world.override(.drain)
    await world.publisher.replace(with: next, conditions: [:])
    #expect(world.told(.nodeReady, .configurationAccepted) == [": starting > ready", ": 1 > 2"])
    // Tokyo is gone, and the word on it.
    #expect(world.told(.overrideRemoved) == ["tokyo: drain > auto"])
  }
}
