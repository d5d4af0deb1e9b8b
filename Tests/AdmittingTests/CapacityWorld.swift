import Admitting
import Places
import Routing
import TestSupport

/// A random world of regions and places under one policy, some places inside a fence, with one
/// service and one endpoint a region.
struct CapacityWorld {
  var model: RoutingModel
  var board: HealthBoard
  /// By service and cohort: new connections a second.
  var demands: [[Double]]

  init(regionCount: Int, placeCount: Int = 12, using generator: inout SeededGenerator) {
    let regions = (0..<regionCount).map { index in
      Region(
        name: "r\(index)", point: Self.point(using: &generator), tags: index < 2 ? ["in"] : [])
    }
    let places =
      [Place()]
      + (0..<placeCount).map { _ in
        Place(
          point: Self.point(using: &generator), continent: nil,
          country: CountryCode(Bool.random(using: &generator) ? "DE" : "US"), subdivision: nil,
          isInEuropeanUnion: false, asn: 0)
      }
    var clients = ClientMatch()
    if let country = CountryCode("DE") { clients.countries = [country] }
    let fence = Fence(
      name: "in", clients: clients, isInside: regions.map { $0.tags.contains("in") })
    let proximity = Policy.Proximity(
      regions: Array(regions.indices), biases: regions.map { _ in 0 },
      unknown: Array(regions.indices))
    model = Self.model(regions, places: places, policy: .proximity(proximity), fences: [fence])
    board = HealthBoard(
      conditions: regions.map { _ in EndpointCondition(health: .healthy, lastGood: .max) })
    demands = [model.maps[0].cohorts.map { _ in .random(in: 0...100, using: &generator) }]
  }

  /// New connections a second in all, and of clients inside the fence.
  var total: Double { demands[0].reduce(0, +) }
  var fenced: Double {
    zip(model.maps[0].cohorts, demands[0]).reduce(0) { $0 + ($1.0.fences.isEmpty ? 0 : $1.1) }
  }

  var allocator: CapacityAllocator {
    CapacityAllocator(model: model, board: board, demands: demands)
  }

  private static func point(using generator: inout SeededGenerator) -> GeoPoint? {
    GeoPoint(
      latitude: .random(in: -60...60, using: &generator),
      longitude: .random(in: -180...180, using: &generator))
  }

  private static func model(
    _ regions: [Region], places: [Place], policy: Policy, fences: [Fence]
  ) -> RoutingModel {
    var addresses = AddressTableBuilder()
    for index in 1...places.count {
      addresses.append(
        ipv4: UInt32(10 << 24 | index << 16), value: index < places.count ? UInt32(index) : 0)
    }
    let table = PlaceTable(
      addresses: addresses.build(), places: places, cityNames: [""], overrides: [],
      prefixSets: [[]])
    let endpoints = regions.indices.map { region in
      RoutingModel.Endpoint(
        region: region, pool: 0,
        socket: SocketAddress(address: .ipv4(UInt32(192 << 24 | 2 << 8 | region)), port: 80),
        weight: 1, id: "\(regions[region].name)/web/1")
    }
    let pool = RoutingModel.Pool(
      name: "web", endpoints: regions.indices.map { [$0] }, panicThreshold: 0, minimumHealthy: 1)
    let planner = Planner(regions: regions, policy: policy, fences: fences)
    let service = RoutingModel.Service(
      name: "web", map: 0, policyName: "p", pool: 0, ttlSeconds: 30, onAllDown: .failOpen,
      maximumAddresses: 8, failoverSpreadMilliseconds: 20,
      drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
    return RoutingModel(
      regions: regions, pools: [pool], endpoints: endpoints, services: [service],
      maps: [SteeringMap(planner: planner, places: table)], places: table)
  }
}
