public import Places

/// How a service orders regions for a client. Regions are indices into ``RoutingModel/regions``;
/// policies nest.
public indirect enum Policy: Sendable, Hashable {
  case region(Int)
  case proximity(Proximity)
  /// As `proximity`, but by the round trip to expect, biased as a distance is.
  case latency(Proximity)
  /// The first rule that matches the client; `otherwise` where none does.
  case geo([Rule], otherwise: Policy)
  /// The first that has anything usable.
  case failover([Policy])
  case weighted([PolicyShare])
  /// As `weighted`, but drawn on the client's own address cut to a key.
  case hash([PolicyShare], key: DrawKey)
  /// The union of all.
  case all([Policy])
  /// The home of the key that is asked for, which a service's ``HomeCell`` says, and then this.
  case home(fallback: Policy?)

  public struct Proximity: Sendable, Hashable {
    public var regions: [Int]
    /// −99...99 for each of `regions`: above 0 draws clients in, below 0 keeps them off.
    public var biases: [Int]
    /// The order for clients of which no place is known.
    public var unknown: [Int]

    public init(regions: [Int], biases: [Int], unknown: [Int]) {
      self.regions = regions
      self.biases = biases
      self.unknown = unknown
    }
  }

  public struct Rule: Sendable, Hashable {
    public var match: ClientMatch
    public var policy: Policy

    public init(match: ClientMatch, policy: Policy) {
      self.match = match
      self.policy = policy
    }
  }

  public struct PolicyShare: Sendable, Hashable {
    public var policy: Policy
    /// 0 is standby: used only when every share above 0 is gone.
    public var weight: Int

    public init(policy: Policy, weight: Int) {
      self.policy = policy
      self.weight = weight
    }
  }
}

/// The prefix lengths at which clients are told apart when shares are drawn: all clients of one
/// such prefix draw the same.
public struct DrawKey: Sendable, Hashable, BitwiseCopyable {
  /// 0...32.
  public var bitsIPv4: UInt8
  /// 0...128.
  public var bitsIPv6: UInt8

  public init(bitsIPv4: UInt8, bitsIPv6: UInt8) {
    self.bitsIPv4 = bitsIPv4
    self.bitsIPv6 = bitsIPv6
  }
}

/// Which clients a rule or a fence speaks of: those that meet any one of these.
public struct ClientMatch: Sendable, Hashable {
  /// Indices of rule prefixes, as `PlaceTable/prefixSets` has them.
  public var prefixes: [UInt32] = []
  /// The same as text, in the same order.
  public var prefixNames: [String] = []
  public var asns: [UInt32] = []
  public var countries: [CountryCode] = []
  public var subdivisions: [Subdivision] = []
  public var continents: [ContinentCode] = []
  public var isInEuropeanUnion = false
  /// Matches clients of which no country is known.
  public var isUnknown = false

  public init() {}

  /// What of a client can meet this.
  enum Cause {
    /// The index in ``ClientMatch/prefixes``.
    case prefix(Int)
    case asn(UInt32)
    case subdivision(Subdivision)
    case country(CountryCode)
    case continent(ContinentCode)
    case europeanUnion, unknownCountry
  }

  /// - Complexity: linear in what is named; allocates nothing.
  func cause(for place: Place, prefixSet: [UInt32]) -> Cause? {
    for index in prefixes.indices where prefixSet.contains(prefixes[index]) {
      return .prefix(index)
    }
    if place.asn != 0 && asns.contains(place.asn) { return .asn(place.asn) }
    if let subdivision = place.subdivision, subdivisions.contains(subdivision) {
      return .subdivision(subdivision)
    }
    if let country = place.country, countries.contains(country) { return .country(country) }
    if let continent = place.continent, continents.contains(continent) {
      return .continent(continent)
    }
    if isInEuropeanUnion && place.isInEuropeanUnion { return .europeanUnion }
    if isUnknown && place.country == nil { return .unknownCountry }
    return nil
  }

  /// What of the client met this, or nil: `country DE`.
  ///
  /// - Parameter prefixSet: the rule prefixes that cover the client.
  public func reason(for place: Place, prefixSet: [UInt32]) -> String? {
    switch cause(for: place, prefixSet: prefixSet) {
    case .prefix(let index): "prefix \(prefixNames[index])"
    case .asn(let asn): "AS\(asn)"
    case .subdivision(let subdivision): "subdivision \(subdivision)"
    case .country(let country): "country \(country)"
    case .continent(let continent): "continent \(continent)"
    case .europeanUnion: "European Union"
    case .unknownCountry: "unknown country"
    case nil: nil
    }
  }
}

/// A hard constraint: these clients only to regions that carry one of the tags.
public struct Fence: Sendable, Equatable {
  public var name: String
  public var clients: ClientMatch
  /// One entry for each region: whether it is inside.
  public var isInside: [Bool]
  public var whenEmpty: WhenEmpty

  /// What its clients get while no region inside is usable.
  public enum WhenEmpty: Sendable, Equatable {
    /// What the service's ``LastResort`` gives, inside the fence.
    case onAllDown
    /// SERVFAIL; the proxy closes.
    case refuse
    /// The first of these that no operator took out, whatever probes say of it and whether the
    /// policy names it or not; refused if there is none.
    case fixed([Int])
    /// The policy over the regions inside, as if all were healthy save what an operator took out.
    case serveUnhealthyInside
  }

  public init(
    name: String, clients: ClientMatch, isInside: [Bool], whenEmpty: WhenEmpty = .onAllDown
  ) {
    self.name = name
    self.clients = clients
    self.isInside = isInside
    self.whenEmpty = whenEmpty
  }
}

extension Policy {
  /// The longest key that any `hash` inside draws on; nil without one.
  public var longestHashKey: DrawKey? {
    switch self {
    case .region, .proximity, .latency: return nil
    case .geo(let rules, let otherwise):
      return Self.longest(rules.map(\.policy) + [otherwise])
    case .failover(let policies), .all(let policies): return Self.longest(policies)
    case .weighted(let shares): return Self.longest(shares.map(\.policy))
    case .hash(let shares, let key):
      return Self.longest(shares.map(\.policy)).map { key.union($0) } ?? key
    case .home(let fallback): return fallback?.longestHashKey
    }
  }

  private static func longest(_ policies: [Policy]) -> DrawKey? {
    policies.compactMap(\.longestHashKey).reduce(nil) { $0?.union($1) ?? $1 }
  }
}

extension DrawKey {
  /// The key that tells apart whatever either tells apart.
  public func union(_ other: DrawKey) -> DrawKey {
    DrawKey(
      bitsIPv4: max(bitsIPv4, other.bitsIPv4), bitsIPv6: max(bitsIPv6, other.bitsIPv6))
  }
}

extension Policy {
  /// Whether the plan of any client depends on measured latencies.
  public var usesLatency: Bool {
    switch self {
    case .latency: true
    case .region, .proximity: false
    case .geo(let rules, let otherwise):
      otherwise.usesLatency || rules.contains(where: \.policy.usesLatency)
    case .failover(let policies), .all(let policies): policies.contains(where: \.usesLatency)
    case .weighted(let shares), .hash(let shares, _): shares.contains(where: \.policy.usesLatency)
    case .home(let fallback): fallback?.usesLatency ?? false
    }
  }
}
