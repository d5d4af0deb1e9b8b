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
  /// In the order of the indices that ``plan(for:in:trace:)`` returns.
  public var fenceNames: [String] { fences.map(\.name) }
  private let regionIndices: [String: Int]
  /// Kilometres between regions, for the tails of long lists.
  private let regionsByDistance: [[Int]]

  public init(regions: [Region], policy: Policy, fences: [Fence]) {
    self.regions = regions
    self.policy = policy
    self.fences = fences
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
    var plan = plan(policy, for: place, prefixSet: prefixSet, trace: &trace)
    if place.override > 0 {
      let inPolicy = Set(plan.regions)
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

  private func plan<Trace: RouteTrace>(
    _ policy: Policy, for place: Place, prefixSet: [UInt32], trace: inout Trace
  ) -> Plan {
    switch policy {
    case .region(let region): return .region(region)
    case .proximity(let proximity): return nearest(proximity, to: place)
    case .geo(let rules, let otherwise):
      for (index, rule) in rules.enumerated() {
        guard let reason = rule.match.reason(for: place, prefixSet: prefixSet) else { continue }
        trace.record(.rule(index: index, reason: reason))
        return plan(rule.policy, for: place, prefixSet: prefixSet, trace: &trace)
      }
      trace.record(.defaultRule)
      return plan(otherwise, for: place, prefixSet: prefixSet, trace: &trace)
    case .failover(let policies):
      return .inOrder(plans(policies, for: place, prefixSet: prefixSet, trace: &trace))
    case .all(let policies):
      return .all(plans(policies, for: place, prefixSet: prefixSet, trace: &trace))
    case .weighted(let shares), .hash(let shares, _):
      let children = plans(
        shares.map(\.policy), for: place, prefixSet: prefixSet, trace: &trace)
      return .shares(
        zip(children, shares).map { Plan.PlanShare(plan: $0, weight: $1.weight) })
    }
  }

  private func plans<Trace: RouteTrace>(
    _ policies: [Policy], for place: Place, prefixSet: [UInt32], trace: inout Trace
  ) -> [Plan] {
    policies.map { plan($0, for: place, prefixSet: prefixSet, trace: &trace) }
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
    let ordered = keyed.map(\.region)
    guard ordered.count > Self.fullySortedCount else { return .nearest(ordered) }
    let exact = ordered[..<Self.exactCount]
    let rest = Set(ordered[Self.exactCount...])
    return .nearest(exact + regionsByDistance[ordered[0]].filter(rest.contains))
  }
}

/// A distance as a region's bias makes it appear: with bias 50 half as far, with −50 twice as far
/// (the formula of Route 53's geoproximity routing).
func biased(_ kilometres: Double, by bias: Int) -> Double {
  bias >= 0
    ? kilometres * (1 - Double(bias) / 100)
    : kilometres / (1 + Double(bias) / 100)
}
