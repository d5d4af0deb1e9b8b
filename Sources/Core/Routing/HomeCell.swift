public import Homes

/// A part of a service that goes by a key: all keys with one home. Each home is a service of its
/// own in the ``RoutingModel``, behind those of the settings; the service itself stands for the
/// keys that have none. All share one map, so that what is added for a home is its verdicts.
public struct HomeCell: Sendable, Hashable {
  /// The service whose keys these are.
  public var service: Int
  /// nil: where these keys are at home is not known.
  public var home: Home?

  public init(service: Int, home: Home?) {
    self.service = service
    self.home = home
  }
}

extension RoutingModel.Service {
  var isHomeless: Bool { home.map { $0.home == nil } ?? false }

  /// Why clients get an outcome of this service, in the word by which metrics and the API count it.
  public func reason(of outcome: Outcome) -> String {
    guard let home = home?.home, let region = outcome.regions.first else { return outcome.reason }
    switch outcome.basis {
    case .panic, .lastResort, .fencedOut, .fenceEmpty, .noHome: return outcome.reason
    case .healthy, .degraded, .unknown: break
    }
    if home.former != nil && (region == home.region || region == home.former) {
      return "home_moving"
    }
    if region == home.region { return "home" }
    return outcome.rank == .spillOver ? outcome.reason : "home_down"
  }
}

extension RoutingModel {
  /// Whether a service is one of the settings, and not made for another one.
  public func isConfigured(_ service: Int) -> Bool {
    if case .primary = services[service].content { return false }
    return services[service].home.map { $0.service == service } ?? true
  }

  /// The services that send clients to regions, by what clients are or by the home of a key.
  public var provableServices: [Int] {
    let homes = services.indices.filter { services[$0].home.map { $0.home != nil } ?? false }
    return steeringServices + homes
  }

  /// The cohorts of a service's map; where the service goes by a key, with its home in front.
  public func cohorts(ofService index: Int) -> [SteeringMap.Cohort] {
    let map = maps[services[index].map]
    guard let cell = services[index].home else { return map.cohorts }
    return map.cohorts.map { $0.beginning(with: cell.home, planner: map.planner) }
  }

  /// Tells which regions of a home the client's fences keep out.
  func recordHomesFencedOut<Trace: RouteTrace>(
    service: Int, fences: [Int], trace: inout Trace
  ) {
    guard let home = services[service].home?.home else { return }
    let planner = maps[services[service].map].planner
    for region in home.regions {
      let fence = fences.first { !planner.isInside(region, of: [$0]) }
      if let fence { trace.record(.fencedOut(region: region, by: planner.fenceNames[fence])) }
    }
  }
}

extension Home {
  /// Those that have the data, the preferred one first.
  var regions: [Int] { [region] + (former.map { [$0] } ?? []) }
}

extension SteeringMap.Cohort {
  /// The cohort with a home before what its plan has. Fences keep regions of the home out as they
  /// do any others.
  fileprivate func beginning(with home: Home?, planner: Planner) -> SteeringMap.Cohort {
    let atHome = (home?.regions ?? []).filter { planner.isInside($0, of: fences) }
    // Nothing stands in for a home that is not known.
    let rest = home == nil ? nil : plan.keeping { !atHome.contains($0) }
    let plan = Plan.inOrder(atHome.map { .region($0) } + (rest.map { [$0] } ?? []))
    let ordered = plan.regions
    let known = ordered.map { regions.firstIndex(of: $0) }
    return SteeringMap.Cohort(
      plan: plan, fences: fences, regions: ordered,
      roundTripMilliseconds: known.map { $0.flatMap { roundTripMilliseconds[$0] } },
      confidence: known.map { $0.map { confidence[$0] } ?? 0 })
  }
}

extension VerdictSet {
  /// Whether all clients get the same.
  var isUniform: Bool {
    guard let first = verdicts.first, !first.isDrawn else { return false }
    return verdicts.allSatisfy { $0 == first }
  }
}
