import Places

/// Turns plans and health into verdicts. A pure function of its inputs: two nodes with the same
/// edition reach the same verdicts.
public struct VerdictCompiler: Sendable {
  let model: RoutingModel
  let service: RoutingModel.Service
  /// 0...1; 0 is off.
  let panicThreshold: Double
  let map: SteeringMap
  /// By region.
  let standings: [RegionStanding]

  public init(model: RoutingModel, service: Int, board: HealthBoard) {
    self.model = model
    self.service = model.services[service]
    panicThreshold = self.service.pool.map { model.pools[$0].panicThreshold } ?? 0
    map = model.maps[self.service.map]
    standings = model.regions.indices.map {
      model.standing(ofRegion: $0, forService: service, on: board)
    }
  }

  /// The verdicts of all cohorts, or `previous` if nothing that they depend on has changed.
  public func compile(reusing previous: VerdictSet? = nil) -> VerdictSet {
    if let previous, previous.standings == standings { return previous }
    var table = VerdictTableBuilder()
    var silent = SilentTrace()
    for cohort in map.cohorts {
      let choice = choice(for: cohort, trace: &silent)
      table.append(choice, retryOrder: retryOrder(for: cohort, choice: choice))
    }
    return table.finished(standings: standings)
  }

  /// What one cohort gets, by slot if its clients are shared out.
  enum Choice {
    case one(Outcome)
    case drawn([Outcome], slots: [UInt16])
  }

  func choice<Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Choice {
    if let choice = choiceWhenFenceIsEmpty(for: cohort, trace: &trace) { return choice }
    guard !cohort.regions.isEmpty else {
      return .one(Outcome(kind: .fail, regions: [], basis: .fencedOut))
    }
    let healthyShare = healthyShare(of: cohort.regions)
    if healthyShare < panicThreshold {
      trace.record(.panic(healthyShare: healthyShare, threshold: panicThreshold))
      if let choice = assigned(cohort, basis: .panic, trace: &trace) { return choice }
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
    if let basis, let choice = assigned(cohort, basis: basis, trace: &trace) { return choice }
    return lastResort(for: cohort, trace: &trace)
  }

  private func healthyShare(of regions: [Int]) -> Double {
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
    case .fencedOut: false
    }
  }

  private func lastResort<Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Choice {
    trace.record(.lastResort(service.onAllDown))
    let failed = Choice.one(Outcome(kind: .fail, regions: [], basis: .lastResort))
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

  /// The usable regions, best standing first and then in order of preference.
  private func retryOrder(for cohort: SteeringMap.Cohort, choice: Choice) -> [Int] {
    let outcomes: [Outcome] =
      switch choice {
      case .one(let outcome): [outcome]
      case .drawn(let outcomes, _): outcomes
      }
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

// MARK: - From plan to shares

extension VerdictCompiler {
  /// The plan over the regions usable on this basis; nil if none is.
  func assigned<Trace: RouteTrace>(
    _ cohort: SteeringMap.Cohort, basis: Basis, trace: inout Trace
  ) -> Choice? {
    guard cohort.plan.keeping({ isUsable($0, on: basis) }) != nil else { return nil }
    let pass = SlotAssignment(
      cohort: cohort, basis: basis, spread: service.failoverSpreadMilliseconds)
    return pass.choice(isUsable: { isUsable($0, on: basis) }, trace: &trace)
  }
}

/// One walk over a plan that shares the slots out.
private struct SlotAssignment {
  let cohort: SteeringMap.Cohort
  let basis: Basis
  /// Milliseconds; 0: no spreading.
  let spread: Double

  func choice<Trace: RouteTrace>(
    isUsable: (Int) -> Bool, trace: inout Trace
  ) -> VerdictCompiler.Choice {
    if let outcome = singleOutcome(of: cohort.plan, isUsable: isUsable) { return .one(outcome) }
    var outcomes: [Outcome] = []
    var slots = [UInt16](repeating: 0, count: SlotTable.slotCount)
    share(
      SlotTable.shuffled, over: cohort.plan, isUsable: isUsable, trace: &trace
    ) { outcome, run in
      let index = outcomes.firstIndex(of: outcome) ?? outcomes.count
      if index == outcomes.count { outcomes.append(outcome) }
      for slot in run { slots[Int(slot)] = UInt16(index) }
    }
    return outcomes.count == 1 ? .one(outcomes[0]) : .drawn(outcomes, slots: slots)
  }

  private func serving(_ regions: [Int]) -> Outcome {
    Outcome(kind: .serve, regions: regions, basis: basis)
  }

  /// The outcome if all clients get the same: nearly always so while the first choice is up.
  private func singleOutcome(of plan: Plan, isUsable: (Int) -> Bool) -> Outcome? {
    switch plan {
    case .region(let region): isUsable(region) ? serving([region]) : nil
    case .nearest(let regions):
      if let first = regions.first, isUsable(first) { serving([first]) } else { nil }
    case .inOrder(let plans):
      plans.first { $0.keeping(isUsable) != nil }
        .flatMap { singleOutcome(of: $0, isUsable: isUsable) }
    case .all: plan.keeping(isUsable).map { serving($0.regions) }
    case .shares: nil
    }
  }

  /// Gives each part of the plan its run of slots. What an unusable share loses is cut anew among
  /// the usable ones, so that nobody else's clients move.
  private func share<Trace: RouteTrace>(
    _ slots: [UInt16], over plan: Plan, isUsable: (Int) -> Bool, trace: inout Trace,
    give: (Outcome, [UInt16]) -> Void
  ) {
    guard !slots.isEmpty else { return }
    switch plan {
    case .region(let region): give(serving([region]), slots)
    case .all:
      if let kept = plan.keeping(isUsable) { give(serving(kept.regions), slots) }
    case .inOrder(let plans):
      if let first = plans.first(where: { $0.keeping(isUsable) != nil }) {
        share(slots, over: first, isUsable: isUsable, trace: &trace, give: give)
      }
    case .nearest(let regions):
      shareNearest(slots, over: regions, isUsable: isUsable, trace: &trace, give: give)
    case .shares(let shares):
      let kept = shares.map { $0.plan.keeping(isUsable) != nil }
      let weights = effectiveWeights(shares, isKept: kept)
      var freed: [UInt16] = []
      for (index, run) in SlotTable.cut(slots, byWeights: weights.all).enumerated() {
        if kept[index] {
          share(run, over: shares[index].plan, isUsable: isUsable, trace: &trace, give: give)
        } else {
          freed += run
        }
      }
      for (index, run) in SlotTable.cut(freed, byWeights: weights.kept).enumerated() {
        share(run, over: shares[index].plan, isUsable: isUsable, trace: &trace, give: give)
      }
    }
  }

  /// Standbys (weight 0) count only when every other share is gone, and then alike.
  private func effectiveWeights(
    _ shares: [Plan.PlanShare], isKept: [Bool]
  ) -> (all: [Double], kept: [Double]) {
    let isAnyActive = zip(shares, isKept).contains { $0.weight > 0 && $1 }
    guard isAnyActive else {
      let standby = isKept.map { $0 ? 1.0 : 0.0 }
      return (standby, standby)
    }
    let all = shares.map { Double($0.weight) }
    return (all, zip(all, isKept).map { $1 ? $0 : 0 })
  }

  private func shareNearest<Trace: RouteTrace>(
    _ slots: [UInt16], over regions: [Int], isUsable: (Int) -> Bool, trace: inout Trace,
    give: (Outcome, [UInt16]) -> Void
  ) {
    let candidates = regions.filter(isUsable)
    guard let next = candidates.first, let lost = regions.first else { return }
    guard next != lost else { return give(serving([next]), slots) }
    let weights = spreadWeights(candidates)
    let total = weights.reduce(0, +)
    trace.record(
      .spread(
        from: lost,
        shares: zip(candidates, weights).filter { $1 > 0 }.map {
          RegionShare(region: $0, share: $1 / total)
        }))
    for (region, run) in zip(candidates, SlotTable.cut(slots, byWeights: weights))
    where !run.isEmpty {
      give(serving([region]), run)
    }
  }

  /// The weight of a candidate falls to 1/e for every ``spread`` milliseconds that it is slower
  /// than the fastest; what comes to less than a fiftieth is not worth an answer of its own.
  private func spreadWeights(_ candidates: [Int]) -> [Double] {
    let latencies = candidates.map { region -> Double? in
      cohort.regions.firstIndex(of: region).flatMap { cohort.roundTripMilliseconds[$0] }
    }
    let known = latencies.compactMap(\.self)
    guard spread > 0, let fastest = known.min() else {
      return candidates.indices.map { $0 == 0 ? 1 : 0 }
    }
    let weights = latencies.map { $0.map { exponential(-($0 - fastest) / spread) } ?? 0 }
    let total = weights.reduce(0, +)
    return weights.map { $0 < total / 50 ? 0 : ($0 / total * 64).rounded() }
  }
}

/// eˣ for x ≤ 0, the same on every machine: by the first terms of its series at x/2¹⁰, squared up.
func exponential(_ x: Double) -> Double {
  guard x > -700 else { return 0 }
  let small = x / 1024
  var result = 1 + small * (1 + small / 2 * (1 + small / 3 * (1 + small / 4)))
  for _ in 0..<10 { result *= result }
  return result
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
