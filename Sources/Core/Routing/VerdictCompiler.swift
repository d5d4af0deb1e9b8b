import Latency
import Places

/// Turns plans and health into verdicts. A pure function of its inputs: two nodes with the same
/// edition reach the same verdicts.
public struct VerdictCompiler: Sendable {
  let model: RoutingModel
  let service: RoutingModel.Service
  /// 0...1; 0 is off.
  let panicThreshold: Double
  let map: SteeringMap
  /// The map's, as the service's home has them.
  let cohorts: [SteeringMap.Cohort]
  /// Of an active-passive service.
  let primary: PrimaryRegion?
  /// By region.
  package private(set) var standings: [RegionStanding]

  public init(model: RoutingModel, service: Int, board: HealthBoard) {
    self.model = model
    self.service = model.services[service]
    panicThreshold = self.service.pool.map { model.pools[$0].panicThreshold } ?? 0
    map = model.maps[self.service.map]
    cohorts = model.cohorts(ofService: service)
    primary = board.admissions.primary(ofService: service)
    standings = model.regions.indices.map {
      model.standing(ofRegion: $0, forService: service, on: board)
    }
  }

  /// The same for other openings of the regions.
  package func opening(_ openings: [Double]) -> VerdictCompiler {
    var copy = self
    for region in standings.indices where region < openings.count {
      copy.standings[region].admission.opening = openings[region]
    }
    return copy
  }

  /// The share of a cohort's clients that each region gets, 0...1; of outcomes with several regions
  /// all the same part. Less than 1 in all where some are refused.
  package func regionShares(ofCohort cohort: Int) -> [Double] {
    var shares = standings.map { _ in 0.0 }
    var silent = SilentTrace()
    let found: OutcomeShares = settled(for: cohorts[cohort], trace: &silent)
    for (outcome, share) in found.shares {
      for region in outcome.regions { shares[region] += share / Double(outcome.regions.count) }
    }
    return shares
  }

  /// The verdicts of all cohorts, or `previous` if nothing that they depend on has changed.
  public func compile(reusing previous: VerdictSet? = nil) -> VerdictSet {
    if let previous, previous.standings == standings { return previous }
    return verdicts(of: cohorts)
  }

  /// The verdicts of some cohorts, by their place in `indices`.
  package func compile(onlyCohorts indices: [Int]) -> VerdictSet {
    verdicts(of: indices.map { cohorts[$0] })
  }

  private func verdicts(of cohorts: [SteeringMap.Cohort]) -> VerdictSet {
    var table = VerdictTableBuilder()
    var silent = SilentTrace()
    for cohort in cohorts {
      let choice = choice(for: cohort, trace: &silent)
      table.append(choice, retryOrder: retryOrder(for: cohort, choice: choice))
    }
    return table.finished(standings: standings)
  }

  /// Every region whose standing can matter to a cohort: those of its plan, and those that a last
  /// resort or an empty fence names.
  package func regionsThatMatter(toCohort cohort: Int) -> Set<Int> {
    var regions = Set(cohorts[cohort].regions)
    if case .backup(let backup) = service.onAllDown { regions.insert(backup) }
    if case .fixed(let fixed) = map.planner.whenEmpty(in: cohorts[cohort].fences) {
      regions.formUnion(fixed)
    }
    return regions
  }

  /// What one cohort gets, by slot if its clients are shared out.
  enum Choice: Apportioned {
    case one(Outcome)
    case drawn([Outcome], slots: [UInt16])

    var outcomes: [Outcome] {
      switch self {
      case .one(let outcome): [outcome]
      case .drawn(let outcomes, _): outcomes
      }
    }

    /// The same, marked as one that may soon be another.
    var changing: Choice {
      switch self {
      case .one(let outcome): .one(outcome.changing)
      case .drawn(let outcomes, let slots): .drawn(outcomes.map(\.changing), slots: slots)
      }
    }
  }

  func choice<Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Choice {
    if let primary { trace.record(.primary(primary)) }
    for region in cohort.regions {
      if let hold = standings[region].hold { trace.record(.held(region: region, hold)) }
    }
    let choice: Choice = settled(for: cohort, trace: &trace)
    guard isChanging(choice, cohort: cohort) else { return choice }
    trace.record(.mayChange)
    return choice.changing
  }

  /// Whether a region that these clients have, or would have before those, may soon change.
  private func isChanging(_ choice: Choice, cohort: SteeringMap.Cohort) -> Bool {
    guard cohort.regions.contains(where: { standings[$0].isChanging }) else { return false }
    let chosen = Set(choice.outcomes.flatMap(\.regions))
    guard let last = cohort.regions.lastIndex(where: chosen.contains) else { return true }
    return cohort.regions[...last].contains { standings[$0].isChanging }
  }

  private func settled<Result: Apportioned, Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Result {
    if service.isHomeless {
      return .one(Outcome(kind: .fail, regions: [], basis: .noHome))
    }
    if let result: Result = whenFenceIsEmpty(for: cohort, trace: &trace) { return result }
    guard !cohort.regions.isEmpty else {
      return .one(Outcome(kind: .fail, regions: [], basis: .fencedOut))
    }
    let healthyShare = healthyShare(of: cohort.regions)
    if healthyShare < panicThreshold {
      trace.record(.panic(healthyShare: healthyShare, threshold: panicThreshold))
      if let result: Result = assigned(cohort, basis: .panic, trace: &trace) { return result }
    }
    let best = cohort.regions.map { standings[$0].standing }.min() ?? .absent
    trace.record(.tier(best))
    let basis: Basis? =
      switch best {
      case .healthy: .healthy
      case .degraded: .degraded
      case .unknown: .unknown
      case .unhealthy, .removed, .absent: nil
      }
    if let basis, let result: Result = assigned(cohort, basis: basis, trace: &trace) {
      return result
    }
    return lastResort(for: cohort, trace: &trace)
  }

  private func healthyShare(of regions: [Int]) -> Double {
    // Standbys say nothing of whether the checks can be believed: they are not used.
    let regions = regions.filter { standings[$0].standbyStanding == nil }
    let judged = regions.reduce(0) { $0 + standings[$1].judgedCount }
    let healthy = regions.reduce(0) { $0 + standings[$1].healthyCount }
    return judged == 0 ? 1 : Double(healthy) / Double(judged)
  }

  func isUsable(_ region: Int, on basis: Basis) -> Bool {
    let standing = standings[region].standing
    return switch basis {
    case .healthy: standing == .healthy
    case .degraded: standing <= .degraded
    case .unknown: standing <= .unknown
    case .panic, .lastResort, .fenceEmpty: standing <= .unhealthy
    case .fencedOut, .noHome: false
    }
  }

  private func lastResort<Result: Apportioned, Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Result {
    trace.record(.lastResort(service.onAllDown))
    let failed = Result.one(Outcome(kind: .fail, regions: [], basis: .lastResort))
    switch service.onAllDown {
    case .failOpen:
      return assigned(cohort, basis: .lastResort, trace: &trace) ?? failed
    case .failClosed: return failed
    case .noData: return .one(Outcome(kind: .noData, regions: [], basis: .lastResort))
    case .lastGood:
      let usable = cohort.regions.filter { isUsable($0, on: .lastResort) }
      let latest = usable.map { standings[$0].lastGood }.max() ?? 0
      guard latest > 0, let region = usable.first(where: { standings[$0].lastGood == latest })
      else { return assigned(cohort, basis: .lastResort, trace: &trace) ?? failed }
      return .one(Outcome(kind: .serve, regions: [region], basis: .lastResort))
    case .backup(let region):
      guard map.planner.isInside(region, of: cohort.fences), isUsable(region, on: .lastResort)
      else { return failed }
      return .one(Outcome(kind: .serve, regions: [region], basis: .lastResort))
    }
  }

  /// The plan over the regions usable on this basis; nil if none is.
  func assigned<Result: Apportioned, Trace: RouteTrace>(
    _ cohort: SteeringMap.Cohort, basis: Basis, trace: inout Trace
  ) -> Result? {
    let usable = standings.indices.map { isUsable($0, on: basis) }
    guard cohort.plan.keeping({ usable[$0] }) != nil else { return nil }
    for region in cohort.regions where standings[region].admission != .full && usable[region] {
      trace.record(.admission(region: region, standings[region].admission))
    }
    let assignment = SlotAssignment(
      cohort: cohort, basis: basis, spread: service.failoverSpreadMilliseconds,
      isUsable: usable, admissions: standings.map(\.admission), latency: model.latency?.model)
    return .apportioned(by: assignment, trace: &trace)
  }

  /// The usable regions, best standing first and then in order of preference.
  private func retryOrder(for cohort: SteeringMap.Cohort, choice: Choice) -> [Int] {
    let outcomes = choice.outcomes
    guard let basis = outcomes.first?.basis, outcomes.contains(where: { $0.kind == .serve })
    else { return [] }
    if basis == .lastResort && service.onAllDown != .failOpen {
      return outcomes.flatMap(\.regions)
    }
    if basis == .fenceEmpty, case .fixed(let regions) = map.planner.whenEmpty(in: cohort.fences) {
      return regions.filter { isUsable($0, on: basis) }
    }
    let ignoresHealth = basis.ignoresHealth
    return cohort.regions
      .filter { isUsable($0, on: ignoresHealth ? basis : .unknown) }
      .enumerated()
      .sorted { a, b in
        let (first, second) = (standings[a.element].standing, standings[b.element].standing)
        return first == second ? a.offset < b.offset : first < second
      }
      .map(\.element)
  }
}

/// Collects choices into tables without repeating equal ones.
private struct VerdictTableBuilder {
  private var verdicts: [Verdict] = []
  private var outcomes: [Outcome] = []
  private var outcomeIndices: [Outcome: Int] = [:]
  private var slotTables: [[UInt16]] = []
  private var slotTableIndices: [[UInt16]: Int] = [:]
  private var retryOrders: [[Int]] = []
  private var retryOrderIndices: [[Int]: Int] = [:]
  private var retryOrderOfCohort: [Int] = []

  mutating func append(_ choice: VerdictCompiler.Choice, retryOrder: [Int]) {
    switch choice {
    case .one(let outcome): verdicts.append(Verdict(outcome: outcomeIndex(of: outcome)))
    case .drawn(let drawn, let slots):
      let indices = drawn.map { UInt16(outcomeIndex(of: $0)) }
      let table = slots.map { indices[Int($0)] }
      let index = slotTableIndices[table] ?? slotTables.count
      if index == slotTables.count {
        slotTables.append(table)
        slotTableIndices[table] = index
      }
      verdicts.append(Verdict(slotTable: index))
    }
    let index = retryOrderIndices[retryOrder] ?? retryOrders.count
    if index == retryOrders.count {
      retryOrders.append(retryOrder)
      retryOrderIndices[retryOrder] = index
    }
    retryOrderOfCohort.append(index)
  }

  private mutating func outcomeIndex(of outcome: Outcome) -> Int {
    if let index = outcomeIndices[outcome] { return index }
    outcomes.append(outcome)
    outcomeIndices[outcome] = outcomes.count - 1
    return outcomes.count - 1
  }

  func finished(standings: [RegionStanding]) -> VerdictSet {
    VerdictSet(
      verdicts: verdicts, outcomes: outcomes, slotTables: slotTables,
      retryOrderOfCohort: retryOrderOfCohort, retryOrders: retryOrders, standings: standings)
  }
}
