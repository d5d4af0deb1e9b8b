/// How the endpoints of one region share its connections over availability zones.
///
/// The *fair* part of an endpoint is its weight among those of the region. Zones make endpoints get
/// more or less than that, but never more than ``excess`` above it, so that no small zone is
/// flooded.
public struct ZoneSharing: Sendable, Equatable {
  /// The availability zone that this node stands in, where its endpoints come first; nil: all zones
  /// get the same.
  public var preferred: Site?
  /// By how much of its fair part an endpoint may get more, at least 0.
  public var excess: Double

  /// Where a node stands.
  public struct Site: Sendable, Equatable {
    public var region: Int
    public var zone: String

    public init(region: Int, zone: String) {
      self.region = region
      self.zone = zone
    }
  }

  public init(preferred: Site? = nil, excess: Double = 0.5) {
    self.preferred = preferred
    self.excess = excess
  }

  /// What the connections of a region are shared by.
  ///
  /// - Parameters:
  ///   - weights: of its usable endpoints, above 0.
  ///   - zones: of the same endpoints; those without one count together as another zone.
  /// - Returns: weights, above 0 and the same ones where there is but one zone. An endpoint that is
  ///   to get nothing keeps a trace of weight: it is used once the others were tried.
  public func shared(weights: [Int], zones: [String?], region: Int) -> [Int] {
    var groups: [String?] = []
    for zone in zones where !groups.contains(zone) { groups.append(zone) }
    guard groups.count > 1 else { return weights }
    var fair = groups.map { _ in 0.0 }
    let groupOf = zones.map { zone in groups.firstIndex(of: zone) ?? 0 }
    for (weight, group) in zip(weights, groupOf) { fair[group] += Double(weight) }
    let total = fair.reduce(0, +)
    fair = fair.map { $0 / total }
    let local = preferred.flatMap { site in
      site.region == region ? groups.firstIndex(of: site.zone) : nil
    }
    let shares = local.map { localShares(fair: fair, zones: groups, local: $0) } ?? evenShares(fair)
    return zip(weights, groupOf).map { weight, group in
      max(1, Int((Double(weight) * shares[group] / fair[group] * Self.scale).rounded()))
    }
  }

  /// Weights are refined by so much before they are divided: 1 among them is next to nothing.
  static let scale = 65_536.0

  /// The same for every zone, as far as the excess lets small ones have it; the others share what
  /// is left.
  func evenShares(_ fair: [Double]) -> [Double] {
    var shares = fair.map { $0 * (1 + excess) }
    var open = Set(fair.indices)
    var left = 1.0
    while !open.isEmpty {
      let part = left / Double(open.count)
      let small = open.filter { shares[$0] < part }
      guard !small.isEmpty else {
        for zone in open { shares[zone] = part }
        break
      }
      for zone in small { left -= shares[zone] }
      open.subtract(small)
    }
    return shares
  }

  /// Everything to the node's own zone while its endpoints bear it; the rest to zones that have
  /// more endpoints than connections of their own.
  ///
  /// Each named zone is taken to have as many connections as the others (as in Envoy's zone-aware
  /// routing, there by the number of proxies). If nodes of all zones go by this, none gets more
  /// than its fair part and the excess.
  func localShares(fair: [Double], zones: [String?], local: Int) -> [Double] {
    let named = zones.count { $0 != nil }
    let arriving = zones.map { $0 == nil ? 0 : 1 / Double(named) }
    let kept = min(1, fair[local] * (1 + excess) / arriving[local])
    let room = fair.indices.map { $0 == local ? 0 : max(0, fair[$0] - arriving[$0]) }
    let totalRoom = room.reduce(0, +)
    guard kept < 1, totalRoom > 0 else {
      return fair.indices.map { $0 == local ? 1 : 0 }
    }
    return fair.indices.map { $0 == local ? kept : (1 - kept) * room[$0] / totalRoom }
  }
}

extension RoutingModel {
  /// Endpoints in such an order that each of the first ones is in another availability zone.
  public func alternatingZones(_ endpoints: [Int]) -> [Int] {
    var turns: [String?: Int] = [:]
    var turnOf: [(turn: Int, endpoint: Int)] = []
    for endpoint in endpoints {
      let zone = self.endpoints[endpoint].availabilityZone
      turnOf.append((turns[zone, default: 0], endpoint))
      turns[zone, default: 0] += 1
    }
    guard turns.count > 1 else { return endpoints }
    return turnOf.enumerated().sorted {
      ($0.element.turn, $0.offset) < ($1.element.turn, $1.offset)
    }
    .map(\.element.endpoint)
  }
}
