import Latency
public import Places

/// All that decisions are made from except health: compiled from settings, kept by the edition,
/// read when verdicts are compiled and when a decision is explained.
public struct RoutingModel: Sendable {
  public var regions: [Region]
  public var pools: [Pool]
  public var endpoints: [Endpoint]
  public var services: [Service]
  public var maps: [SteeringMap]
  public var places: PlaceTable

  public init(
    regions: [Region], pools: [Pool], endpoints: [Endpoint], services: [Service],
    maps: [SteeringMap], places: PlaceTable
  ) {
    self.regions = regions
    self.pools = pools
    self.endpoints = endpoints
    self.services = services
    self.maps = maps
    self.places = places
  }

  /// A region as a pool sees it.
  public func standing(
    ofRegion region: Int, inPool pool: Int, on board: HealthBoard
  ) -> RegionStanding {
    var standing = healthStanding(ofRegion: region, inPool: pool, on: board)
    standing.admit(board.admissions, region: region, pool: pool)
    return standing
  }

  /// The same by health and overrides alone, fully admitted.
  public func healthStanding(
    ofRegion region: Int, inPool pool: Int, on board: HealthBoard
  ) -> RegionStanding {
    var families: [Bool: [EndpointCondition]] = [:]
    for index in pools[pool].endpoints[region] {
      let isIPv6 = endpoints[index].socket.address.isIPv6
      families[isIPv6, default: []].append(board.conditions[index])
    }
    return RegionStanding(
      ipv4: families[false] ?? [], ipv6: families[true] ?? [],
      minimumHealthy: pools[pool].minimumHealthy)
  }

  /// A region as a service sees it: absent where nothing serves, and without a pool healthy unless
  /// an operator took the region out.
  public func standing(
    ofRegion region: Int, forService service: Int, on board: HealthBoard
  ) -> RegionStanding {
    let service = services[service]
    if let targets = service.content.targets, targets[region] == nil { return .absent }
    guard let pool = service.pool else {
      var standing = RegionStanding(override: board.regionOverride(of: region))
      standing.admit(board.admissions, region: region, pool: nil)
      return standing
    }
    return standing(ofRegion: region, inPool: pool, on: board)
  }

  /// The fences that a service's clients of one cohort stand in.
  public func fenceNames(service: Int, cohort: Int) -> [String] {
    let map = maps[services[service].map]
    return map.cohorts[cohort].fences.map { map.planner.fenceNames[$0] }
  }

  /// A named group of endpoints over the regions.
  public struct Pool: Sendable, Equatable {
    public var name: String
    /// Endpoint indices for each region, in the order of the settings.
    public var endpoints: [[Int]]
    /// 0...1; 0 is off.
    public var panicThreshold: Double
    public var minimumHealthy: Int

    public init(
      name: String, endpoints: [[Int]], panicThreshold: Double, minimumHealthy: Int
    ) {
      self.name = name
      self.endpoints = endpoints
      self.panicThreshold = panicThreshold
      self.minimumHealthy = minimumHealthy
    }
  }

  public struct Endpoint: Sendable, Equatable {
    public var region: Int
    public var pool: Int
    public var socket: SocketAddress
    /// 0: standby.
    public var weight: Int
    /// Stable over reloads: `region/pool/address:port`.
    public var id: String

    public init(region: Int, pool: Int, socket: SocketAddress, weight: Int, id: String) {
      self.region = region
      self.pool = pool
      self.socket = socket
      self.weight = weight
      self.id = id
    }
  }

  /// A policy over a pool, or over names: what a steered name or a listener points at. Both get the
  /// same decision because both ask for the same service.
  public struct Service: Sendable, Equatable {
    public var name: String
    /// Index into ``RoutingModel/maps``.
    public var map: Int
    public var policyName: String
    /// Whose health counts; nil only where names serve.
    public var pool: Int?
    public var ttlSeconds: UInt32
    /// While a change may be near; at most ``ttlSeconds``.
    public var changingTTLSeconds: UInt32
    public var onAllDown: LastResort
    public var maximumAddresses: Int
    /// Milliseconds; see ``VerdictCompiler``. 0: the next candidate takes all.
    public var failoverSpreadMilliseconds: Double
    public var drawKey: DrawKey
    public var content: SteeredContent
    /// At most one for each kind if it is an alias.
    public var bindings: [BindingTemplate]

    public init(
      name: String, map: Int, policyName: String, pool: Int?, ttlSeconds: UInt32,
      changingTTLSeconds: UInt32? = nil, onAllDown: LastResort, maximumAddresses: Int,
      failoverSpreadMilliseconds: Double,
      drawKey: DrawKey, content: SteeredContent = .endpoints, bindings: [BindingTemplate] = []
    ) {
      self.name = name
      self.map = map
      self.policyName = policyName
      self.pool = pool
      self.ttlSeconds = ttlSeconds
      self.changingTTLSeconds = min(changingTTLSeconds ?? ttlSeconds, ttlSeconds)
      self.onAllDown = onAllDown
      self.maximumAddresses = maximumAddresses
      self.failoverSpreadMilliseconds = failoverSpreadMilliseconds
      self.drawKey = drawKey
      self.content = content
      self.bindings = bindings
    }
  }
}

/// What is answered when no region inside the fences is usable.
public enum LastResort: Sendable, Equatable {
  /// As if all were healthy, save what an operator took out.
  case failOpen
  /// SERVFAIL; the proxy closes.
  case failClosed
  /// The regions that were healthy last.
  case lastGood
  /// No data; the proxy closes.
  case noData
  /// This region, if the fences allow it.
  case backup(Int)
}

/// One policy under one set of fences, compiled over all places.
public struct SteeringMap: Sendable {
  public let planner: Planner
  /// The cohort of each place, by place index.
  public let cohortOfPlace: [UInt32]
  public let cohorts: [Cohort]

  /// All clients that share one plan in the same fences.
  public struct Cohort: Sendable {
    public let plan: Plan
    /// Indices into the planner's fences.
    public let fences: [Int]
    /// The plan's regions in order of preference.
    public let regions: [Int]
    /// Expected round trip to each of `regions`, the mean over the cohort's places; nil where the
    /// places or the region have no coordinates.
    public let roundTripMilliseconds: [Double?]
  }

  public init(planner: Planner, places: PlaceTable) {
    var cohortOfPlan: [CohortKey: Int] = [:]
    var keys: [CohortKey] = []
    var placesOfCohort: [[Int]] = []
    var assigned: [UInt32] = []
    assigned.reserveCapacity(places.places.count)
    var silent = SilentTrace()
    for (index, place) in places.places.enumerated() {
      let (plan, fences) = planner.plan(for: place, in: places, trace: &silent)
      let key = CohortKey(plan: plan, fences: fences)
      let cohort = cohortOfPlan[key] ?? keys.count
      if cohort == keys.count {
        cohortOfPlan[key] = cohort
        keys.append(key)
        placesOfCohort.append([])
      }
      placesOfCohort[cohort].append(index)
      assigned.append(UInt32(cohort))
    }
    self.planner = planner
    cohortOfPlace = assigned
    cohorts = zip(keys, placesOfCohort).map { key, members in
      let regions = key.plan.regions
      let points = members.compactMap { places.places[$0].point }
      return Cohort(
        plan: key.plan, fences: key.fences, regions: regions,
        roundTripMilliseconds: regions.map {
          meanRoundTripMilliseconds(from: points, to: planner.regions[$0].point)
        })
    }
  }
}

private struct CohortKey: Hashable {
  var plan: Plan
  var fences: [Int]
}

private func meanRoundTripMilliseconds(from points: [GeoPoint], to site: GeoPoint?) -> Double? {
  guard let site, !points.isEmpty else { return nil }
  let total = points.reduce(0) { $0 + $1.distanceKilometres(to: site) }
  return LatencyPrior.roundTripMilliseconds(distanceKilometres: total / Double(points.count))
}
