import Editions
import Places
import Routing
import TestSupport
import Testing
import Zones

/// Two regions, the first with two endpoints in each of three zones, the second with one endpoint.
private func model(_ sharing: ZoneSharing, addresses: Int = 8) -> RoutingModel {
  let regions = ["one", "two"].map { Region(name: $0, point: nil, tags: []) }
  var endpoints = ["a", "a", "b", "b", "c", "c"].enumerated().map { index, zone in
    RoutingModel.Endpoint(
      region: 0, pool: 0,
      socket: SocketAddress(address: .ipv4(0xC000_0201 + UInt32(index)), port: 80), weight: 1,
      id: "one/web/\(index)", availabilityZone: zone)
  }
  endpoints.append(
    RoutingModel.Endpoint(
      region: 1, pool: 0, socket: SocketAddress(address: .ipv4(0xC633_6401), port: 80), weight: 1,
      id: "two/web/0"))
  let planner = Planner(
    regions: regions, policy: .failover([.region(0), .region(1)]), fences: [])
  return RoutingModel(
    regions: regions,
    pools: [
      RoutingModel.Pool(
        name: "web", endpoints: [Array(0..<6), [6]], panicThreshold: 0, minimumHealthy: 1,
        zoneSharing: sharing)
    ],
    endpoints: endpoints,
    services: [
      RoutingModel.Service(
        name: "web", map: 0, policyName: "p", pool: 0, ttlSeconds: 30, onAllDown: .failOpen,
        maximumAddresses: addresses, failoverSpreadMilliseconds: 20,
        drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
    ],
    maps: [SteeringMap(planner: planner, places: PlaceTable())], places: PlaceTable())
}

private func edition(_ model: RoutingModel, _ conditions: [EndpointCondition]) -> Edition {
  let table = model.places.addresses.mapValues(model.maps[0].cohortOfPlace)
  return Edition(
    number: 1, revision: 1, zones: .empty, maps: CohortMaps([table]), model: model,
    board: HealthBoard(conditions: conditions), isReady: true)
}

private func decision(_ edition: Edition) -> Decision {
  var silent = SilentTrace()
  return edition.steering.route(ClientAddress(ipv4: 1), to: 0, trace: &silent)
}

private func lastBytes(_ edition: Edition) -> [UInt8] {
  let entry = edition.answers.entry(outcome: decision(edition).outcome, slot: .a)
  let bytes = Array(edition.answers.bytes[Int(entry.offset)...].prefix(Int(entry.byteCount)))
  return stride(from: 15, to: bytes.count, by: 16).map { bytes[$0] }
}

private let fine = EndpointCondition(health: .healthy, lastGood: .max)
private let drained = EndpointCondition(health: .healthy, override: .drain, lastGood: .max)

@Suite struct `Availability zones` {
  @Test func `take turns in an answer, so that few addresses are of many zones`() {
    let all = Array(repeating: fine, count: 7)
    #expect(lastBytes(edition(model(ZoneSharing()), all)) == [1, 3, 5, 2, 4, 6])
    #expect(lastBytes(edition(model(ZoneSharing(), addresses: 3), all)) == [1, 3, 5])
    var conditions = all
    conditions[0].health = .unhealthy
    #expect(lastBytes(edition(model(ZoneSharing(), addresses: 3), conditions)) == [2, 3, 5])
  }

  @Test func `one of three lost: the region stays, and the other two have all of it`() throws {
    let conditions = [fine, fine, drained, drained, fine, fine, fine]
    let edition = edition(model(ZoneSharing()), conditions)
    let decision = decision(edition)
    let outcome = edition.targets.outcome(of: decision)
    #expect(outcome.regions == [0] && outcome.basis == .healthy)
    #expect(lastBytes(edition) == [1, 5, 2, 6])
    let targets = edition.targets.targets(service: 0, region: 0, basis: outcome.basis)
    #expect(targets.map(\.endpoint) == [0, 1, 4, 5])
    #expect(Set(targets.map(\.weight)).count == 1)
  }

  @Test func `the node's own one comes first, and all others are there behind it`() {
    let sharing = ZoneSharing(preferred: ZoneSharing.Site(region: 0, zone: "b"))
    let edition = edition(model(sharing), Array(repeating: fine, count: 7))
    let targets = edition.targets.targets(service: 0, region: 0, basis: .healthy)
    #expect(targets.map(\.endpoint) == [0, 1, 2, 3, 4, 5])
    #expect(targets.map { $0.weight > 1000 } == [false, false, true, true, false, false])
    // DNS does not know where its clients are: it spreads them.
    #expect(lastBytes(edition) == [1, 3, 5, 2, 4, 6])
  }

  @Test func `do not make a region be left while anything in it is usable`() {
    let states: [EndpointCondition] = [
      fine, drained, EndpointCondition(health: .unhealthy), EndpointCondition(health: .degraded),
    ]
    for seed in 0..<500 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let conditions = (0..<7).map { _ in states.randomElement(using: &generator) ?? fine }
      let preferred = ["a", "b", "c", "d", nil].randomElement(using: &generator) ?? nil
      let sharing = ZoneSharing(
        preferred: preferred.map { ZoneSharing.Site(region: 0, zone: $0) })
      let edition = edition(model(sharing), conditions)
      let isHealthy = conditions[..<6].contains { $0.standing == .healthy }
      guard isHealthy else { continue }
      let outcome = edition.targets.outcome(of: decision(edition))
      #expect(outcome.regions == [0], "seed \(seed)")
      let targets = edition.targets.targets(service: 0, region: 0, basis: outcome.basis)
      let healthy = (0..<6).filter { conditions[$0].standing == .healthy }
      #expect(targets.map(\.endpoint) == healthy, "seed \(seed)")
      #expect(targets.allSatisfy { $0.weight > 0 }, "seed \(seed)")
    }
  }
}
