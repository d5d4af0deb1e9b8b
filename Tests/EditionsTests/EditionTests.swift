import DNSWire
import Editions
import Places
import Routing
import Testing
import Zones

/// Two regions: one with both families and a standby, one with IPv4 alone.
private func model(onAllDown: LastResort = .failOpen) -> RoutingModel {
  let regions = [("one", 0.0), ("two", 90.0)].map { name, longitude in
    Region(name: name, point: GeoPoint(latitude: 0, longitude: longitude), tags: [])
  }
  let sockets: [(region: Int, text: String, weight: Int)] = [
    (0, "192.0.2.1:80", 1), (0, "[2001:db8::1]:80", 1), (0, "192.0.2.2:80", 0),
    (1, "198.51.100.1:80", 1), (1, "198.51.100.1:81", 1),
  ]
  let endpoints = sockets.compactMap { region, text, weight in
    SocketAddress(text).map {
      RoutingModel.Endpoint(
        region: region, pool: 0, socket: $0, weight: weight,
        id: "\(regions[region].name)/web/\(text)")
    }
  }
  let planner = Planner(
    regions: regions, policy: .failover([.region(0), .region(1)]), fences: [])
  return RoutingModel(
    regions: regions,
    pools: [
      RoutingModel.Pool(
        name: "web", endpoints: [[0, 1, 2], [3, 4]], panicThreshold: 0, minimumHealthy: 1)
    ],
    endpoints: endpoints,
    services: [
      RoutingModel.Service(
        name: "web", map: 0, policyName: "p", pool: 0, ttlSeconds: 0x0102_0304,
        onAllDown: onAllDown, maximumAddresses: 8, failoverSpreadMilliseconds: 20,
        drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
    ],
    maps: [SteeringMap(planner: planner, places: PlaceTable())], places: PlaceTable())
}

private func edition(
  _ healths: [Health], model: RoutingModel = model(), previous: Edition? = nil
) -> Edition {
  let table = model.places.addresses.mapValues(model.maps[0].cohortOfPlace)
  return Edition(
    number: (previous?.number ?? 0) + 1, revision: 1, zones: .empty, maps: CohortMaps([table]),
    model: model,
    board: HealthBoard(conditions: healths.map { EndpointCondition(health: $0) }), isReady: true,
    previous: previous)
}

private func decision(_ edition: Edition) -> Decision {
  var silent = SilentTrace()
  return edition.steering.route(ClientAddress(ipv4: 1), to: 0, trace: &silent)
}

private func records(_ edition: Edition, isIPv6: Bool) -> [UInt8] {
  let entry = edition.answers.entry(
    outcome: decision(edition).outcome, slot: isIPv6 ? .aaaa : .a)
  return Array(edition.answers.bytes[Int(entry.offset)...].prefix(Int(entry.byteCount)))
}

private let fine: [Health] = [.healthy, .healthy, .healthy, .healthy, .healthy]

@Suite struct `An edition` {
  @Test func `holds answers ready to copy, without standbys and without repeats`() {
    let first = edition(fine)
    #expect(
      records(first, isIPv6: false)
        == [0xC0, 0x0C, 0, 1, 0, 1, 1, 2, 3, 4, 0, 4, 192, 0, 2, 1])
    #expect(records(first, isIPv6: true).suffix(18).prefix(4) == [0, 16, 0x20, 0x01])
    let second = edition([.unhealthy, .unhealthy, .unhealthy, .healthy, .healthy])
    #expect(records(second, isIPv6: false).suffix(4) == [198, 51, 100, 1])
    #expect(records(second, isIPv6: false).count == 16)
    #expect(records(second, isIPv6: true).isEmpty)
  }

  @Test func `uses a standby where nothing else is healthy in its region`() {
    let only = edition([.unhealthy, .healthy, .healthy, .healthy, .healthy])
    #expect(records(only, isIPv6: false).suffix(4) == [192, 0, 2, 2])
  }

  @Test func `tells the proxy the decided region first, then the others that are usable`() {
    let all = edition(fine)
    #expect(all.targets.regionsToTry(for: decision(all), service: 0) == [0, 1])
    let degraded = edition([.unhealthy, .unhealthy, .unhealthy, .healthy, .unhealthy])
    let choice = decision(degraded)
    #expect(degraded.targets.regionsToTry(for: choice, service: 0) == [1])
    let basis = degraded.targets.outcome(of: choice).basis
    #expect(
      degraded.targets.targets(service: 0, region: 1, basis: basis).map(\.endpoint) == [3])
  }

  @Test func `fails by what on_all_down says`() {
    let closed = edition(
      Array(repeating: .unhealthy, count: 5), model: model(onAllDown: .failClosed))
    let entry = closed.answers.entry(outcome: decision(closed).outcome, slot: .a)
    #expect(entry.isFailure)
    #expect(entry.extendedError == .noHealthyRegion)
    #expect(closed.targets.regionsToTry(for: decision(closed), service: 0).isEmpty)
    let open = edition(Array(repeating: .unhealthy, count: 5))
    #expect(records(open, isIPv6: false).suffix(4) == [192, 0, 2, 1])
  }

  @Test func `is taken by a reader only when a new one was published`() {
    let first = edition(fine)
    let desk = EditionDesk(first)
    var reader = EditionReader(desk)
    #expect(reader.edition.number == 1)
    desk.publish(edition(fine, previous: first))
    #expect(reader.edition.number == 1)
    reader.refresh()
    #expect(reader.edition.number == 2)
    #expect(reader.edition.verdicts == first.verdicts)
  }
}
