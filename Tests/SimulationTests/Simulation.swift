import Admitting
import Compiling
import Places
import Probing
import Publishing
import Routing
import TestSupport

/// The control plane under a virtual clock: the scheduler with its probe state machines, the board
/// keeper with its overrides, dampers and returns, the verdict compiler and the router, all of them
/// the ones that serve, driven by a ``Schedule``. After every step the ``Inspector`` looks.
struct Simulation {
  /// A probe under way.
  private struct Flight {
    var end: Double
    var start: ProbeScheduler.Start
  }

  let schedule: Schedule
  private(set) var inspector: Inspector
  private var compiled: CompiledSettings
  private var keeper: BoardKeeper
  private var scheduler: ProbeScheduler
  private var generator: SeededGenerator
  private var now = 0.0
  private var flights: [Flight] = []
  private var unsettled: Set<String> = []
  /// By endpoint index.
  private var isUp: [Bool]
  private var slowness: [Double]
  private var nextTraffic = 0.5
  private var nextDemand: Double?
  /// Where services have lags: when they are asked for next, and what is answered, by region.
  private var nextLag = 0.7
  private var lags: [String: Double] = [:]
  /// When time alone changes the board, as the keeper said last.
  private var boardDue: Double?
  /// Whether the board is to be made anew.
  private var hasNews = true

  init(_ schedule: Schedule) {
    self.schedule = schedule
    compiled = schedule.variants[schedule.firstVariant]
    nextDemand = schedule.demandFactor == nil ? nil : 1
    // Another sequence than the one that drew the schedule.
    generator = SeededGenerator(seed: schedule.seed ^ 0x51A7)
    scheduler = ProbeScheduler(maximumConcurrent: 64, jitter: 0.1)
    keeper = BoardKeeper(compiled)
    for region in Landscape.regions { lags[region] = 0 }
    isUp = compiled.model.endpoints.map { _ in true }
    slowness = compiled.model.endpoints.map { _ in 0.02 }
    inspector = Inspector(seed: schedule.seed, compiled: compiled)
    watch()
  }

  /// Runs the schedule to its end, or to the first thing that is wrong.
  mutating func run() {
    var index = 0
    while inspector.failures.isEmpty {
      let planned = index < schedule.events.count ? schedule.events[index].at : nil
      let times = [
        planned, flights.map(\.end).min(), scheduler.nextDue.map { $0 / .seconds(1) },
        boardDue, nextTraffic, nextDemand, inspector.nextDeadline, hasPrimary ? nextLag : nil,
      ]
      guard let next = times.compactMap(\.self).min(), next < Schedule.seconds else { return }
      // A microsecond more, so that rounding does not leave us before what is due.
      now = max(now, next) + 1e-6
      if let planned, planned <= now {
        happen(schedule.events[index].event)
        index += 1
      }
      advanceProbes()
      if nextTraffic <= now { connect() }
      if let next = nextDemand, next <= now { demand() }
      if hasPrimary && nextLag <= now { askForLags() }
      inspector.checkDetection(scheduler, now: now)
      if hasNews || boardDue.map({ $0 <= now }) ?? false { publish() }
    }
  }

  private var moment: Duration { .seconds(now) }

  private mutating func happen(_ event: Schedule.Event) {
    hasNews = true
    switch event {
    case .truth(let endpoint, let value):
      isUp[endpoint] = value
      inspector.noteTruth(endpoint: endpoint, isUp: value, now: now)
    case .slowness(let endpoint, let seconds): slowness[endpoint] = seconds
    case .override(let override):
      _ = keeper.set(override)
      inspector.noteAction()
    case .takeBack(let target):
      _ = keeper.removeOverride(of: target)
      inspector.noteAction()
    case .failback(let region):
      _ = keeper.failback(region: region, now: moment)
      inspector.noteAction()
    case .reload(let variant):
      compiled = schedule.variants[variant]
      watch()
      unsettled = unsettled.filter(scheduler.isUnsettled)
      keeper.replace(with: compiled, conditions: conditions)
      inspector.noteReload(compiled)
    case .lag(let region, let seconds): lags[region] = seconds
    case .promote(let region, let accepted):
      let acceptance = accepted.map { PrimaryStateMachine.Acceptance.upTo(.seconds($0)) }
      operate { machine, rules, now throws(PrimaryStateMachine.Refusal) in
        try machine.promote(region, accepting: acceptance ?? .nothing, rules: rules, now: now)
      }
    case .returnPrimary:
      operate { machine, rules, now throws(PrimaryStateMachine.Refusal) in
        try machine.failback(accepting: .nothing, rules: rules, now: now)
      }
    }
  }

  private var hasPrimary: Bool { compiled.model.services[0].primaryOrder != nil }

  /// An operator's word on the primary, which may be refused.
  private mutating func operate(
    _ body: (inout PrimaryStateMachine, PrimaryStateMachine.Rules, Duration)
      throws(PrimaryStateMachine.Refusal) -> PrimaryStateMachine.Change
  ) {
    let now = moment
    _ = try? keeper.change(primaryOf: "web") {
      machine, rules throws(PrimaryStateMachine.Refusal) in
      try body(&machine, rules, now)
    }
  }

  /// As the node asks: a region both of whose endpoints are down does not answer.
  private mutating func askForLags() {
    nextLag = now + 2
    let readings = Landscape.regions.indices.compactMap { region -> LagReading? in
      let name = Landscape.regions[region]
      guard let lag = lags[name], isUp[2 * region] || isUp[2 * region + 1] else { return nil }
      inspector.noteLag(region: name, seconds: lag, now: now)
      return LagReading(service: "web", region: name, lag: .seconds(lag))
    }
    keeper.apply(readings, now: moment)
    hasNews = true
  }

  /// Tells the scheduler the endpoints of the configuration, as the program does.
  private mutating func watch() {
    let targets = compiled.model.endpoints.compactMap { endpoint in
      compiled.checks[endpoint.id].map {
        ProbeTarget(endpointID: endpoint.id, address: $0.socket, monitor: $0.monitor)
      }
    }
    scheduler.replaceTargets(
      targets, maximumConcurrent: 64, jitter: 0.1, now: moment, using: &generator)
  }

  private mutating func advanceProbes() {
    let (starts, _) = scheduler.advance(now: moment)
    for start in starts {
      let endpoint = index(of: start.target.endpointID)
      let took =
        isUp[endpoint]
        ? .random(in: 0...slowness[endpoint], using: &generator)
        // Refused at once, or no answer at all.
        : Bool.random(using: &generator) ? 0.001 : Landscape.timeout
      flights.append(Flight(end: now + took, start: start))
    }
    for flight in flights where flight.end <= now {
      let endpoint = index(of: flight.start.target.endpointID)
      let isLost = Double.random(in: 0..<1, using: &generator) < schedule.lossShare
      let outcome: ProbeOutcome = isUp[endpoint] && !isLost ? .success : .failure("simulated")
      let change = scheduler.finish(
        flight.start.token, outcome: outcome, took: .zero, now: moment, using: &generator)
      note(flight.start.target.endpointID, isChanged: change != nil)
    }
    flights.removeAll { $0.end <= now }
  }

  /// A client connects to where it is sent; a failure is told to the scheduler, as the proxy does.
  private mutating func connect() {
    nextTraffic = now + .random(in: 0.2...4, using: &generator)
    guard let region = inspector.regions(ofRandomClient: &generator).first else { return }
    let endpoint = 2 * region + .random(in: 0...1, using: &generator)
    guard !isUp[endpoint] else { return }
    let id = compiled.model.endpoints[endpoint].id
    let change = scheduler.noteConnectionFailures(of: id, count: 1, now: moment)
    note(id, isChanged: change != nil)
  }

  /// Tells the keeper what was asked for, as the counters of the data plane do.
  private mutating func demand() {
    nextDemand = now + 2
    let demands = compiled.model.services.indices.map { service in
      compiled.model.maps[compiled.model.services[service].map].cohorts.map { _ in
        Landscape.demand * (schedule.demandFactor ?? 0)
          * .random(in: 0.8...1.2, using: &generator)
      }
    }
    keeper.apply(demands: demands, now: moment)
    hasNews = true
  }

  /// Sees, as the prober does, whether an endpoint's health has changed or come into doubt.
  private mutating func note(_ id: String, isChanged: Bool) {
    let isUnsettled = scheduler.isUnsettled(id)
    if isUnsettled != unsettled.contains(id) {
      if isUnsettled { unsettled.insert(id) } else { unsettled.remove(id) }
      hasNews = true
    }
    if isChanged { hasNews = true }
  }

  private mutating func publish() {
    hasNews = false
    _ = keeper.apply(conditions, now: moment)
    _ = keeper.apply(unsettled: unsettled)
    let board = keeper.board(now: moment)
    if hasPrimary {
      inspector.inspect(
        keeper.takePrimaryChanges(), report: keeper.primaryReports.first,
        states: scheduler.states, overrides: keeper.overrides, now: now)
    }
    boardDue = keeper.due.map { $0 / .seconds(1) }
    inspector.inspect(
      board, states: scheduler.states, overrides: keeper.overrides, now: now, due: boardDue,
      demands: keeper.demands, using: &generator)
  }

  private var conditions: [String: EndpointCondition] {
    scheduler.states.mapValues { EndpointCondition(health: $0.health, lastGood: $0.lastGood) }
  }

  private func index(of id: String) -> Int {
    compiled.model.endpoints.firstIndex { $0.id == id } ?? 0
  }
}
