public import Places
public import Routing

/// Where the proxy may connect to: for each decision the regions in the order to try them, and
/// for each region of a service its endpoints.
public struct TargetTable: Sendable {
  /// An endpoint as the proxy needs it.
  public struct Target: Sendable, Equatable {
    /// Index into `RoutingModel/endpoints` of the same edition.
    public var endpoint: Int
    public var socket: SocketAddress
    /// Among those of the same list; at least 1. Hundredths of a declared weight, as shares are
    /// percents of it, and where there are availability zones divided by `ZoneSharing`.
    public var weight: Int
    /// The same server at its other address, if that may be connected to as well.
    public var alternate: Alternate?

    /// The same server, where only its other address is left.
    public var atAlternate: Target? {
      alternate.map { Target(endpoint: $0.endpoint, socket: $0.socket, weight: weight) }
    }
  }

  /// A second address of a target.
  public struct Alternate: Sendable, Equatable {
    /// Index into `RoutingModel/endpoints` of the same edition.
    public var endpoint: Int
    public var socket: SocketAddress
  }

  private let regionCount: Int
  private let targets: [Target]
  /// By (service × regions + region) × 2, + 1 where health is ignored.
  private let targetRanges: [Range<Int>]
  /// By outcome over all services.
  private let outcomes: [Outcome]
  /// By service: the retry order of each cohort.
  private let retryOrders: [(ofCohort: [Int], orders: [[Int]])]

  init(model: RoutingModel, board: HealthBoard, sets: [VerdictSet]) {
    var targets: [Target] = []
    var ranges: [Range<Int>] = []
    for (index, service) in model.services.enumerated() {
      if let home = service.home, home.service < index {
        // All homes of a service have its endpoints.
        let first = home.service * model.regions.count * 2
        ranges += ranges[first..<first + model.regions.count * 2]
        continue
      }
      let endpointsOfRegions =
        service.pool.map { model.pools[$0].endpoints } ?? model.regions.map { _ in [] }
      for endpoints in endpointsOfRegions {
        for ignoringHealth in [false, true] {
          let start = targets.count
          let usable = usableEndpoints(
            of: endpoints, model: model, board: board, ignoringHealth: ignoringHealth)
          targets += Self.targets(usable, model: model, board: board)
          ranges.append(start..<targets.count)
        }
      }
    }
    self.targets = targets
    targetRanges = ranges
    regionCount = model.regions.count
    outcomes = sets.flatMap(\.outcomes)
    retryOrders = sets.map { ($0.retryOrderOfCohort, $0.retryOrders) }
  }

  /// Endpoints of one region and pool; a server with two addresses is one target.
  private static func targets(
    _ usable: [Int], model: RoutingModel, board: HealthBoard
  ) -> [Target] {
    let alternates = Set(usable.compactMap { model.endpoints[$0].alternate })
      .intersection(usable)
    let endpoints = usable.filter { !alternates.contains($0) }
    guard let first = endpoints.first.map({ model.endpoints[$0] }) else { return [] }
    let weights = model.pools[first.pool].zoneSharing.shared(
      weights: endpoints.map {
        max(1, model.endpoints[$0].weight * board.conditions[$0].sharePercent)
      },
      zones: endpoints.map { model.endpoints[$0].availabilityZone }, region: first.region)
    return zip(endpoints, weights).map { endpoint, weight in
      let alternate = model.endpoints[endpoint].alternate.flatMap { other in
        alternates.contains(other)
          ? Alternate(endpoint: other, socket: model.endpoints[other].socket) : nil
      }
      return Target(
        endpoint: endpoint, socket: model.endpoints[endpoint].socket, weight: weight,
        alternate: alternate)
    }
  }

  /// The outcome of a decision.
  public func outcome(of decision: Decision) -> Outcome { outcomes[decision.outcome] }

  /// The regions to try, the decided ones first, each once; empty if the client is refused. All of
  /// them are inside the client's fences.
  public func regionsToTry(for decision: Decision, service: Int) -> [Int] {
    let outcome = outcomes[decision.outcome]
    guard outcome.kind == .serve else { return [] }
    let (ofCohort, orders) = retryOrders[service]
    return outcome.regions
      + orders[ofCohort[Int(decision.cohort)]].filter { !outcome.regions.contains($0) }
  }

  /// The endpoints of a region that may be connected to.
  ///
  /// - Parameter basis: of the decision's outcome: says whether health counts.
  public func targets(service: Int, region: Int, basis: Basis) -> ArraySlice<Target> {
    let list = (service * regionCount + region) * 2 + (basis.ignoresHealth ? 1 : 0)
    return targets[targetRanges[list]]
  }
}
