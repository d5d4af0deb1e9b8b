package import Editions
import FoundationEssentials
import Latency
package import Places
import Routing

/// A decision as `/v1/route` and `azimuth explain` show it. Made from the decision that the edition
/// serves, so that it cannot say anything else.
package struct RouteReport: Sendable, Equatable, Codable {
  /// What the client asks for.
  package enum Question: Sendable, Equatable {
    /// A steered name, its A or its AAAA records.
    case name(String, isIPv6: Bool)
    /// A listener of the proxy.
    /// - Parameter serverName: what the client's ClientHello asks for; nil: nothing.
    case listener(String, serverName: String? = nil)
  }

  package struct Client: Sendable, Equatable, Codable {
    /// Which address the decision was made on, in words.
    package var source: String
    /// The length of the widest prefix around the client all of which is in this place.
    package var scopePlace: Int
    package var place: Place
    package var cohort: Int
    /// The fences that the client stands in.
    package var fences: [String]
  }

  /// What is known of the client; unknown parts are left out.
  package struct Place: Sendable, Equatable, Codable {
    package var latitude: Double?
    package var longitude: Double?
    package var accuracyRadiusKilometres: Int?
    package var country: String?
    package var continent: String?
    package var subdivision: String?
    package var city: String?
    package var asn: Int?
    package var europeanUnion: Bool
  }

  package struct Outcome: Sendable, Equatable, Codable {
    /// `serve`, `fail` or `nodata`.
    package var kind: String
    /// `healthy`, `degraded`, `unknown`, `panic`, `last_resort`, `fenced_out`,
    /// `fence_empty` or `no_home`.
    package var basis: String
    /// Why the client gets this: `preferred`, `spill_over`, `failover`, by a key `home`,
    /// `home_moving`, `home_down`, or the basis where it decided in place of health.
    package var reason: String
    package var regions: [String]
    /// For a name the addresses of the answer, in its order; for a listener `address:port` of every
    /// endpoint that a connection may go to first.
    package var addresses: [String]
    /// The names that serve in the regions, where names do; the first is the CNAME of a service
    /// with `cname`, and of one with `alias` these are the names whose addresses are answered.
    package var targets: [String]?
    /// What the addresses belong to, where any of their endpoints names its availability zone.
    package var endpoints: [Endpoint]?
    /// HTTPS and SVCB records as they are answered, their address hints included.
    package var bindings: [String]?
  }

  /// An endpoint of the outcome.
  package struct Endpoint: Sendable, Equatable, Codable {
    package var id: String
    package var availabilityZone: String?
    /// For a listener: of the region's connections, 0...1.
    package var share: Double?
  }

  /// Shares, 0...1.
  package struct Admission: Sendable, Equatable, Codable {
    package var dial: Double
    package var ramp: Double
    package var opening: Double
  }

  /// Of an active-passive service.
  package struct Primary: Sendable, Equatable, Codable {
    package var region: String
    /// Grows with every change of the region.
    package var epoch: UInt64
    /// `primary`, `failed_over`, `awaiting_failback` or `awaiting_operator`.
    package var state: String
  }

  package struct Candidate: Sendable, Equatable, Codable {
    package var region: String
    package var distanceKilometres: Double?
    package var latencyMilliseconds: Double?
    /// What the latency rests on: `network`, `asn`, `country` or `distance`.
    package var latencyBasis: String?
    /// 0...1: the part of the latency that was measured; nil where it was not.
    package var latencyConfidence: Double?
    /// `healthy`, `degraded`, `unknown`, `unhealthy`, `removed` or `absent`.
    package var health: String
    package var healthyEndpoints: Int
    package var endpoints: Int
    /// `hold_down`, `flapping` or `waiting_for_operator`: healthy, and yet used only after others.
    package var hold: String?
    /// Lost too often of late; left out if it is not.
    package var flapping: Bool?
    /// How many of the clients that fall to it the region takes; left out if it takes all.
    package var admission: Admission?
    package var chosen: Bool
    package var reason: String
  }

  package var ip: String
  package var name: String?
  package var listener: String?
  /// For a listener: what the client's ClientHello asks for.
  package var serverName: String?
  /// For a listener that does not take this client: why, such as `country DE`.
  package var denied: String?
  /// `A` or `AAAA`; nil for a listener.
  package var type: String?
  package var service: String
  package var edition: UInt64
  package var revision: UInt64
  package var client: Client
  package var outcome: Outcome
  package var primary: Primary?
  package var home: Home?
  /// Every client within so many leading bits gets the same (RFC 7871 §7.2.1).
  package var scope: Int
  /// Seconds; nil for a listener.
  package var ttl: Int?
  package var candidates: [Candidate]
  /// A sentence each, in the order of the decision.
  package var steps: [String]
  package var attribution: String

  /// nil if the edition has no such service.
  ///
  /// - Parameters:
  ///   - address: of the client, as it was given.
  ///   - service: an index into the model's services.
  ///   - key: that has chosen the service; nil: none has.
  ///   - attribution: of the databases; their licences ask for it wherever results are shown.
  package init?(
    edition: Edition, address: IPAddress, service: Int, question: Question,
    key: RoutedKey? = nil, attribution: String = RouteReport.attribution
  ) {
    guard let explanation = edition.explain(address.client, service: service) else { return nil }
    let model = edition.model
    ip = address.description
    self.service = model.services[service].name
    self.edition = edition.number
    revision = edition.revision
    client = Client(
      source: source(of: address), scopePlace: Int(explanation.placeScopeBits),
      place: Place(explanation.place, cityNames: model.places.cityNames),
      cohort: explanation.cohort,
      fences: model.fenceNames(service: service, cohort: explanation.cohort))
    scope = Int(explanation.decision.scopeBits)
    primary = edition.board.admissions.primary(ofService: service).map {
      Primary(
        region: model.regions[$0.region].name, epoch: $0.epoch, state: $0.state.rawValue)
    }
    candidates = explanation.candidates.map { Candidate($0, model: model) }
    home = key.map { Home($0, service: model.services[service], model: model) }
    steps =
      (home.map { [$0.sentence] } ?? []) + explanation.steps.map { $0.sentence(in: model) }
    self.attribution = attribution
    outcome = Outcome(
      kind: explanation.outcome.kind.word, basis: explanation.outcome.basis.name,
      reason: model.services[service].reason(of: explanation.outcome),
      regions: explanation.outcome.regions.map { model.regions[$0].name },
      addresses: addresses(explanation, question: question, edition: edition))
    outcome.endpoints = zonedEndpoints(explanation, question: question, edition: edition)
    switch question {
    case .name(let text, let isIPv6):
      name = text
      type = isIPv6 ? "AAAA" : "A"
      outcome.targets = targets(explanation, model: model)
      outcome.bindings = bindings(explanation, edition: edition)
      let records = edition.answers.records(
        outcome: explanation.decision.outcome, slot: isIPv6 ? .aaaa : .a)
      ttl = Int(records.first?.ttlSeconds ?? model.services[service].ttlSeconds)
    case .listener(let text, let asked):
      listener = text
      serverName = asked
      denied = model.access[text]?.denial(of: address.client, in: model.places)
      if let denied { steps.append("Listener \(text) does not take this client: \(denied).") }
    }
  }

  /// Of the database that ships with Azimuth.
  package static let attribution = "IP Geolocation by DB-IP (https://db-ip.com)"
}

private func source(of address: IPAddress) -> String {
  let client = address.client
  guard client.family == .ipv4, case .ipv6 = address else { return "the address itself" }
  let inside = IPAddress.ipv4(UInt32(truncatingIfNeeded: client.bits))
  return "the IPv4 address \(inside) inside the address"
}

private func addresses(
  _ explanation: Explanation, question: RouteReport.Question, edition: Edition
) -> [String] {
  switch question {
  case .name(_, let isIPv6):
    edition.answers.records(
      outcome: explanation.decision.outcome, slot: isIPv6 ? .aaaa : .a
    )
    .compactMap { $0.address?.description }
  case .listener:
    explanation.outcome.regions.flatMap { region in
      edition.targets.targets(
        service: explanation.service, region: region, basis: explanation.outcome.basis)
    }.map(\.socket.description)
  }
}

extension RouteReport.Place {
  init(_ place: Places.Place, cityNames: [String]) {
    latitude = place.point?.latitude
    longitude = place.point?.longitude
    accuracyRadiusKilometres =
      place.accuracyRadiusKilometres > 0 ? Int(place.accuracyRadiusKilometres) : nil
    country = place.country?.description
    continent = place.continent?.description
    subdivision = place.subdivision?.description
    city = place.cityName > 0 ? cityNames[Int(place.cityName)] : nil
    asn = place.asn > 0 ? Int(place.asn) : nil
    europeanUnion = place.isInEuropeanUnion
  }

  enum CodingKeys: String, CodingKey {
    case latitude, longitude, country, continent, subdivision, city, asn
    case accuracyRadiusKilometres = "accuracy_radius_km"
    case europeanUnion = "european_union"
  }
}

extension RouteReport.Candidate {
  init(_ candidate: Explanation.Candidate, model: RoutingModel) {
    region = model.regions[candidate.region].name
    distanceKilometres = candidate.distanceKilometres.map(roundedToTenth)
    latencyMilliseconds = candidate.roundTripMilliseconds.map(roundedToTenth)
    latencyBasis = candidate.latencyBasis?.name
    latencyConfidence =
      candidate.latencyConfidence > 0
      ? (candidate.latencyConfidence * 100).rounded() / 100 : nil
    // Of a standby what it would be: that it is none but the primary's, the reason says.
    health = (candidate.standing.standbyStanding ?? candidate.standing.standing).word
    healthyEndpoints = candidate.standing.healthyCount
    endpoints = candidate.standing.totalCount
    hold = candidate.standing.hold?.name
    flapping = candidate.standing.isFlapping ? true : nil
    let admission = candidate.standing.admission
    if admission != .full {
      self.admission = RouteReport.Admission(
        dial: admission.dial, ramp: admission.ramp, opening: admission.opening)
    }
    chosen = candidate.isChosen
    reason = candidate.reason
  }

  enum CodingKeys: String, CodingKey {
    case region, health, endpoints, hold, flapping, admission, chosen, reason
    case distanceKilometres = "distance_km"
    case latencyMilliseconds = "latency_ms"
    case latencyBasis = "latency_basis"
    case latencyConfidence = "latency_confidence"
    case healthyEndpoints = "healthy_endpoints"
  }
}

extension RouteReport.Client {
  enum CodingKeys: String, CodingKey {
    case source, place, cohort, fences
    case scopePlace = "scope_place"
  }
}

private func roundedToTenth(_ value: Double) -> Double { (value * 10).rounded() / 10 }

extension RouteReport {
  /// Reads what `jsonText(_:)` has written, such as an answer of `/v1/route`.
  ///
  /// - Throws: `DecodingError`.
  package init(json: [UInt8]) throws {
    self = try JSONDecoder().decode(RouteReport.self, from: Data(json))
  }
}
