import Latency

/// One walk over a plan that shares its clients out among its usable regions.
///
/// Three things keep a region from having all the clients that fall to it: its operator's dial, its
/// ramp after an outage, and its load. The first two are one share, the region's *limit*. The third
/// is its *opening* y: of a region's own clients as many stay as
///
///     limit · y / (y + (1 − y) · Y)
///
/// where Y is the mean opening of the alternatives, weighted by latency; the rest goes to the
/// alternatives by latency weight × limit × opening. So every cohort gets c·w_r/Σ(c·w) of a common
/// set of region weights, as in biproportional fitting, and whatever flow fits the capacities can
/// be reached; cohorts that fences leave fewer alternatives stay before those that have more.
///
/// Nobody is refused for an admission: what no alternative takes stays where it belongs.
struct SlotAssignment {
  let cohort: SteeringMap.Cohort
  let basis: Basis
  /// Milliseconds; 0: no spreading.
  let spread: Double
  /// By region.
  let isUsable: [Bool]
  /// By region.
  let admissions: [Admission]
  /// How regions measure each other; nil: they do not.
  let latency: LatencyModel?

  /// Whether a region keeps to its admission, or takes what it is given.
  private enum Rule { case admitting, forced }

  func choice<Trace: RouteTrace>(trace: inout Trace) -> VerdictCompiler.Choice {
    if let outcome = singleOutcome(of: cohort.plan) { return .one(outcome) }
    var outcomes: [Outcome] = []
    var slots = [UInt16](repeating: 0, count: SlotTable.slotCount)
    give(SlotRun(slots: SlotTable.shuffled), trace: &trace) { outcome, run in
      let index = outcomes.firstIndex(of: outcome) ?? outcomes.count
      if index == outcomes.count { outcomes.append(outcome) }
      for slot in run.slots { slots[Int(slot)] = UInt16(index) }
    }
    return outcomes.count == 1 ? .one(outcomes[0]) : .drawn(outcomes, slots: slots)
  }

  /// The share of the clients that each outcome gets; they add up to 1.
  func shares() -> [(outcome: Outcome, share: Double)] {
    if let outcome = singleOutcome(of: cohort.plan) { return [(outcome, 1)] }
    var shares: [(outcome: Outcome, share: Double)] = []
    var silent = SilentTrace()
    give(ClientShare(amount: 1), trace: &silent) { shares.append(($0, $1.amount)) }
    return shares
  }

  /// Gives everything to someone.
  private func give<Part: Portion, Trace: RouteTrace>(
    _ all: Part, trace: inout Trace, to receive: (Outcome, Part) -> Void
  ) {
    let give = { (outcome: Outcome, part: Part) in
      if !part.isEmpty { receive(outcome, part) }
    }
    let left = share(
      all, over: cohort.plan, rule: .admitting, rank: .preferred, trace: &trace, give: give)
    guard !left.isEmpty else { return }
    trace.record(.nobodyElse(share: left.amount / all.amount))
    _ = share(
      left, over: cohort.plan, rule: .forced, rank: .preferred, trace: &trace, give: give)
  }

  private func serving(_ regions: [Int], _ rank: Rank) -> Outcome {
    Outcome(kind: .serve, regions: regions, basis: basis, rank: rank)
  }

  private func isUsed(_ plan: Plan) -> Bool { plan.keeping { isUsable[$0] } != nil }

  private func isOpen(_ region: Int) -> Bool { admissions[region] == .full }

  /// The outcome if all clients get the same: nearly always so while the first choice is up.
  private func singleOutcome(of plan: Plan, rank: Rank = .preferred) -> Outcome? {
    switch plan {
    case .region(let region):
      return isUsable[region] && isOpen(region) ? serving([region], rank) : nil
    case .nearest(let regions):
      guard let first = regions.first, isUsable[first], isOpen(first) else { return nil }
      return serving([first], rank)
    case .inOrder(let plans):
      guard let used = plans.firstIndex(where: isUsed) else { return nil }
      return singleOutcome(of: plans[used], rank: used == 0 ? rank : .failover)
    case .all:
      return plan.keeping { isUsable[$0] }.flatMap { kept in
        kept.regions.allSatisfy(isOpen) ? serving(kept.regions, rank) : nil
      }
    case .shares: return nil
    }
  }

  /// Gives each part of the plan its clients.
  ///
  /// - Parameter rank: where the plan as a whole is among the choices of the clients.
  /// - Returns: those whom no part of the plan admits, in their order; none if it is forced.
  private func share<Part: Portion, Trace: RouteTrace>(
    _ clients: Part, over plan: Plan, rule: Rule, rank: Rank, trace: inout Trace,
    give: (Outcome, Part) -> Void
  ) -> Part {
    guard !clients.isEmpty else { return .none }
    switch plan {
    case .region(let region):
      let (kept, left) = clients.divided(at: admittedShare(of: region, rule: rule))
      give(serving([region], rank), kept)
      return left
    case .all:
      return shareAll(clients, over: plan, rule: rule, rank: rank, give: give)
    case .inOrder(let plans):
      var left = clients
      var next = rank
      for plan in plans where !left.isEmpty {
        guard isUsed(plan) else {
          next = .failover
          continue
        }
        left = share(left, over: plan, rule: rule, rank: next, trace: &trace, give: give)
        next = max(next, .spillOver)
      }
      return left
    case .nearest(let regions):
      return shareNearest(
        clients, over: regions, rule: rule, rank: rank, trace: &trace, give: give)
    case .shares(let shares):
      return shareWeighted(
        clients, over: shares, rule: rule, rank: rank, trace: &trace, give: give)
    }
  }

  private func admittedShare(of region: Int, rule: Rule) -> Double {
    guard isUsable[region] else { return 0 }
    return rule == .forced ? 1 : admissions[region].limit * admissions[region].opening
  }

  /// Each region is in as many of the answers as it admits.
  private func shareAll<Part: Portion>(
    _ clients: Part, over plan: Plan, rule: Rule, rank: Rank, give: (Outcome, Part) -> Void
  ) -> Part {
    let regions = plan.keeping { isUsable[$0] }?.regions ?? []
    let shares = regions.map { admittedShare(of: $0, rule: rule) }
    var left = clients
    var passed = 0.0
    for end in Set(shares).sorted() where end > passed {
      let present = zip(regions, shares).filter { $1 >= end }.map(\.0)
      let (part, rest) = left.divided(at: (end - passed) / (1 - passed))
      give(serving(present, rank), part)
      left = rest
      passed = end
    }
    return left
  }

  /// What an unusable share loses, and what a usable one does not admit, is cut anew among the
  /// others, so that nobody else's clients move.
  private func shareWeighted<Part: Portion, Trace: RouteTrace>(
    _ clients: Part, over shares: [Plan.PlanShare], rule: Rule, rank: Rank,
    trace: inout Trace, give: (Outcome, Part) -> Void
  ) -> Part {
    let kept = shares.map { isUsed($0.plan) }
    let weights = effectiveWeights(shares, isKept: kept)
    var freed = Part.none
    var refused = shares.map { _ in Part.none }
    for (index, run) in clients.cut(byWeights: weights.all).enumerated() {
      if kept[index] {
        refused[index] = share(
          run, over: shares[index].plan, rule: rule, rank: rank, trace: &trace, give: give)
      } else {
        freed = freed + run
      }
    }
    for (index, run) in freed.cut(byWeights: weights.kept).enumerated() {
      let more = share(
        run, over: shares[index].plan, rule: rule, rank: .failover, trace: &trace, give: give)
      refused[index] = refused[index] + more
    }
    let openings = shares.indices.map { kept[$0] ? opening(of: shares[$0].plan) : 0 }
    var left = Part.none
    for (index, run) in refused.enumerated() where !run.isEmpty {
      let others = shares.indices.map { $0 == index ? 0 : weights.kept[$0] * openings[$0] }
      guard others.contains(where: { $0 > 0 }) else {
        left = left + run
        continue
      }
      for (other, part) in run.dealt(byWeights: others).enumerated() {
        _ = share(
          part, over: shares[other].plan, rule: .forced, rank: max(rank, .spillOver),
          trace: &trace, give: give)
      }
    }
    return left
  }

  /// How much of what others do not admit a part of the plan takes, 0...1.
  private func opening(of plan: Plan) -> Double {
    let regions = plan.keeping { isUsable[$0] }?.regions ?? []
    return regions.map { admissions[$0].limit * admissions[$0].opening }.max() ?? 0
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
}

/// What becomes of one cohort: who gets what, or only how many get what.
protocol Apportioned {
  /// All clients get the same.
  static func one(_ outcome: Outcome) -> Self
  static func apportioned<Trace: RouteTrace>(
    by assignment: SlotAssignment, trace: inout Trace
  ) -> Self
}

extension VerdictCompiler.Choice {
  static func apportioned<Trace: RouteTrace>(
    by assignment: SlotAssignment, trace: inout Trace
  ) -> VerdictCompiler.Choice { assignment.choice(trace: &trace) }
}

/// The share of a cohort's clients that each outcome gets.
struct OutcomeShares: Apportioned {
  var shares: [(outcome: Outcome, share: Double)]

  static func one(_ outcome: Outcome) -> OutcomeShares { OutcomeShares(shares: [(outcome, 1)]) }

  static func apportioned<Trace: RouteTrace>(
    by assignment: SlotAssignment, trace: inout Trace
  ) -> OutcomeShares { OutcomeShares(shares: assignment.shares()) }
}

// MARK: - Nearest first

extension SlotAssignment {
  private func shareNearest<Part: Portion, Trace: RouteTrace>(
    _ clients: Part, over regions: [Int], rule: Rule, rank: Rank, trace: inout Trace,
    give: (Outcome, Part) -> Void
  ) -> Part {
    guard let home = regions.first else { return clients }
    let others = regions.dropFirst().filter { isUsable[$0] }
    var takes = weights(of: others, besides: home)
    if rule == .forced {
      if isUsable[home] {
        give(serving([home], rank), clients)
        return .none
      }
      if takes.allSatisfy({ $0 == 0 }) {
        takes = weights(of: others, besides: home, ignoringAdmission: true)
      }
    }
    let (kept, rest) = clients.divided(at: homeShare(home, others: others))
    give(serving([home], rank), kept)
    let total = takes.reduce(0, +)
    guard !rest.isEmpty, total > 0 else { return rest }
    trace.record(
      .spread(
        from: home,
        shares: zip(others, takes).filter { $1 > 0 }.map {
          RegionShare(
            region: $0,
            share: $1 / total * rest.amount / clients.amount)
        }))
    for (region, run) in zip(others, rest.dealt(byWeights: takes)) {
      give(serving([region], isUsable[home] ? max(rank, .spillOver) : .failover), run)
    }
    return .none
  }

  /// The share of a first choice's clients that stay with it.
  private func homeShare(_ home: Int, others: [Int]) -> Double {
    guard isUsable[home] else { return 0 }
    let opening = admissions[home].opening
    guard opening < 1 else { return admissions[home].limit }
    let latencies = latencyWeights(others, besides: home)
    let limits = zip(others, latencies).map { $1 * admissions[$0].limit }
    let total = limits.reduce(0, +)
    guard total > 0 else { return admissions[home].limit }
    let mean = zip(others, limits).reduce(0) { $0 + admissions[$1.0].opening * $1.1 } / total
    return admissions[home].limit * opening / (opening + (1 - opening) * mean)
  }

  /// What the candidates take of a first choice's clients, relative to each other. What comes to
  /// less than a fiftieth is not worth an answer of its own.
  private func weights(
    of others: [Int], besides home: Int, ignoringAdmission: Bool = false
  ) -> [Double] {
    let isOpen = ignoringAdmission || others.allSatisfy(isOpen)
    let weights = zip(others, latencyWeights(others, besides: home)).map { region, latency in
      isOpen ? latency : latency * admissions[region].limit * admissions[region].opening
    }
    let total = weights.reduce(0, +)
    guard total > 0 else { return weights }
    // Few distinct tables while nothing is adjusted; while something is, weights without a jump.
    return isOpen
      ? weights.map { $0 < total / 50 ? 0 : ($0 / total * 64).rounded() }
      : weights.map { max(0, $0 / total - 0.02) }
  }

  /// By how much slower than the fastest it is, the weight of a candidate falls: to 1/e for every
  /// ``spread`` milliseconds. Without latencies, or without a spread, each candidate gets what
  /// those before it leave.
  private func latencyWeights(_ candidates: [Int], besides home: Int) -> [Double] {
    let latencies = candidates.map { region -> Double? in
      guard let index = cohort.regions.firstIndex(of: region),
        let own = cohort.roundTripMilliseconds[index]
      else { return nil }
      return LatencyModel.roundTripMilliseconds(
        own, confidence: cohort.confidence[index],
        fromLost: latency?.roundTrip(from: home, to: region))
    }
    guard spread > 0, let fastest = latencies.compactMap(\.self).min() else {
      var left = 1.0
      return candidates.map { region in
        let weight = left
        left *= 1 - admissions[region].limit * admissions[region].opening
        return weight
      }
    }
    return latencies.map { $0.map { exponential(-($0 - fastest) / spread) } ?? 0 }
  }
}

/// eˣ for x ≤ 0, the same on every machine: by the first terms of its series at x/2¹⁰, squared up.
package func exponential(_ x: Double) -> Double {
  guard x > -700 else { return 0 }
  let small = x / 1024
  var result = 1 + small * (1 + small / 2 * (1 + small / 3 * (1 + small / 4)))
  for _ in 0..<10 { result *= result }
  return result
}
