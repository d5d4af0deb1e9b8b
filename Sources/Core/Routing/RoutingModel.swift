public import Balancing
public import Homes
public import Latency
public import Places
public import ProxyProtocol

/// All that decisions are made from except health: compiled from settings, kept by the edition,
/// read when verdicts are compiled and when a decision is explained.
public struct RoutingModel: Sendable {
  public var regions: [Region]
  public var pools: [Pool]
  public var endpoints: [Endpoint]
  public var services: [Service]
  public var maps: [SteeringMap]
  public var places: PlaceTable
  /// How regions measure each other, and what else is known; nil: nothing is.
  public var latency: LatencyView?
  /// Key → home, one map for each service that goes by a key, in their order.
  public var homes: HomeMaps
  /// Whom listeners of the proxy take, by their names; of others, everybody.
  public var access: [String: AccessRules]
  /// Of ``maps``, one by which all clients are of one cohort; nil where no service goes by a key.
  public var uniformMap: Int?

  public init(
    regions: [Region], pools: [Pool], endpoints: [Endpoint], services: [Service],
    maps: [SteeringMap], places: PlaceTable, latency: LatencyView? = nil,
    homes: HomeMaps = .empty, access: [String: AccessRules] = [:], uniformMap: Int? = nil
  ) {
    self.regions = regions
    self.pools = pools
    self.endpoints = endpoints
    self.services = services
    self.maps = maps
    self.places = places
    self.latency = latency
    self.homes = homes
    self.access = access
    self.uniformMap = uniformMap
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
    if let primary = board.admissions.primary(ofService: service),
      services[service].primaryOrder?.contains(region) == true
    {
      var standing = healthStanding(ofRegion: region, forService: service, on: board)
      standing.admit(board.admissions, region: region, primary: primary)
      return standing
    }
    let service = services[service]
    if let targets = service.content.targets, targets[region] == nil { return .absent }
    guard let pool = service.pool else {
      var standing = RegionStanding(override: board.regionOverride(of: region))
      standing.admit(board.admissions, region: region, pool: nil)
      return standing
    }
    return standing(ofRegion: region, inPool: pool, on: board)
  }

  /// The same by health and overrides alone, fully admitted.
  public func healthStanding(
    ofRegion region: Int, forService service: Int, on board: HealthBoard
  ) -> RegionStanding {
    let service = services[service]
    if let targets = service.content.targets, targets[region] == nil { return .absent }
    guard let pool = service.pool else {
      return RegionStanding(override: board.regionOverride(of: region))
    }
    return healthStanding(ofRegion: region, inPool: pool, on: board)
  }

  /// The services that steer clients by what clients are. The others say which region is a primary,
  /// or go by a key.
  public var steeringServices: [Int] {
    services.indices.filter {
      if case .primary = services[$0].content { false } else { services[$0].home == nil }
    }
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
    public var zoneSharing: ZoneSharing
    /// For the proxy.
    public var balance: BalanceRules
    public var closing: ClosingRules
    /// What the proxy sends to these endpoints before all else; nil: nothing.
    public var header: ProxyVersion?
    /// Whether the proxy speaks TLS with them.
    public var isSecured: Bool

    public init(
      name: String, endpoints: [[Int]], panicThreshold: Double, minimumHealthy: Int,
      zoneSharing: ZoneSharing = ZoneSharing(), balance: BalanceRules = BalanceRules(),
      closing: ClosingRules = ClosingRules(),
      header: ProxyVersion? = nil, isSecured: Bool = false
    ) {
      self.name = name
      self.endpoints = endpoints
      self.panicThreshold = panicThreshold
      self.minimumHealthy = minimumHealthy
      self.zoneSharing = zoneSharing
      self.balance = balance
      self.closing = closing
      self.header = header
      self.isSecured = isSecured
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
    /// Of those of its region; nil: none is named.
    public var availabilityZone: String?
    /// The same server at an address of the other family, an endpoint of the same region and pool:
    /// index into ``RoutingModel/endpoints``. Connections try this one's address first; that one
    /// has no alternate itself.
    public var alternate: Int?

    public init(
      region: Int, pool: Int, socket: SocketAddress, weight: Int, id: String,
      availabilityZone: String? = nil, alternate: Int? = nil
    ) {
      self.region = region
      self.pool = pool
      self.socket = socket
      self.weight = weight
      self.id = id
      self.availabilityZone = availabilityZone
      self.alternate = alternate
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
    /// Of an active-passive service the regions that may be its primary; else nil.
    public var primaryOrder: [Int]?
    /// Of a service that goes by a key: whose keys these are, and their home.
    public var home: HomeCell?

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
    /// 0...1 for each of `regions`: the part of the round trip that was measured, the mean over the
    /// places; all 0 unless the policy goes by latency.
    public let confidence: [Double]
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
      let expected = planner.expectations(of: members.map { places.places[$0] }, in: places)
      return Cohort(
        plan: key.plan, fences: key.fences, regions: regions,
        roundTripMilliseconds: regions.map { expected[$0]?.milliseconds },
        confidence: regions.map { expected[$0]?.confidence ?? 0 })
    }
  }

  /// The same map over places of which some were divided, where nothing that tells their parts
  /// apart counts for its policy.
  ///
  /// - Parameter origins: of each place behind the others, the place that it was cut from.
  public init(_ map: SteeringMap, dividedFrom origins: [UInt32]) {
    planner = map.planner
    cohorts = map.cohorts
    cohortOfPlace = map.cohortOfPlace + origins.map { map.cohortOfPlace[Int($0)] }
  }
}

private struct CohortKey: Hashable {
  var plan: Plan
  var fences: [Int]
}

extension Planner {
  /// The mean over some places of the round trips to expect, by region.
  fileprivate func expectations(
    of members: [Place], in table: PlaceTable
  ) -> [LatencyEstimate?] {
    guard latency != nil else {
      let points = members.compactMap(\.point)
      return regions.map { meanEstimate(from: points, to: $0.point) }
    }
    var sums = regions.map { _ in (milliseconds: 0.0, confidence: 0.0, count: 0.0) }
    for place in members {
      for (region, estimate) in (estimates(for: place, in: table) ?? []).enumerated() {
        guard let estimate else { continue }
        sums[region].milliseconds += estimate.milliseconds
        sums[region].confidence += estimate.isMeasured ? estimate.confidence : 0
        sums[region].count += 1
      }
    }
    return sums.map { sum in
      guard sum.count > 0 else { return nil }
      let confidence = sum.confidence / sum.count
      return LatencyEstimate(
        milliseconds: sum.milliseconds / sum.count,
        basis: confidence > 0 ? .network : .distance, confidence: confidence)
    }
  }
}

private func meanEstimate(from points: [GeoPoint], to site: GeoPoint?) -> LatencyEstimate? {
  guard let site, !points.isEmpty else { return nil }
  let total = points.reduce(0) { $0 + $1.distanceKilometres(to: site) }
  return LatencyEstimate(
    milliseconds: LatencyPrior.roundTripMilliseconds(
      distanceKilometres: total / Double(points.count)), basis: .distance, confidence: 0)
}
