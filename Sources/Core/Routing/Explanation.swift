public import Latency
public import Places

/// A decision with its reasons: what was decided, the ordered candidates, and every step. Made by
/// the same functions that serve, run with a recording trace.
public struct Explanation: Sendable {
  public struct Candidate: Sendable {
    public var region: Int
    public var distanceKilometres: Double?
    public var roundTripMilliseconds: Double?
    /// What the round trip rests on; nil where nothing is known.
    public var latencyBasis: LatencyBasis?
    /// Of the round trip, 0...1: the part that was measured.
    public var latencyConfidence: Double
    public var standing: RegionStanding
    /// Whether this client is sent there.
    public var isChosen: Bool
    /// Why it is or is not.
    public var reason: String
  }

  public var service: Int
  /// Of the client; a decision that is the same for all clients says another one.
  public var cohort: Int
  public var place: Place
  public var placeScopeBits: UInt8
  public var decision: Decision
  public var outcome: Outcome
  /// In order of preference; after them the regions that a fence keeps out.
  public var candidates: [Candidate]
  public var steps: [RouteStep]
}

extension RoutingModel {
  /// Explains the decision for a client.
  ///
  /// - Parameters:
  ///   - steering: the table that serves; its decision is the one explained.
  ///   - sets: the verdicts that it was made of, by service.
  public func explain(
    _ client: ClientAddress, service: Int, board: HealthBoard,
    steering: borrowing SteeringTable, sets: [VerdictSet]
  ) -> Explanation {
    var trace = RecordingTrace()
    let match = places.addresses.find(client)
    let place = places.places[Int(match.value)]
    let map = maps[services[service].map]
    _ = map.planner.plan(for: place, in: places, trace: &trace)
    let decision = steering.route(client, to: service, trace: &trace)
    let compiler = VerdictCompiler(model: self, service: service, board: board)
    let cohortIndex = Int(map.cohortOfPlace[Int(match.value)])
    let cohort = compiler.cohorts[cohortIndex]
    recordHomesFencedOut(service: service, fences: cohort.fences, trace: &trace)
    _ = compiler.choice(for: cohort, trace: &trace)
    let isUniform = services[service].home != nil && sets[service].isUniform
    let steps = trace.steps.map { step in
      if case .cohort = step, isUniform { RouteStep.sameForAll } else { step }
    }
    let outcomesBefore = sets[..<service].reduce(0) { $0 + $1.outcomes.count }
    let outcome = sets[service].outcomes[decision.outcome - outcomesBefore]
    return Explanation(
      service: service, cohort: cohortIndex, place: place, placeScopeBits: match.scopeBits,
      decision: decision,
      outcome: outcome,
      candidates: candidates(
        cohort: cohort, place: place,
        estimates: map.planner.estimates(for: place, in: places) ?? [], outcome: outcome,
        standings: compiler.standings, steps: steps),
      steps: steps)
  }

  private func candidates(
    cohort: SteeringMap.Cohort, place: Place, estimates: [LatencyEstimate?], outcome: Outcome,
    standings: [RegionStanding], steps: [RouteStep]
  ) -> [Explanation.Candidate] {
    let fencedOut = steps.compactMap { step -> (region: Int, fence: String)? in
      if case .fencedOut(let region, let fence) = step { (region, fence) } else { nil }
    }
    let kept = cohort.regions + outcome.regions.filter { !cohort.regions.contains($0) }
    let inside = kept.map { region in
      candidate(
        region, place: place, estimates: estimates, standing: standings[region],
        isChosen: outcome.regions.contains(region),
        reason: reason(region, cohort: cohort, outcome: outcome, standing: standings[region]))
    }
    var seen: Set<Int> = []
    let outside = fencedOut.filter { seen.insert($0.region).inserted }.map { region, fence in
      candidate(
        region, place: place, estimates: estimates, standing: standings[region], isChosen: false,
        reason: "outside fence \(fence)")
    }
    return inside + outside
  }

  private func candidate(
    _ region: Int, place: Place, estimates: [LatencyEstimate?], standing: RegionStanding,
    isChosen: Bool, reason: String
  ) -> Explanation.Candidate {
    let distance: Double? =
      if let client = place.point, let site = regions[region].point {
        client.distanceKilometres(to: site)
      } else {
        nil
      }
    let estimate = region < estimates.count ? estimates[region] : nil
    return Explanation.Candidate(
      region: region, distanceKilometres: distance,
      roundTripMilliseconds: estimate?.milliseconds
        ?? distance.map { LatencyPrior.roundTripMilliseconds(distanceKilometres: $0) },
      latencyBasis: estimate?.basis ?? distance.map { _ in .distance },
      latencyConfidence: estimate?.confidence ?? 0, standing: standing, isChosen: isChosen,
      reason: reason)
  }

  private func reason(
    _ region: Int, cohort: SteeringMap.Cohort, outcome: Outcome, standing: RegionStanding
  ) -> String {
    if outcome.regions.contains(region) {
      return switch outcome.basis {
      case .healthy: "chosen: first usable in order of preference, or drawn share"
      case .degraded where standing.hold != nil: "chosen: held back, and nothing better is left"
      case .degraded: "chosen: degraded, and nothing better is left"
      case .unknown: "chosen: not yet checked, and nothing better is left"
      case .panic: "chosen: panic, health is ignored"
      case .lastResort: "chosen: last resort, nothing is usable"
      case .fenceEmpty: "chosen: nothing inside the fence is usable"
      case .fencedOut, .noHome: "chosen"
      }
    }
    if standing.standbyStanding != nil { return "a standby: another region is the primary" }
    if let hold = standing.hold { return "healthy, but held back: \(hold.reason)" }
    return switch standing.standing {
    case .removed: "taken out by an operator"
    case .absent: "the service has nothing here"
    case .unhealthy: "unhealthy"
    case .unknown: "not yet checked"
    case .degraded: "degraded"
    case .healthy: "healthy, further down in order of preference"
    }
  }
}
