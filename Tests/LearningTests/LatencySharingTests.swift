import Compiling
import Editions
import Foundation
import Latency
import Learning
import Places
import Publishing
import Routing
import TestSupport
import Testing

private let dublin: [(region: String, milliseconds: Double)] = [
  ("frankfurt", 120), ("dublin", 30),
]

/// What another node says of Munich's network.
private func word(
  _ figures: [(region: String, milliseconds: Double)], at writtenAt: Double
) -> LatencyWord {
  LatencyWord(
    writtenAt: UInt32(writtenAt),
    cells: figures.map {
      (LatencyNetwork(of: KeeperWorld.munich), $0.region, $0.milliseconds, 20)
    })
}

@Suite struct `What other nodes have measured` {
  @Test func `reaches decisions with the next tick, and noise compiles nothing`() async throws {
    let world = try KeeperWorld(node: "edge-1")
    await world.keeper.start()
    #expect(try await world.region() == "frankfurt")
    await world.keeper.take(["edge-2": word(dublin, at: world.clock.now)])
    await world.keeper.tick()
    #expect(try await world.region() == "dublin")
    let compilations = await world.keeper.counts.compilations
    for noise in [0.4, -0.7, 1.2] {
      world.clock.advance(30)
      let again = dublin.map { (region: $0.region, milliseconds: $0.milliseconds + noise) }
      await world.keeper.take(["edge-2": word(again, at: world.clock.now)])
      await world.keeper.tick()
    }
    #expect(await world.keeper.counts.compilations == compilations)
    #expect(try await world.region() == "dublin")
  }

  @Test func `stays when its node, or the store, has gone, and fades`() async throws {
    let world = try KeeperWorld(node: "edge-1")
    await world.keeper.start()
    await world.keeper.take(["edge-2": word(dublin, at: world.clock.now)])
    await world.keeper.tick()
    await world.keeper.take([:])
    world.clock.advance(3600)
    await world.keeper.tick()
    #expect(try await world.region() == "dublin")
    world.clock.advance(8 * 86_400)
    await world.keeper.tick()
    #expect(try await world.region() == "frankfurt")
    #expect(await world.keeper.words.isEmpty)
  }

  @Test func `is never told on: a node tells its own samples, once`() async throws {
    let world = try KeeperWorld(node: "edge-1")
    await world.keeper.start()
    await world.keeper.take(["edge-2": word(dublin, at: world.clock.now)])
    await world.keeper.tick()
    #expect(await world.keeper.word(isRepeated: true) == nil)
    await world.keeper.add([world.sample("tokyo", 250)])
    let told = try #require(await world.keeper.word(isRepeated: false))
    #expect(told.regions == ["tokyo"] && told.cells.map(\.samples) == [5])
    #expect(await world.keeper.word(isRepeated: false) == nil)
    // Its own word comes back from the store, and counts no more for that.
    await world.keeper.take(["edge-1": told])
    let sources = await world.keeper.sources(
      of: LatencyNetwork(of: KeeperWorld.munich), node: "edge-1")
    #expect(
      sources.map { "\($0.node) \($0.region) \($0.samples)" } == [
        "edge-2 dublin 20.0", "edge-2 frankfurt 20.0", "edge-1 tokyo 5.0",
      ])
    await world.keeper.add([world.sample("tokyo", 250.4)])
    #expect(await world.keeper.word(isRepeated: false) == nil)
  }

  @Test func `and what it had told itself is taken up after a start`() async throws {
    let first = try KeeperWorld(node: "edge-1")
    await first.keeper.start()
    await first.keeper.add([first.sample("frankfurt", 120), first.sample("dublin", 30)])
    let told = try #require(await first.keeper.word(isRepeated: false))
    let second = try KeeperWorld(node: "edge-1")
    await second.keeper.start()
    await second.keeper.take(["edge-1": told])
    await second.keeper.tick()
    #expect(try await second.region() == "dublin")
    #expect(await second.keeper.word(isRepeated: true)?.cells == told.cells)
  }

  @Test func `and what the disk has kept of its own counts before what it had told`() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "azimuth-learning-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try KeeperWorld(state: folder, node: "edge-1")
    await first.keeper.start()
    await first.keeper.add([first.sample("frankfurt", 120), first.sample("dublin", 30)])
    await first.keeper.save()
    let second = try KeeperWorld(state: folder, node: "edge-1")
    // The store is heard before the disk is read.
    let older: [(region: String, milliseconds: Double)] = [("frankfurt", 10), ("dublin", 90)]
    await second.keeper.take(["edge-1": word(older, at: first.clock.now)])
    #expect(await second.keeper.word(isRepeated: true) == nil)
    await second.keeper.start()
    await second.keeper.tick()
    #expect(try await second.region() == "dublin")
  }

  @Test func `outlives a restart without the store`() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "azimuth-learning-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try KeeperWorld(state: folder, node: "edge-1")
    await first.keeper.start()
    await first.keeper.take(["edge-2": word(dublin, at: first.clock.now)])
    await first.keeper.add([first.sample("tokyo", 250)])
    await first.keeper.save()
    let second = try KeeperWorld(state: folder, node: "edge-1")
    await second.keeper.start()
    #expect(try await second.region() == "dublin")
    #expect(await second.keeper.word(isRepeated: true)?.regions == ["tokyo"])
    // And is there for whoever asks what that node would decide.
    let asked = try RegionSet.continents.compiled(
      policy: "{type: latency}",
      extra: "state: \(folder)\nfleet: {name: f, members: [\"http://a:1\"]}"
    )
    .withKeptLatencies(now: UInt32(second.clock.now))
    let match = asked.maps.find(map: 0, client: KeeperWorld.munich)
    let region = try #require(asked.model.maps[0].cohorts[Int(match.cohort)].regions.first)
    #expect(await second.publisher.compiled.model.regions[region].name == "dublin")
  }

  @Test func `counts for nothing to a node that shares nothing`() async throws {
    let world = try KeeperWorld()
    await world.keeper.start()
    await world.keeper.take(["edge-2": word(dublin, at: world.clock.now)])
    await world.keeper.tick()
    #expect(try await world.region() == "frankfurt")
    #expect(await world.keeper.word(isRepeated: true) == nil)
  }

  @Test func `survives a reload that adds and removes regions`() async throws {
    let world = try KeeperWorld(node: "edge-1")
    await world.keeper.start()
    await world.keeper.take(["edge-2": word(dublin, at: world.clock.now)])
    await world.keeper.tick()
    let next = try RegionSet.europe.compiled(policy: "{type: latency}")
    await world.publisher.replace(with: next, conditions: [:])
    await world.keeper.tick()
    // Milan is new and untried.
    #expect(try await world.region() == "milan")
    let edition = await world.publisher.edition
    let candidates = try #require(edition.explain(KeeperWorld.munich, service: 0)?.candidates)
    let measured = candidates.filter { $0.latencyBasis == .network }
    #expect(measured.map { edition.model.regions[$0.region].name } == ["dublin", "frankfurt"])
  }
}
