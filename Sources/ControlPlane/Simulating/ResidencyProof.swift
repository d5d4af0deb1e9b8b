import Routing

/// What the check of one fence has found so far.
///
/// What a cohort gets is a function of how those regions stand that matter to it
/// (``VerdictCompiler/regionsThatMatter(toCohort:)``). So failures that leave these in the same
/// state are one state to the cohort, and compiled once; all of them are counted.
struct ResidencyProof {
  struct Finding {
    var service: Int
    var cohort: Int
    var failure: Failure
    /// Outside the fence, and reached.
    var regions: [Int]
  }

  /// Kept for the report.
  static let mostFindings = 20

  private(set) var choices = 0
  /// Of them, those that were compiled; the others are equal to one of these.
  private(set) var distinctChoices = 0
  private(set) var refused = 0
  private(set) var violationCount = 0
  private(set) var violations: [Finding] = []

  /// Follows every cohort through every failure.
  mutating func check(
    model: RoutingModel, service: Int, healthyBoard: HealthBoard, failures: [Failure],
    cohorts: [Int], isInside: [Bool]
  ) {
    let compiler = VerdictCompiler(model: model, service: service, board: healthyBoard)
    let groups = Dictionary(grouping: cohorts) { compiler.regionsThatMatter(toCohort: $0) }
    var worlds = groups.map { regions, cohorts in
      FailureWorld(
        model: model, service: service, healthyBoard: healthyBoard, regions: regions,
        cohorts: cohorts, isInside: isInside)
    }
    worlds.sort { $0.cohorts[0] < $1.cohorts[0] }
    for failure in failures {
      for index in worlds.indices {
        let reached = worlds[index].reached(in: failure)
        choices += worlds[index].cohorts.count
        refused += reached.refused
        violationCount += reached.outside.count
        for (cohort, regions) in reached.outside.prefix(Self.mostFindings - violations.count) {
          violations.append(
            Finding(service: service, cohort: cohort, failure: failure, regions: regions))
        }
      }
    }
    distinctChoices += worlds.reduce(0) { $0 + $1.cohorts.count * $1.states.count }
  }
}

/// The cohorts to which the same regions matter, and what they come to in each state of those.
private struct FailureWorld {
  struct Reached {
    /// Cohorts that come to no region.
    var refused = 0
    /// Cohorts that come to regions outside, and to which.
    var outside: [(cohort: Int, regions: [Int])] = []
  }

  let model: RoutingModel
  let service: Int
  let healthyBoard: HealthBoard
  let regions: Set<Int>
  let cohorts: [Int]
  let isInside: [Bool]
  private(set) var states: [Reached] = []
  /// Indices of ``states``: by what of a failure matters, and by how the regions stand then.
  private var stateOfFailure: [Failure: Int] = [:]
  private var stateOfStandings: [[RegionStanding]: Int] = [:]

  init(
    model: RoutingModel, service: Int, healthyBoard: HealthBoard, regions: Set<Int>,
    cohorts: [Int], isInside: [Bool]
  ) {
    self.model = model
    self.service = service
    self.healthyBoard = healthyBoard
    self.regions = regions
    self.cohorts = cohorts
    self.isInside = isInside
  }

  mutating func reached(in failure: Failure) -> Reached {
    let mattering = Failure(
      regions: failure.regions.filter(regions.contains), manner: failure.manner)
    if let state = stateOfFailure[mattering] { return states[state] }
    let compiler = VerdictCompiler(
      model: model, service: service,
      board: mattering.applied(to: healthyBoard, model: model))
    let standings = regions.sorted().map { compiler.standings[$0] }
    let state = stateOfStandings[standings] ?? states.count
    if state == states.count {
      states.append(reached(by: compiler))
      stateOfStandings[standings] = state
    }
    stateOfFailure[mattering] = state
    return states[state]
  }

  private func reached(by compiler: VerdictCompiler) -> Reached {
    let reach = Reach(compiler.compile(onlyCohorts: cohorts))
    var reached = Reached()
    for (index, cohort) in cohorts.enumerated() {
      let regions = reach.regions(ofCohort: index)
      if regions.isEmpty { reached.refused += 1 }
      let outside = regions.filter { !isInside[$0] }.sorted()
      if !outside.isEmpty { reached.outside.append((cohort, outside)) }
    }
    return reached
  }
}

/// Every region that any client of a cohort may come to: by any share, by any retry.
private struct Reach {
  let set: VerdictSet
  private let ofSlotTable: [Set<Int>]
  private let ofRetryOrder: [Set<Int>]

  init(_ set: VerdictSet) {
    self.set = set
    ofSlotTable = set.slotTables.map { table in
      Set(Set(table).flatMap { set.outcomes[Int($0)].regions })
    }
    ofRetryOrder = set.retryOrders.map { Set($0) }
  }

  func regions(ofCohort cohort: Int) -> Set<Int> {
    let verdict = set.verdicts[cohort]
    let first =
      verdict.isDrawn ? ofSlotTable[verdict.index] : Set(set.outcomes[verdict.index].regions)
    return first.union(ofRetryOrder[set.retryOrderOfCohort[cohort]])
  }
}
