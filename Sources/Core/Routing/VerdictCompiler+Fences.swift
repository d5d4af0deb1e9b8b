// What the clients of a fence get while nothing inside is usable.

extension Planner {
  /// Whether a region is inside all of these fences, by their indices.
  public func isInside(_ region: Int, of fences: [Int]) -> Bool {
    fences.allSatisfy { self.fences[$0].isInside[region] }
  }

  /// What several fences that hold together say, the strictest first: `refuse`, then `fixed` with
  /// the regions that all of them name, then `serveUnhealthyInside`.
  func whenEmpty(in fences: [Int]) -> Fence.WhenEmpty {
    let wishes = fences.map { self.fences[$0].whenEmpty }
    if wishes.contains(.refuse) { return .refuse }
    let lists = wishes.compactMap { wish -> [Int]? in
      if case .fixed(let regions) = wish { regions } else { nil }
    }
    if let first = lists.first {
      return .fixed(
        first.filter { region in
          lists.allSatisfy { $0.contains(region) } && isInside(region, of: fences)
        })
    }
    return wishes.contains(.serveUnhealthyInside) ? .serveUnhealthyInside : .onAllDown
  }
}

extension VerdictCompiler {
  /// nil while something inside is usable, and where the service's last resort decides. Stands
  /// above the panic threshold: what it would give is what `refuse` forbids.
  func whenFenceIsEmpty<Result: Apportioned, Trace: RouteTrace>(
    for cohort: SteeringMap.Cohort, trace: inout Trace
  ) -> Result? {
    guard !cohort.fences.isEmpty, !cohort.regions.contains(where: { isUsable($0, on: .unknown) })
    else { return nil }
    let wish = map.planner.whenEmpty(in: cohort.fences)
    guard wish != .onAllDown else { return nil }
    trace.record(.fenceEmpty(wish))
    let refused = Result.one(Outcome(kind: .fail, regions: [], basis: .fenceEmpty))
    switch wish {
    case .onAllDown: return nil
    case .refuse: return refused
    case .fixed(let regions):
      guard let region = regions.first(where: { isUsable($0, on: .fenceEmpty) }) else {
        return refused
      }
      return .one(Outcome(kind: .serve, regions: [region], basis: .fenceEmpty))
    case .serveUnhealthyInside:
      return assigned(cohort, basis: .fenceEmpty, trace: &trace) ?? refused
    }
  }
}
