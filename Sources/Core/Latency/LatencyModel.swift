public import Places

/// What is known of round trips between clients and regions: measurements in bounded memory, and
/// the estimates made from them. A value; time is an argument.
///
///     networks   /24 or /48 → a cell for each region measured from there
///     systems    (ASN, region) ─┐
///     countries  (country, region) ─┴→ the mean by which networks differ from the prior
///     regions    (region, region) → round trip, as they measure each other
///
/// Samples change cells at once; estimates follow ``publish(at:)`` and only where a figure has
/// moved by more than its deadband, so that noise moves no client.
public struct LatencyModel: Sendable {
  public let sites: [LatencySite]
  public let limits: LatencyLimits
  var networks: [LatencyNetwork: [MeasuredCell]] = [:]
  var systems: [UInt64: ResidualCell] = [:]
  var countries: [UInt64: ResidualCell] = [:]
  /// Milliseconds between two regions, by from and to.
  var regionRoundTrips: [Double?]
  let weights: LatencyWeights

  /// - Parameter sites: the regions, in the order by which samples and estimates number them.
  public init(sites: [LatencySite], limits: LatencyLimits = LatencyLimits()) {
    self.init(sites: sites, limits: limits, weights: LatencyWeights())
  }

  package init(sites: [LatencySite], limits: LatencyLimits, weights: LatencyWeights) {
    self.sites = sites
    self.limits = limits
    self.weights = weights
    regionRoundTrips = Array(repeating: nil, count: sites.count * sites.count)
  }

  /// Networks that have cells.
  public var networkCount: Int { networks.count }

  /// Takes round trips from a network to a region into account.
  ///
  /// - Parameters:
  ///   - milliseconds: the lowest or the median of `count` round trips. What cannot be is taken for
  ///     the nearer bound of 0.1...3000.
  ///   - client: where the network is; decides which ASN and country learn from it.
  ///   - now: seconds since 1970.
  public mutating func add(
    milliseconds: Double, count: Int, from client: LatencyClient, network: LatencyNetwork,
    to region: Int, now: UInt32
  ) {
    precondition(sites.indices.contains(region), "a sample is of one of the model's regions")
    let halfLife = limits.halfLifeSeconds
    var cells = networks.removeValue(forKey: network) ?? []
    var share: Float = 1
    var figure = Float(0)
    if let index = cells.firstIndex(where: { $0.region == region }) {
      let known = 1 + cells[index].decayedWeight(at: now, halfLifeSeconds: halfLife)
      // All samples of a network together count less than two networks.
      share = 1 / (known * known)
      cells[index].add(
        milliseconds: milliseconds, count: count, now: now, halfLifeSeconds: halfLife)
      figure = cells[index].estimate
    } else {
      let cell = MeasuredCell(
        region: UInt16(region), milliseconds: milliseconds, count: count, now: now)
      figure = cell.estimate
      if cells.count == limits.regionsPerNetwork { removeLightest(of: &cells, now: now) }
      cells.append(cell)
    }
    networks[network] = cells
    // An eighth at once, so that it is seldom done.
    if networks.count > limits.networks { evict(to: limits.networks * 7 / 8, now: now) }
    if let prior = prior(from: client, to: region) {
      learn(
        residual: figure - Float(prior), share: share, from: client, region: region, now: now)
    }
  }

  /// Takes a round trip between two regions. The other way has the same until it is set as well.
  public mutating func setRoundTrip(milliseconds: Double, from: Int, to: Int) {
    guard milliseconds.isFinite, milliseconds > 0, from != to else { return }
    regionRoundTrips[from * sites.count + to] = milliseconds
  }

  /// Milliseconds between two regions, as they measure it; nil where they do not.
  public func roundTrip(from: Int, to: Int) -> Double? {
    regionRoundTrips[from * sites.count + to] ?? regionRoundTrips[to * sites.count + from]
  }

  /// Lets estimates follow what has been learned since.
  ///
  /// - Returns: whether any of them may have changed.
  public mutating func publish(at now: UInt32) -> Bool {
    let halfLife = limits.halfLifeSeconds
    var isChanged = false
    for index in networks.values.indices {
      for cell in networks.values[index].indices
      where networks.values[index][cell].publish(at: now, halfLifeSeconds: halfLife) {
        isChanged = true
      }
    }
    for index in systems.values.indices
    where systems.values[index].publish(at: now, halfLifeSeconds: halfLife) {
      isChanged = true
    }
    for index in countries.values.indices
    where countries.values[index].publish(at: now, halfLifeSeconds: halfLife) {
      isChanged = true
    }
    return isChanged
  }

  /// The same knowledge for other regions or limits: those that have gone are forgotten, and names
  /// keep what they had.
  ///
  /// A region that has moved starts anew where it is compared with the prior.
  public func carried(to sites: [LatencySite], limits: LatencyLimits) -> LatencyModel {
    var next = LatencyModel(sites: sites, limits: limits, weights: weights)
    let places = self.sites.map { site in sites.firstIndex { $0.name == site.name } }
    for (network, cells) in networks {
      let kept = cells.compactMap { cell in
        places[Int(cell.region)].map { cell.moved(to: UInt16($0)) }
      }
      if !kept.isEmpty { next.networks[network] = kept }
    }
    for (from, before) in places.enumerated() {
      for (to, other) in places.enumerated() {
        guard let before, let other else { continue }
        next.regionRoundTrips[before * sites.count + other] =
          regionRoundTrips[from * self.sites.count + to]
      }
    }
    for (key, cell) in systems { next.systems[carriedKey(key, places, sites)] = cell }
    for (key, cell) in countries { next.countries[carriedKey(key, places, sites)] = cell }
    next.systems[.max] = nil
    next.countries[.max] = nil
    return next
  }

  /// `UInt64.max` where the region has gone or moved.
  private func carriedKey(_ key: UInt64, _ places: [Int?], _ next: [LatencySite]) -> UInt64 {
    let region = Int(key & 0xFFFF)
    guard let place = places[region], next[place].point == sites[region].point else { return .max }
    return key & ~0xFFFF | UInt64(place)
  }

  mutating func learn(
    residual: Float, share: Float, from client: LatencyClient, region: Int, now: UInt32
  ) {
    let halfLife = limits.halfLifeSeconds
    if let country = client.country {
      countries[Self.key(UInt32(country.rawValue), region), default: ResidualCell()].add(
        residual: residual, share: share, now: now, halfLifeSeconds: halfLife)
    }
    guard client.asn != 0 else { return }
    let key = Self.key(client.asn, region)
    guard systems[key] != nil || systems.count < limits.systems else { return }
    systems[key, default: ResidualCell()].add(
      residual: residual, share: share, now: now, halfLifeSeconds: halfLife)
  }

  static func key(_ group: UInt32, _ region: Int) -> UInt64 {
    UInt64(group) << 16 | UInt64(region)
  }

  func removeLightest(of cells: inout [MeasuredCell], now: UInt32) {
    let weights = cells.map { $0.decayedWeight(at: now, halfLifeSeconds: limits.halfLifeSeconds) }
    if let lightest = weights.indices.min(by: { weights[$0] < weights[$1] }) {
      cells.remove(at: lightest)
    }
  }

  /// Drops the networks that know least, until so many are left.
  mutating func evict(to count: Int, now: UInt32) {
    let halfLife = limits.halfLifeSeconds
    let known = networks.map { network, cells in
      (
        weight: cells.reduce(0) {
          $0 + $1.decayedWeight(at: now, halfLifeSeconds: halfLife)
        }, network: network
      )
    }.sorted { ($0.weight, $0.network.rawValue) < ($1.weight, $1.network.rawValue) }
    for entry in known.prefix(networks.count - count) {
      networks[entry.network] = nil
    }
  }
}

/// A region as latencies see it.
public struct LatencySite: Sendable, Equatable {
  public var name: String
  /// nil: no distance to it is known, and only measurements speak.
  public var point: GeoPoint?

  public init(name: String, point: GeoPoint?) {
    self.name = name
    self.point = point
  }
}

/// How much is kept, and for how long.
public struct LatencyLimits: Sendable, Equatable {
  /// Networks at most; with more, those that know least are forgotten.
  public var networks: Int
  /// Pairs of ASN and region at most; beyond, no new ones are begun.
  public var systems: Int
  /// Regions kept for one network, at least 1: the least measured goes first.
  public var regionsPerNetwork: Int
  /// After so long a sample counts half, seconds.
  public var halfLifeSeconds: Double

  public init(
    networks: Int = 100_000, systems: Int = 100_000, regionsPerNetwork: Int = 8,
    halfLifeSeconds: Double = 6 * 3600
  ) {
    self.networks = max(1, networks)
    self.systems = systems
    self.regionsPerNetwork = max(1, regionsPerNetwork)
    self.halfLifeSeconds = halfLifeSeconds
  }
}

/// Where a client is, as far as latencies depend on it.
public struct LatencyClient: Sendable, Hashable {
  public var point: GeoPoint?
  /// Of the point, kilometres; 0: not known.
  public var accuracyRadiusKilometres: UInt16
  public var country: CountryCode?
  /// 0: unknown.
  public var asn: UInt32

  public init(
    point: GeoPoint?, accuracyRadiusKilometres: UInt16 = 0, country: CountryCode? = nil,
    asn: UInt32 = 0
  ) {
    self.point = point
    self.accuracyRadiusKilometres = accuracyRadiusKilometres
    self.country = country
    self.asn = asn
  }

  public init(_ place: Place) {
    self.init(
      point: place.point, accuracyRadiusKilometres: place.accuracyRadiusKilometres,
      country: place.country, asn: place.asn)
  }
}
