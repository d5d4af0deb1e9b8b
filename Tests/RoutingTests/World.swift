import Latency
import Places
import Routing

/// A small world for tests: regions at real coordinates, one pool of as many endpoints in each as
/// asked for, places given by hand.
struct World {
  static let sites: [(name: String, latitude: Double, longitude: Double, tags: [String])] = [
    ("tokyo", 35.68, 139.69, ["jp"]), ("singapore", 1.35, 103.82, ["sg"]),
    ("frankfurt", 50.11, 8.68, ["eu", "de"]), ("dublin", 53.35, -6.26, ["eu", "ie"]),
    ("virginia", 38.95, -77.45, ["us"]), ("saopaulo", -23.55, -46.63, ["br"]),
    ("sydney", -33.87, 151.21, ["au"]),
  ]

  var places: [Place] = [
    Place(),
    place(35.7, 139.7, country: "JP", continent: "AS"),
    place(48.1, 11.6, country: "DE", continent: "EU", isEU: true),
    place(40.7, -74.0, country: "US", continent: "NA", subdivision: "US-NY"),
    place(-22.9, -43.2, country: "BR", continent: "SA"),
    place(51.5, -0.1, country: "GB", continent: "EU"),
    place(1.3, 103.8, country: "SG", continent: "AS"),
  ]
  /// By place: the regions that an override prefers.
  var overrides: [[String]] = []
  var prefixSets: [[UInt32]] = [[]]
  var endpointsPerRegion = 1
  var policy: Policy = .proximity(World.everyRegion)
  var fences: [Fence] = []
  var onAllDown: LastResort = .failOpen
  var panicThreshold = 0.0
  var spreadMilliseconds = 20.0
  var drawKey = DrawKey(bitsIPv4: 20, bitsIPv6: 44)
  /// Of ``sites``; its networks are told apart in the places.
  var latency: LatencyModel?

  static let everyRegion = Policy.Proximity(
    regions: Array(sites.indices), biases: sites.map { _ in 0 }, unknown: Array(sites.indices))

  static func region(_ name: String) -> Int { sites.firstIndex { $0.name == name } ?? -1 }

  static func fence(_ name: String, tag: String, _ match: (inout ClientMatch) -> Void) -> Fence {
    var clients = ClientMatch()
    match(&clients)
    return Fence(name: name, clients: clients, isInside: sites.map { $0.tags.contains(tag) })
  }

  /// Place i owns 10.i.0.0/16; all else is place 0.
  var model: RoutingModel {
    let regions = Self.sites.map {
      Region(
        name: $0.name, point: GeoPoint(latitude: $0.latitude, longitude: $0.longitude),
        tags: $0.tags)
    }
    var addresses = AddressTableBuilder()
    for index in 1...places.count {
      addresses.append(
        ipv4: UInt32(10 << 24 | index << 16), value: index < places.count ? UInt32(index) : 0)
    }
    let whole = PlaceTable(
      addresses: addresses.build(),
      places: places, cityNames: [""], overrides: overrides, prefixSets: prefixSets)
    let table = whole.divided(by: latency?.measuredNetworks.map(\.prefix) ?? []).table
    let view = latency.map { LatencyView($0, generation: 1) }
    let endpoints = regions.indices.flatMap { region in
      (0..<endpointsPerRegion).map { number in
        RoutingModel.Endpoint(
          region: region, pool: 0,
          socket: SocketAddress(
            address: .ipv4(UInt32(192 << 24 | 2 << 8 | region << 4 | number)), port: 80),
          weight: 1, id: "\(regions[region].name)/web/\(number)")
      }
    }
    let pool = RoutingModel.Pool(
      name: "web",
      endpoints: regions.indices.map { region in
        (0..<endpointsPerRegion).map { region * endpointsPerRegion + $0 }
      }, panicThreshold: panicThreshold, minimumHealthy: 1)
    let planner = Planner(
      regions: regions, policy: policy, fences: fences, latency: view)
    let service = RoutingModel.Service(
      name: "web", map: 0, policyName: "p", pool: 0, ttlSeconds: 30, onAllDown: onAllDown,
      maximumAddresses: 8, failoverSpreadMilliseconds: spreadMilliseconds,
      drawKey: policy.longestHashKey.map { drawKey.union($0) } ?? drawKey)
    return RoutingModel(
      regions: regions, pools: [pool], endpoints: endpoints, services: [service],
      maps: [SteeringMap(planner: planner, places: table)], places: table, latency: view)
  }

  /// A board on which every endpoint is healthy except those of the named regions.
  func board(_ exceptions: [String: EndpointCondition] = [:]) -> HealthBoard {
    HealthBoard(
      conditions: Self.sites.flatMap { site in
        Array(
          repeating: exceptions[site.name] ?? EndpointCondition(health: .healthy, lastGood: .max),
          count: endpointsPerRegion)
      })
  }
}

func place(
  _ latitude: Double, _ longitude: Double, country: String, continent: String,
  subdivision: String? = nil, isEU: Bool = false, asn: UInt32 = 0
) -> Place {
  Place(
    point: GeoPoint(latitude: latitude, longitude: longitude),
    continent: ContinentCode(continent), country: CountryCode(country),
    subdivision: subdivision.flatMap { Subdivision($0) }, isInEuropeanUnion: isEU, asn: asn)
}

/// A compiled world at one state of health, asked by client.
struct Routed: ~Copyable {
  let model: RoutingModel
  let board: HealthBoard
  let set: VerdictSet
  let table: SteeringTable

  init(_ world: World, board: HealthBoard? = nil) {
    model = world.model
    self.board = board ?? world.board()
    set = VerdictCompiler(model: model, service: 0, board: self.board).compile()
    table = SteeringTable(
      maps: CohortMaps([model.places.addresses.mapValues(model.maps[0].cohortOfPlace)]),
      services: model.services, sets: [set])
  }

  func decision(_ client: ClientAddress) -> Decision {
    var silent = SilentTrace()
    return table.route(client, to: 0, trace: &silent)
  }

  func outcome(_ client: ClientAddress) -> Outcome { set.outcomes[decision(client).outcome] }

  /// The regions' names that a client in this place's first address gets.
  func regions(atPlace place: Int, host: UInt32 = 1) -> [String] {
    outcome(World.client(atPlace: place, host: host)).regions.map { World.sites[$0].name }
  }

  func explanation(_ client: ClientAddress) -> Explanation {
    model.explain(client, service: 0, board: board, steering: table, sets: [set])
  }
}

extension World {
  static func client(atPlace place: Int, host: UInt32 = 1) -> ClientAddress {
    ClientAddress(ipv4: place == 0 ? 11 << 24 | host : UInt32(10 << 24 | place << 16) | host)
  }
}
