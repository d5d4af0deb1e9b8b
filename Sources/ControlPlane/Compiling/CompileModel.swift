import Latency
import Places
import Routing
import Settings

/// Settings and places as a routing model: one steering map for each policy under each set of
/// fences that any service uses.
struct ModelCompiler {
  let settings: Settings
  let policies: CompiledPolicies
  let contents: CompiledContents
  /// Without measured networks.
  let places: PlaceTable
  /// Made over the same places: taken again where policy, fences and regions are the same.
  let previousMaps: [SteeringMap]
  /// nil where no policy asks for it.
  let latency: LatencyView?
  let homes: CompiledHomes

  private struct MapKey: Hashable {
    var policy: Int
    var fences: [Int]
  }

  /// - Returns: the model, and those of its maps that do not depend on latencies, over `places`.
  func compile() -> (model: RoutingModel, plainMaps: [SteeringMap]) {
    let networks = latency?.model.measuredNetworks.map(\.prefix) ?? []
    let (divided, origins) = places.divided(by: networks)
    var plainMaps: [SteeringMap] = []
    let regions = settings.regions.map {
      Region(
        name: $0.name, point: $0.location, tags: $0.tags,
        capacity: $0.capacity?.connectionsPerSecond)
    }
    var maps: [SteeringMap] = []
    var mapIndices: [MapKey: Int] = [:]
    var services: [RoutingModel.Service] = []
    for (index, service) in settings.services.enumerated() {
      let key = MapKey(policy: service.policy, fences: fences(of: index))
      let map = mapIndices[key] ?? maps.count
      if map == maps.count {
        mapIndices[key] = map
        let planner = Planner(
          regions: regions, policy: policies.policies[key.policy],
          fences: key.fences.map { policies.fences[$0] }, latency: latency)
        if policies.policies[key.policy].usesLatency {
          maps.append(SteeringMap(planner: planner, places: divided))
        } else {
          plainMaps.append(plainMap(planner))
          maps.append(SteeringMap(plainMaps[plainMaps.count - 1], dividedFrom: origins))
        }
      }
      var compiled = compiled(service, map: map)
      compiled.content = contents.contents[index]
      compiled.bindings = contents.bindings[index]
      compiled.primaryOrder = settings.primary(of: service)?.order
      services.append(compiled)
    }
    services += settings.primaryNamings.map { Self.naming(services[$0], at: $0) }
    let hasHomes = settings.services.contains(where: \.isKeyed)
    if hasHomes {
      plainMaps.append(
        plainMap(Planner(regions: regions, policy: .home(fallback: nil), fences: [])))
      maps.append(SteeringMap(plainMaps[plainMaps.count - 1], dividedFrom: origins))
    }
    let (pools, endpoints) = compiledPools()
    let model = RoutingModel(
      regions: regions, pools: pools, endpoints: endpoints, services: services, maps: maps,
      places: divided, latency: latency, access: policies.access,
      uniformMap: hasHomes ? maps.count - 1 : nil)
    return (model.placing(homes), plainMaps)
  }

  private func plainMap(_ planner: Planner) -> SteeringMap {
    previousMaps.first { $0.planner == planner } ?? SteeringMap(planner: planner, places: places)
  }

  /// The service that says which region is the primary of another one.
  private static func naming(
    _ service: RoutingModel.Service, at index: Int
  ) -> RoutingModel.Service {
    var naming = service
    naming.name = "_primary.\(service.name)"
    naming.pool = nil
    naming.content = .primary(ofService: index)
    naming.bindings = []
    naming.primaryOrder = nil
    return naming
  }

  private func fences(of service: Int) -> [Int] {
    settings.fences.indices.filter { settings.fences[$0].services?.contains(service) ?? true }
  }

  private func compiled(_ service: Settings.Service, map: Int) -> RoutingModel.Service {
    let drawKey = DrawKey(
      bitsIPv4: UInt8(service.drawBitsIPv4), bitsIPv6: UInt8(service.drawBitsIPv6))
    let hashKey = policies.policies[service.policy].longestHashKey
    let lastResort: LastResort =
      switch service.onAllDown {
      case .failOpen: .failOpen
      case .failClosed: .failClosed
      case .lastGood: .lastGood
      case .noData: .noData
      case .backup(let region): .backup(region)
      }
    return RoutingModel.Service(
      name: service.name, map: map, policyName: settings.policies[service.policy].name,
      pool: service.pool, ttlSeconds: service.ttlSeconds,
      changingTTLSeconds: service.changingTTLSeconds, onAllDown: lastResort,
      maximumAddresses: service.maximumAddresses,
      failoverSpreadMilliseconds: service.failoverSpreadMilliseconds,
      drawKey: hashKey.map { drawKey.union($0) } ?? drawKey)
  }

  private func compiledPools() -> ([RoutingModel.Pool], [RoutingModel.Endpoint]) {
    var endpoints: [RoutingModel.Endpoint] = []
    var pools: [RoutingModel.Pool] = []
    for (poolIndex, pool) in settings.pools.enumerated() {
      var byRegion: [[Int]] = settings.regions.map { _ in [] }
      let first = endpoints.count
      for endpoint in pool.endpoints {
        byRegion[endpoint.region].append(endpoints.count)
        let socket = SocketAddress(address: endpoint.address, port: endpoint.port)
        endpoints.append(
          RoutingModel.Endpoint(
            region: endpoint.region, pool: poolIndex, socket: socket, weight: endpoint.weight,
            id: "\(settings.regions[endpoint.region].name)/\(pool.name)/\(socket)",
            availabilityZone: endpoint.availabilityZone,
            alternate: endpoint.alternate.map { first + $0 }))
      }
      pools.append(
        RoutingModel.Pool(
          name: pool.name, endpoints: byRegion, panicThreshold: pool.panicThreshold,
          minimumHealthy: pool.minimumHealthy, zoneSharing: zoneSharing(of: pool),
          balance: pool.balance, closing: pool.closing, header: pool.proxyHeader,
          isSecured: pool.tls != nil))
    }
    return (pools, endpoints)
  }

  private func zoneSharing(of pool: Settings.Pool) -> ZoneSharing {
    var sharing = ZoneSharing(excess: pool.zoneExcess)
    if pool.zoneSharing == .preferSame, let site = settings.node.site {
      sharing.preferred = ZoneSharing.Site(region: site.region, zone: site.zone)
    }
    return sharing
  }
}
