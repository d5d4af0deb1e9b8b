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
