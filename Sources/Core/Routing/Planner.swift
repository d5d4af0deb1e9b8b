public import Latency
public import Places

/// Turns a policy into the plan of one client: override prefixes, rules, distances, fences.
/// Runs when an edition is compiled, once for each place, and once more for an explanation.
public struct Planner: Sendable, Equatable {
  /// Up to so many regions are sorted exactly for every place. Beyond that the first
  /// ``exactCount`` are, and the rest follow in their distance from the first: otherwise almost
  /// every place would be a cohort of its own.
  static let fullySortedCount = 12
  static let exactCount = 8

  let regions: [Region]
  let policy: Policy
  /// The fences of the services that share this planner.
  let fences: [Fence]
  /// nil where the policy does not ask for it.
  let latency: LatencyView?
  /// In the order of the indices that ``plan(for:in:trace:)`` returns.
  public var fenceNames: [String] { fences.map(\.name) }
  private let regionIndices: [String: Int]
  /// Kilometres between regions, for the tails of long lists.
  private let regionsByDistance: [[Int]]

  /// - Parameter latency: of these regions, in their order; nil: distance alone is known.
  public init(
    regions: [Region], policy: Policy, fences: [Fence], latency: LatencyView? = nil
  ) {
    self.regions = regions
    self.policy = policy
    self.fences = fences
    self.latency =
      policy.usesLatency
      ? latency ?? LatencyView(LatencyModel(sites: regions.map(\.site)), generation: 0) : nil
    regionIndices = Dictionary(
      regions.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { a, _ in a })
    regionsByDistance = regions.map { from in
      let distances = regions.map { to in
        guard let a = from.point, let b = to.point else { return Double.infinity }
        return a.distanceKilometres(to: b)
      }
      return regions.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
    }
  }

  /// The plan of a client at this place, and the fences it stands in (indices into the fences
  /// that this was made with).
  public func plan<Trace: RouteTrace>(
    for place: Place, in table: PlaceTable, trace: inout Trace
  ) -> (plan: Plan, fences: [Int]) {
    let prefixSet = table.prefixSets[Int(place.prefixSet)]
    let estimates = estimates(for: place, in: table)
    var plan = plan(
      policy, for: place, prefixSet: prefixSet, estimates: estimates, trace: &trace)
    let inPolicy = Set(plan.regions)
    if place.override > 0 && !inPolicy.isEmpty {
      let preferred = table.overrides[Int(place.override) - 1]
        .compactMap { regionIndices[$0] }.filter(inPolicy.contains)
      trace.record(.override(preferred))
      plan = .inOrder(preferred.map { .region($0) } + [plan])
    }
    return fenced(plan, place: place, prefixSet: prefixSet, trace: &trace)
  }

  private func fenced<Trace: RouteTrace>(
    _ plan: Plan, place: Place, prefixSet: [UInt32], trace: inout Trace
  ) -> (plan: Plan, fences: [Int]) {
    var entered: [Int] = []
    for (index, fence) in fences.enumerated() {
      guard let reason = fence.clients.reason(for: place, prefixSet: prefixSet) else { continue }
      entered.append(index)
      trace.record(.fence(name: fence.name, reason: reason))
    }
    guard !entered.isEmpty else { return (plan, []) }
    let kept = plan.keeping { region in
      guard let fence = entered.first(where: { !fences[$0].isInside[region] }) else { return true }
      trace.record(.fencedOut(region: region, by: fences[fence].name))
      return false
    }
    return (kept ?? .empty, entered)
  }

  /// The round trips to expect from this place, by region; nil unless the policy asks for them.
  func estimates(for place: Place, in table: PlaceTable) -> [LatencyEstimate?]? {
    latency?.estimates(for: place, in: table)
  }

  private func plan<Trace: RouteTrace>(
    _ policy: Policy, for place: Place, prefixSet: [UInt32], estimates: [LatencyEstimate?]?,
    trace: inout Trace
  ) -> Plan {
    func plans(_ policies: [Policy]) -> [Plan] {
      policies.map {
        plan($0, for: place, prefixSet: prefixSet, estimates: estimates, trace: &trace)
      }
    }
    switch policy {
    case .region(let region): return .region(region)
    case .proximity(let proximity): return nearest(proximity, to: place)
    case .latency(let proximity): return fastest(proximity, by: estimates ?? [], from: place)
    case .geo(let rules, let otherwise):
      for (index, rule) in rules.enumerated() {
        guard let reason = rule.match.reason(for: place, prefixSet: prefixSet) else { continue }
        trace.record(.rule(index: index, reason: reason))
        return plans([rule.policy])[0]
      }
      trace.record(.defaultRule)
      return plans([otherwise])[0]
    case .failover(let policies): return .inOrder(plans(policies))
    case .all(let policies): return .all(plans(policies))
    // What a key says, no place of a client does.
    case .home(let fallback): return fallback.map { plans([$0])[0] } ?? .empty
    case .weighted(let shares), .hash(let shares, _):
      return .shares(
        zip(plans(shares.map(\.policy)), shares).map {
          Plan.PlanShare(plan: $0, weight: $1.weight)
        })
    }
  }

  private func nearest(_ proximity: Policy.Proximity, to place: Place) -> Plan {
    guard let point = place.point else { return .inOrder(proximity.unknown.map { .region($0) }) }
    var keyed: [(distance: Double, region: Int)] = []
    keyed.reserveCapacity(proximity.regions.count)
    for (region, bias) in zip(proximity.regions, proximity.biases) {
      guard let site = regions[region].point else { continue }
      keyed.append((biased(point.distanceKilometres(to: site), by: bias), region))
    }
    keyed.sort { ($0.distance, $0.region) < ($1.distance, $1.region) }
    return .nearest(shortened(keyed.map(\.region)))
  }

  /// Fastest first. Where neither the place nor its network is known, the order for such clients.
  private func fastest(
    _ proximity: Policy.Proximity, by estimates: [LatencyEstimate?], from place: Place
  ) -> Plan {
    var known: [(milliseconds: Double, distance: Double, region: Int)] = []
    for (region, bias) in zip(proximity.regions, proximity.biases) {
      guard region < estimates.count, let estimate = estimates[region] else { continue }
      let distance = regions[region].point.flatMap { place.point?.distanceKilometres(to: $0) }
      known.append((biased(estimate.milliseconds, by: bias), distance ?? .infinity, region))
    }
    guard !known.isEmpty else { return .inOrder(proximity.unknown.map { .region($0) }) }
    let ordered = known.sorted { $0 < $1 }.map(\.region)
    let unmeasured = proximity.regions.filter { !ordered.contains($0) }
    return .nearest(shortened(ordered + unmeasured))
  }

  private func shortened(_ ordered: [Int]) -> [Int] {
    guard ordered.count > Self.fullySortedCount else { return ordered }
    let rest = Set(ordered[Self.exactCount...])
    return ordered[..<Self.exactCount] + regionsByDistance[ordered[0]].filter(rest.contains)
  }
}

/// A distance (or a round trip) as a region's bias makes it appear: with bias 50 half as far, with
/// −50 twice as far (the formula of Route 53's geoproximity routing).
func biased(_ kilometres: Double, by bias: Int) -> Double {
  bias >= 0
    ? kilometres * (1 - Double(bias) / 100)
    : kilometres / (1 + Double(bias) / 100)
}

extension LatencyView {
  /// The round trips to expect from a place, by region.
  func estimates(for place: Place, in table: PlaceTable) -> [LatencyEstimate?] {
    let network =
      place.network > 0
      ? LatencyNetwork(around: table.networks[Int(place.network) - 1]) : nil
    return model.estimates(from: LatencyClient(place), network: network)
  }
}

extension RoutingModel {
  /// The round trip to expect from a place, by its index: as it was measured, where anything was,
  /// else by distance. nil where neither is known.
  package func expectedMilliseconds(fromPlace index: Int, to region: Int) -> Double? {
    let place = places.places[index]
    if let latency, let measured = latency.estimates(for: place, in: places)[region] {
      return measured.milliseconds
    }
    guard let point = place.point, let site = regions[region].point else { return nil }
    return LatencyPrior.roundTripMilliseconds(
      distanceKilometres: point.distanceKilometres(to: site))
  }
}
