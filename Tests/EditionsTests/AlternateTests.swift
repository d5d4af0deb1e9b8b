import Editions
import Places
import Routing
import TestSupport
import Testing
import Zones

/// One region with a server that has two addresses, and another server.
private func targets(_ healths: [Health]) -> [TargetTable.Target] {
  let regions = [Region(name: "one", point: nil, tags: [])]
  let sockets = (1...3).map { SocketAddress(address: .ipv4(0xC000_0200 + UInt32($0)), port: 80) }
  var endpoints = sockets.map { socket in
    RoutingModel.Endpoint(region: 0, pool: 0, socket: socket, weight: 1, id: "one/web/\(socket)")
  }
  endpoints[0].alternate = 1
  let planner = Planner(regions: regions, policy: .failover([.region(0)]), fences: [])
  let model = RoutingModel(
    regions: regions,
    pools: [
      RoutingModel.Pool(
        name: "web", endpoints: [Array(sockets.indices)], panicThreshold: 0, minimumHealthy: 1)
    ],
    endpoints: endpoints,
    services: [
      RoutingModel.Service(
        name: "web", map: 0, policyName: "p", pool: 0, ttlSeconds: 30, onAllDown: .failOpen,
        maximumAddresses: 8, failoverSpreadMilliseconds: 20,
        drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
    ],
    maps: [SteeringMap(planner: planner, places: PlaceTable())], places: PlaceTable())
  let table = model.places.addresses.mapValues(model.maps[0].cohortOfPlace)
  let edition = Edition(
    number: 1, revision: 1, zones: .empty, maps: CohortMaps([table]), model: model,
    board: HealthBoard(conditions: healths.map { EndpointCondition(health: $0, lastGood: .max) }),
    isReady: true)
  return Array(edition.targets.targets(service: 0, region: 0, basis: .healthy))
}

@Suite struct `A server with two addresses is one target` {
  @Test func `with the other one behind it while both are usable`() {
    let targets = targets([.healthy, .healthy, .healthy])
    #expect(targets.map(\.endpoint) == [0, 2])
    #expect(targets.map { $0.alternate?.endpoint } == [1, nil])
    #expect(targets.map { $0.atAlternate?.endpoint } == [1, nil])
  }

  @Test func `at the one that is left`() {
    let first = targets([.healthy, .unhealthy, .healthy])
    #expect(first.map(\.endpoint) == [0, 2] && first.allSatisfy { $0.alternate == nil })
    let second = targets([.unhealthy, .healthy, .healthy])
    #expect(second.map(\.endpoint) == [1, 2] && second.allSatisfy { $0.alternate == nil })
    #expect(targets([.unhealthy, .unhealthy, .healthy]).map(\.endpoint) == [2])
  }
}
