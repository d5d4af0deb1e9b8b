import Compiling
import Editions
import Foundation
import Latency
import Learning
import Logging
import Places
import Publishing
import Routing
import TestSupport
import Testing

@Suite struct `What is learned of latencies` {
  @Test func `reaches decisions with the next tick, in an edition of the same revision`()
    async throws
  {
    let world = try KeeperWorld()
    await world.keeper.start()
    let before = await world.publisher.edition
    #expect(try await world.region() == "frankfurt")
    await world.keeper.add([world.sample("frankfurt", 120), world.sample("dublin", 30)])
    #expect(try await world.region() == "frankfurt")
    await world.keeper.tick()
    #expect(try await world.region() == "dublin")
    let after = await world.publisher.edition
    #expect(after.number > before.number && after.revision == before.revision)
  }

  @Test func `compiles nothing while nothing has moved`() async throws {
    let world = try KeeperWorld()
    await world.keeper.add([world.sample("dublin", 30)])
    await world.keeper.tick()
    let edition = await world.publisher.edition.number
    for _ in 0..<5 {
      await world.keeper.add([world.sample("dublin", 30.4)])
      await world.keeper.tick()
    }
    let compilations = await world.keeper.counts.compilations
    #expect(compilations <= 3)
    #expect(await world.publisher.edition.number <= edition + 2)
  }

  @Test func `ignores regions that there are none of, and everything where nobody asks`()
    async throws
  {
    let world = try KeeperWorld()
    #expect(await world.keeper.add([world.sample("atlantis", 1), world.sample("tokyo", 9)]) == 1)
    #expect(await world.keeper.counts.ignored == 1)
    let unasked = try KeeperWorld(policy: "{type: proximity}")
    #expect(await unasked.keeper.add([unasked.sample("tokyo", 9)]) == 0)
  }

  @Test func `a detour is an upper bound: it counts only where more is expected`() async throws {
    let world = try KeeperWorld()
    let detour = LatencySample.detour(
      of: KeeperWorld.munich, to: "dublin", milliseconds: 60)
    await world.keeper.start()
    #expect(await world.keeper.add([detour]) == 0)
    await world.keeper.add([world.sample("dublin", 400)])
    await world.keeper.tick()
    #expect(await world.keeper.add([detour]) == 1)
  }

  @Test func `outlives a restart, up to an age`() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "azimuth-learning-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    let first = try KeeperWorld(state: folder)
    await first.keeper.add([first.sample("frankfurt", 120), first.sample("dublin", 30)])
    await first.keeper.save()
    let second = try KeeperWorld(state: folder)
    await second.keeper.start()
    #expect(try await second.region() == "dublin")
    // And is there for whoever asks what that node would decide.
    let model = await second.publisher.compiled.model
    for (days, region) in [(0, "dublin"), (8, "frankfurt")] {
      let asked = try RegionSet.continents.compiled(
        policy: "{type: latency}", extra: "state: \(folder)"
      ).withKeptLatencies(now: UInt32(second.clock.now) + UInt32(days) * 86_400)
      let match = asked.maps.find(map: 0, client: KeeperWorld.munich)
      let first = try #require(asked.model.maps[0].cohorts[Int(match.cohort)].regions.first)
      #expect(model.regions[first].name == region)
    }
    let late = try KeeperWorld(state: folder)
    late.clock.advance(8 * 86_400)
    await late.keeper.start()
    #expect(try await late.region() == "frankfurt")
  }

  @Test func `a broken file in the state folder is passed over`() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "azimuth-learning-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = "x\n10.0.0.0/24,tokyo,nan,1,1,1\n1,2,3\n141.84.0.0/24,dublin,1,0,9,1767225600\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/latencies.csv"))
    let world = try KeeperWorld(state: folder)
    await world.keeper.start()
    #expect(try await world.region() == "dublin")
  }

  @Test func `survives a reload that adds and removes regions`() async throws {
    let world = try KeeperWorld()
    await world.keeper.add([world.sample("frankfurt", 120), world.sample("dublin", 30)])
    await world.keeper.tick()
    let next = try RegionSet.europe.compiled(policy: "{type: latency}")
    await world.publisher.replace(with: next, conditions: [:])
    await world.keeper.tick()
    // Milan is new and untried; Frankfurt and Dublin keep what was measured of them.
    #expect(try await world.region() == "milan")
    let edition = await world.publisher.edition
    let candidates = try #require(edition.explain(KeeperWorld.munich, service: 0)?.candidates)
    let measured = candidates.filter { $0.latencyBasis == .network }
    #expect(measured.map { edition.model.regions[$0.region].name } == ["dublin", "frankfurt"])
    #expect(edition.model.latency?.model.sites.count == 6)
  }
}
