import Compiling
import Editions
import Publishing
import Routing
import TestSupport
import Testing

private let configuration = """
  node: {region: tokyo, zone: a}
  regions: {tokyo: {}, osaka: {}}
  pools:
    web:
      zone_sharing: prefer_same
      endpoints:
        tokyo:
          - {address: 192.0.2.1:80, zone: a}
          - {address: 192.0.2.2:80, zone: b}
          - {address: 192.0.2.3:80, zone: c}
        osaka: [{address: 192.0.2.4:80, zone: a}]
  policies: {p: {type: failover, order: [tokyo, osaka]}}
  services: {web: {policy: p, pool: web}}
  """

private func standings(_ publisher: EditionPublisher) async -> [Standing] {
  await publisher.edition.board.conditions.map(\.standing)
}

@Suite struct `An override of an availability zone` {
  private func set(
    _ name: String, _ state: OverrideState, on publisher: EditionPublisher
  ) async throws {
    try await publisher.set(
      Override(
        target: #require(Override.Target(name)), state: state, reason: "x", author: "x",
        expiresAt: nil, setAt: 0))
  }

  @Test func `speaks of its endpoints in its region, and of nothing else`() async throws {
    let publisher = EditionPublisher(
      try compiledText(configuration), isReady: true, now: { 1000 })
    try await set("tokyo/@a", .drain, on: publisher)
    #expect(await standings(publisher) == [.removed, .healthy, .healthy, .healthy])
    let edition = await publisher.edition
    #expect(edition.board.regionOverrides == [.auto, .auto])
    #expect(edition.verdicts[0].outcomes.map(\.regions) == [[0]])
    // Its own zone is gone: the proxy goes to the others of the region.
    let targets = edition.targets.targets(service: 0, region: 0, basis: .healthy)
    #expect(targets.map(\.endpoint) == [1, 2] && targets[0].weight == targets[1].weight)
    #expect(await publisher.removeOverride(of: try #require(Override.Target("tokyo/@a"))))
    #expect(await standings(publisher).allSatisfy { $0 == .healthy })
  }

  @Test func `is kept over a reload as long as an endpoint names the zone`() async throws {
    let publisher = EditionPublisher(
      try compiledText(configuration), isReady: true, now: { 1000 })
    try await set("tokyo/@b", .down, on: publisher)
    await publisher.replace(
      with: try compiledText(
        configuration.replacing("p: {type", with: "q: {type").replacing(
          "policy: p", with: "policy: q")), conditions: [:])
    #expect(await publisher.overrides.map(\.target.description) == ["tokyo/@b"])
    #expect(await standings(publisher)[1] == .removed)
    await publisher.replace(
      with: try compiledText(configuration.replacing("zone: b", with: "zone: d")),
      conditions: [:])
    #expect(await publisher.overrides.isEmpty)
  }

  @Test(arguments: ["tokyo/@d", "osaka/@b", "kyoto/@a"])
  func `is refused where no endpoint names the zone`(name: String) async throws {
    let publisher = EditionPublisher(
      try compiledText(configuration), isReady: true, now: { 1000 })
    await #expect(throws: PublishingError.unknownTarget(name)) {
      try await set(name, .drain, on: publisher)
    }
  }

  @Test func `is told apart from pools by its sign, and has nothing below it`() {
    #expect(Override.Target("tokyo/@a")?.availabilityZone == "a")
    #expect(Override.Target("tokyo/a")?.availabilityZone == nil)
    #expect(Override.Target("tokyo/@a")?.isRegion == false)
    for text in ["tokyo/@", "tokyo/@a/web", "tokyo/@a/web/192.0.2.1:80", "@a/"] {
      #expect(Override.Target(text) == nil, "\(text)")
    }
  }
}
