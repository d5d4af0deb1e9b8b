import Compiling
import Editions
import Places
import Publishing
import Routing
import Settings
import TestSupport
import Testing

@Suite struct `Compiling a configuration` {
  @Test func `every fault of zones and overrides is told with its place`() throws {
    let text = RegionSet.continents.configuration(
      prefixes: ["192.0.2.1/24 regions=tokyo", "198.51.100.0/24 regions=atlantis"]
    ).replacing(
      "steered: {www: web}}", with: "steered: {www: web}, records: [\"a A 1.2.3\", \"b WAT x\"]}")
    do {
      _ = try compiledText(text)
      Issue.record("it compiled")
    } catch {
      #expect(error.faults.count == 4)
      #expect(error.faults.allSatisfy { $0.origin.line != nil })
      let all = error.description
      for part in ["atlantis", "1.2.3", "WAT"] { #expect(all.contains(part), "\(all)") }
    }
  }

  @Test func `a missing or damaged database is refused by name`() throws {
    for database in ["geodata/nowhere.mmdb", "README.md"] {
      let text = RegionSet.continents.configuration().replacing(
        "geodata/azimuth-city.mmdb", with: database)
      do {
        _ = try compiledText(text)
        Issue.record("it compiled")
      } catch {
        #expect(error.description.contains(database))
      }
    }
  }

  @Test func `services of one policy share one map`() throws {
    let text = RegionSet.europe.configuration(
      extra: "fences: {f: {clients: {country: DE}, regions: {tags: [eu]}, services: [third]}}"
    ).replacing(
      "  web: {policy: chosen, pool: web}",
      with: """
          web: {policy: chosen, pool: web}
          second: {policy: chosen, pool: web}
          third: {policy: chosen, pool: web}
        """)
    let model = try compiledText(text).model
    #expect(model.services.map(\.map) == [0, 0, 1])
  }

  @Test func `an unmonitored endpoint starts healthy and a monitored one unknown`() throws {
    let plain = try RegionSet.europe.compiled()
    #expect(plain.initialBoard.conditions.allSatisfy { $0.health == .healthy })
    let text = RegionSet.europe.configuration(extra: "monitors: {tcp: {type: tcp}}")
      .replacing("    endpoints:", with: "    monitor: tcp\n    endpoints:")
    let monitored = try compiledText(text)
    #expect(monitored.initialBoard.conditions.allSatisfy { $0.health == .unknown })
  }
}

@Suite struct `Publishing editions` {
  private func publisher() throws -> EditionPublisher {
    EditionPublisher(try RegionSet.europe.compiled(), isReady: true, now: { 1000 })
  }

  private func regions(_ edition: Edition, _ address: String) throws -> [String] {
    let client = try #require(IPAddress(address)).client
    let outcome = try #require(edition.explain(client, service: 0)).outcome
    return outcome.regions.map { edition.model.regions[$0].name }
  }

  @Test func `a change of health makes a new edition of the same revision`() async throws {
    let publisher = try publisher()
    let before = await publisher.edition
    #expect(try regions(before, "194.25.0.1") == ["frankfurt"])
    await publisher.apply([
      "frankfurt/web/192.0.2.1:80": EndpointCondition(health: .unhealthy, lastGood: 1),
      "frankfurt/web/[2001:db8::1]:80": EndpointCondition(health: .unhealthy, lastGood: 1),
      "gone/web/192.0.2.1:80": EndpointCondition(health: .healthy),
    ])
    let after = await publisher.edition
    #expect(after.number == before.number + 1)
    #expect(after.revision == before.revision)
    #expect(try regions(after, "194.25.0.1") != ["frankfurt"])
    #expect(try regions(before, "194.25.0.1") == ["frankfurt"])
  }

  @Test func `an override moves clients until it is taken back or ends`() async throws {
    let publisher = EditionPublisher(
      try RegionSet.europe.compiled(), isReady: true, now: { 5000 })
    let target = try #require(Override.Target("frankfurt"))
    try await publisher.set(
      Override(
        target: target, state: .drain, reason: "work", author: "ada", expiresAt: nil, setAt: 1))
    #expect(try await regions(publisher.edition, "194.25.0.1") != ["frankfurt"])
    #expect(await publisher.removeOverride(of: target))
    #expect(try await regions(publisher.edition, "194.25.0.1") == ["frankfurt"])
    try await publisher.set(
      Override(
        target: target, state: .down, reason: "work", author: "ada", expiresAt: 4000, setAt: 1))
    await publisher.advance()
    #expect(try await regions(publisher.edition, "194.25.0.1") == ["frankfurt"])
    #expect(await !publisher.removeOverride(of: target))
  }

  @Test func `an override of something that is not there is refused`() async throws {
    let publisher = try publisher()
    for name in ["atlantis", "frankfurt/mail", "frankfurt/web/192.0.2.99:80"] {
      let target = try #require(Override.Target(name))
      await #expect(throws: PublishingError.unknownTarget(name)) {
        try await publisher.set(
          Override(
            target: target, state: .down, reason: "x", author: "x", expiresAt: nil, setAt: 0))
      }
    }
  }

  @Test func `of several words on one endpoint the safer one counts`() async throws {
    let publisher = try publisher()
    for (name, state) in [("frankfurt", OverrideState.down), ("frankfurt/web", .up)] {
      let target = try #require(Override.Target(name))
      try await publisher.set(
        Override(
          target: target, state: state, reason: "x", author: "x", expiresAt: nil, setAt: 0))
    }
    #expect(try await regions(publisher.edition, "194.25.0.1") != ["frankfurt"])
  }

  @Test func `a reload keeps overrides and places, and numbers the revision`() async throws {
    let publisher = try publisher()
    let target = try #require(Override.Target("frankfurt"))
    try await publisher.set(
      Override(
        target: target, state: .drain, reason: "work", author: "ada", expiresAt: nil, setAt: 1))
    let current = await publisher.compiled
    let next = try compiledText(
      RegionSet.europe.configuration().replacing("pool: web}", with: "pool: web, ttl: 7s}"),
      previous: current)
    await publisher.replace(with: next, conditions: [:])
    let edition = await publisher.edition
    #expect(edition.revision == 2)
    #expect(edition.model.services[0].ttlSeconds == 7)
    #expect(try regions(edition, "194.25.0.1") != ["frankfurt"])
  }
}
