import Admitting
import Announcing
import Editions
import Hummingbird
import Places
import Publishing
import Routing

extension AdminServer {
  /// `GET /v1/status`.
  func status(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take()
    let overrides = await sources.publisher.overrides
    return try Response.json(
      StatusReport(
        node: sources.node, edition: edition, overrideCount: overrides.count,
        now: sources.now()))
  }

  /// `GET /v1/regions[?limit=[&cursor=]]`.
  func regions(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take()
    let overrides = await sources.publisher.overrides
    let loads = await sources.publisher.loads
    let uses = await sources.publisher.uses
    let page = try Page(edition.model.regions.indices, of: request) {
      edition.model.regions[$0].name
    }
    let regions = page.elements.map { region in
      RegionReport(
        region, edition: edition, overrides: overrides,
        load: region < loads.count ? loads[region] : nil,
        use: region < uses.count ? uses[region] : nil)
    }
    return try Response.cacheable(
      json: RegionList(edition: edition.number, regions: regions), for: request,
      headers: page.headers)
  }

  /// `GET /v1/endpoints[?limit=[&cursor=]]`.
  func endpointList(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take()
    let page = try Page(zip(edition.model.endpoints, edition.board.conditions), of: request) {
      $0.0.id
    }
    let reports = Dictionary(
      await sources.probeReports().map { ($0.endpointID, $0) }, uniquingKeysWith: { $1 })
    let uses = await sources.endpointUses(edition)
    let endpoints = page.elements.map { endpoint, condition in
      EndpointReport(
        endpoint, condition: condition, model: edition.model, probe: reports[endpoint.id],
        use: uses[endpoint.id])
    }
    return try Response.cacheable(
      json: EndpointList(edition: edition.number, endpoints: endpoints), for: request,
      headers: page.headers)
  }
}

private struct StatusReport: Encodable {
  struct Counts: Encodable {
    var regions: Int
    var pools: Int
    var endpoints: Int
    var healthyEndpoints: Int
    var services: Int
    var places: Int
    /// The largest of any policy.
    var cohorts: Int
    var overrides: Int
  }

  var node: String
  var version: String
  var startedAt: Timestamp
  var uptimeSeconds: Int
  var edition: UInt64
  var revision: UInt64
  var ready: Bool
  var counts: Counts
  var attribution: String

  init(node: NodeFacts, edition: Edition, overrideCount: Int, now: Double) {
    self.node = node.id
    version = node.version
    startedAt = Timestamp(seconds: node.startedAt)
    uptimeSeconds = Int(max(0, now - node.startedAt))
    self.edition = edition.number
    revision = edition.revision
    ready = edition.isReady
    let model = edition.model
    counts = Counts(
      regions: model.regions.count, pools: model.pools.count, endpoints: model.endpoints.count,
      healthyEndpoints: edition.board.conditions.count { $0.standing == .healthy },
      services: model.services.indices.count(where: model.isConfigured),
      places: model.places.places.count,
      cohorts: model.maps.map(\.cohorts.count).max() ?? 0, overrides: overrideCount)
    attribution = node.attribution
  }
}

private struct RegionList: Encodable {
  var edition: UInt64
  var regions: [RegionReport]
}

private struct RegionReport: Encodable {
  struct Location: Encodable {
    var latitude: Double
    var longitude: Double
  }
  struct PoolStanding: Encodable {
    var pool: String
    var health: String
    var healthyEndpoints: Int
    var endpoints: Int
    /// Lost too often of late.
    var flapping: Bool
    /// Why it is used only after others, though it is healthy: `hold_down`, `flapping` or
    /// `waiting_for_operator`.
    var hold: String?
    /// The share of its clients that it has again, 0...1.
    var ramp: Double
  }

  var name: String
  var location: Location?
  var tags: [String]
  /// What an operator said of the region as a whole.
  var override: String
  /// The share of its clients that the region gets, 0...1, by configuration or override.
  var dial: Double
  /// New connections a second that it can take, and that fall to it by the demand measured.
  var capacity: Double?
  var load: Double?
  /// New connections a second beyond which clients go elsewhere, by all measures.
  var limit: Double?
  /// Of the proxy, where the region declares how many it can have.
  var openConnections: Int?
  /// How full it says that it is; 1 is full.
  var reportedLoad: Double?
  /// How many of those that come it takes because of its load: 1 is all.
  var opening: Double
  var pools: [PoolStanding]
  /// Those that endpoints name; left out if none does.
  var availabilityZones: [AvailabilityZoneReport]?

  init(_ region: Int, edition: Edition, overrides: [Override], load: Double?, use: RegionUse?) {
    let value = edition.model.regions[region]
    name = value.name
    location = value.point.map { Location(latitude: $0.latitude, longitude: $0.longitude) }
    tags = value.tags
    let own = overrides.first { $0.target.region == value.name && $0.target.isRegion }
    override = (own?.state ?? .auto).rawValue
    capacity = value.capacity
    self.load = load.map { ($0 * 100).rounded() / 100 }
    limit = use?.limit.map { ($0 * 100).rounded() / 100 }
    openConnections = use?.reading.openConnections.map { Int($0) }
    reportedLoad = use?.reading.reportedLoad
    opening = edition.board.admissions.opening(of: region)
    dial = edition.board.admissions.dial(of: region)
    pools = edition.poolStandings.filter { $0.region == region }.map { entry in
      PoolStanding(
        pool: edition.model.pools[entry.pool].name, health: entry.standing.standing.word,
        healthyEndpoints: entry.standing.healthyCount, endpoints: entry.standing.totalCount,
        flapping: entry.standing.isFlapping, hold: entry.standing.hold?.name,
        ramp: entry.standing.admission.ramp)
    }
    availabilityZones = AvailabilityZoneReport.all(
      ofRegion: region, edition: edition, overrides: overrides)
  }
}

private struct EndpointList: Encodable {
  var edition: UInt64
  var endpoints: [EndpointReport]
}

private struct EndpointReport: Encodable {
  struct Probe: Encodable {
    var at: Timestamp
    var durationMs: Double
    var cause: String
  }
  /// What this node's proxy has to do with it.
  struct Proxy: Encodable {
    struct Ejection: Encodable {
      var until: Timestamp
      /// How often lately.
      var times: Int
    }

    /// Open or being opened.
    var connections: Int
    /// How much of its weight it has in its slow start; 1 is all.
    var startShare: Double
    var ejection: Ejection?

    init(_ use: EndpointUse) {
      connections = use.connections
      startShare = (use.startShare * 1000).rounded() / 1000
      ejection = use.ejection.map {
        Ejection(until: Timestamp(seconds: $0.until), times: $0.times)
      }
    }
  }

  var id: String
  var region: String
  var pool: String
  /// Left out if none is named.
  var availabilityZone: String?
  var address: String
  var weight: Int
  /// Of the weight, that the endpoint's agent asks for.
  var sharePercent: Int
  /// What probes say.
  var health: String
  /// Of all overrides that speak of it, the one that counts.
  var override: String
  /// Lost too often of late: used after endpoints that are steady.
  var flapping: Bool
  /// What all of it comes to.
  var standing: String
  var lastProbe: Probe?
  var since: Timestamp?
  /// Left out if this node's proxy has not used it.
  var proxy: Proxy?

  init(
    _ endpoint: RoutingModel.Endpoint, condition: EndpointCondition, model: RoutingModel,
    probe: ProbeReport?, use: EndpointUse?
  ) {
    id = endpoint.id
    region = model.regions[endpoint.region].name
    pool = model.pools[endpoint.pool].name
    availabilityZone = endpoint.availabilityZone
    address = endpoint.socket.description
    weight = endpoint.weight
    sharePercent = condition.sharePercent
    health = condition.health.rawValue
    override = condition.override.rawValue
    flapping = condition.isFlapping
    standing = condition.standing.word
    lastProbe = probe.map {
      Probe(
        at: Timestamp(seconds: $0.at),
        durationMs: ($0.durationMilliseconds * 1000).rounded() / 1000, cause: $0.cause)
    }
    since = probe?.since.map { Timestamp(seconds: $0) }
    proxy = use.map(Proxy.init)
  }
}
