import Compiling
import Editions
import Latency
import Learning
import Logging
import Places
import Publishing
import Routing
import TestSupport
import Testing

/// A publisher whose policy goes by latency, and a keeper under the test's clock.
struct KeeperWorld {
  static let munich = ClientAddress(ipv4: 141 << 24 | 84 << 16 | 1)
  let publisher: EditionPublisher
  let keeper: LatencyKeeper
  let clock = TestClock()

  init(state: String? = nil, policy: String = "{type: latency}", node: String? = nil) throws {
    let compiled = try RegionSet.continents.compiled(
      policy: policy, extra: state.map { "state: \($0)" } ?? "")
    publisher = EditionPublisher(compiled, isReady: true) { [clock] in clock.now }
    keeper = LatencyKeeper(
      publisher: publisher, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      nodeID: node, now: { [clock] in clock.now })
  }

  func region(of client: ClientAddress = munich) async throws -> String {
    let edition = await publisher.edition
    let regions = try #require(edition.explain(client, service: 0)?.outcome.regions)
    return edition.model.regions[try #require(regions.first)].name
  }

  func sample(_ region: String, _ milliseconds: Double) -> LatencySample {
    LatencySample(client: Self.munich, region: region, milliseconds: milliseconds, count: 5)
  }
}
