/// What a policy comes to for one client, before health: the preference list with its structure.
/// Rules are decided, distances sorted, fences applied. Equal plans make one cohort.
public indirect enum Plan: Sendable, Hashable {
  case region(Int)
  /// The first that has anything usable: the operator's order.
  case inOrder([Plan])
  /// Nearest first; a lost first choice is spread over the others by latency.
  case nearest([Int])
  case shares([PlanShare])
  case all([Plan])

  public struct PlanShare: Sendable, Hashable {
    public var plan: Plan
    public var weight: Int
  }

  /// No region at all: the fences left none.
  public static let empty = Plan.inOrder([])

  /// Every region of the plan, in order of preference, each once.
  public var regions: [Int] {
    var seen: Set<Int> = []
    var ordered: [Int] = []
    appendRegions(to: &ordered, seen: &seen)
    return ordered
  }

  private func appendRegions(to ordered: inout [Int], seen: inout Set<Int>) {
    switch self {
    case .region(let region):
      if seen.insert(region).inserted { ordered.append(region) }
    case .nearest(let regions):
      for region in regions where seen.insert(region).inserted { ordered.append(region) }
    case .inOrder(let plans), .all(let plans):
      for plan in plans { plan.appendRegions(to: &ordered, seen: &seen) }
    case .shares(let shares):
      for share in shares { share.plan.appendRegions(to: &ordered, seen: &seen) }
    }
  }

  /// The plan without the regions that are not allowed; a branch that loses all is dropped.
  public func keeping(_ isAllowed: (Int) -> Bool) -> Plan? {
    switch self {
    case .region(let region): return isAllowed(region) ? self : nil
    case .nearest(let regions):
      let kept = regions.filter(isAllowed)
      return kept.isEmpty ? nil : .nearest(kept)
    case .inOrder(let plans):
      let kept = plans.compactMap { $0.keeping(isAllowed) }
      return kept.isEmpty ? nil : .inOrder(kept)
    case .all(let plans):
      let kept = plans.compactMap { $0.keeping(isAllowed) }
      return kept.isEmpty ? nil : .all(kept)
    case .shares(let shares):
      let kept = shares.compactMap { share in
        share.plan.keeping(isAllowed).map { PlanShare(plan: $0, weight: share.weight) }
      }
      return kept.isEmpty ? nil : .shares(kept)
    }
  }
}
