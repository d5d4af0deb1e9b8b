import Admitting
import Routing
import TestSupport
import Testing

private func rules(
  _ failback: PrimaryStateMachine.Failback = .manual, rpo: Int? = nil
) -> PrimaryStateMachine.Rules {
  PrimaryStateMachine.Rules(
    order: ["frankfurt", "dublin", "tokyo"], failHold: .seconds(30), failback: failback,
    failbackAfter: .seconds(60), maximumLoss: rpo.map { .seconds($0) },
    maximumLagAge: .seconds(10), ramp: .seconds(100), rampStart: 0.1)
}

/// A service whose regions are healthy until they are told otherwise.
private struct Watched {
  var machine = PrimaryStateMachine(primary: "frankfurt", epoch: 1)
  var rules: PrimaryStateMachine.Rules
  var standings: [String: Standing] = [:]
  /// Seconds behind, always just measured; nil: unknown.
  var lags: [String: Double] = [:]
  var changes: [PrimaryStateMachine.Change] = []

  init(_ rules: PrimaryStateMachine.Rules) { self.rules = rules }

  mutating func see(at second: Double) {
    let now = Duration.seconds(second)
    let candidates = rules.order.map { name in
      PrimaryStateMachine.Candidate(
        name: name, standing: standings[name] ?? .healthy,
        lag: lags[name].map { .init(.seconds($0), measuredAt: now) })
    }
    if let change = machine.observe(candidates, rules: rules, now: now) { changes.append(change) }
  }

  var state: PrimaryRegion.State { machine.state(rules: rules) }
  var due: Double? { machine.due(rules: rules).map { $0 / .seconds(1) } }
}

@Suite struct `The primary of an active-passive service` {
  @Test func `is the first of the order, whatever else is healthy`() {
    var watched = Watched(rules())
    watched.standings["dublin"] = .unhealthy
    for second in [0.0, 10, 1000] { watched.see(at: second) }
    #expect(watched.machine.primary == "frankfurt" && watched.machine.epoch == 1)
    #expect(watched.state == .primary && watched.due == nil && watched.changes.isEmpty)
  }

  @Test(arguments: [Standing.unhealthy, .removed, .absent])
  func `is another one once it was down for the whole hold`(standing: Standing) {
    var watched = Watched(rules())
    watched.see(at: 0)
    watched.standings["frankfurt"] = standing
    watched.see(at: 5)
    #expect(watched.machine.primary == "frankfurt" && watched.due == 35)
    #expect(watched.machine.isChanging(rules: watched.rules))
    watched.see(at: 34.9)
    #expect(watched.changes.isEmpty)
    watched.see(at: 35)
    #expect(watched.machine.primary == "dublin" && watched.machine.epoch == 2)
    #expect(watched.state == .failedOver)
    #expect(watched.changes.map(\.cause) == [.failure])
  }

  @Test func `stays if it is up again before the hold is over, and the hold begins anew`() {
    var watched = Watched(rules())
    for (second, standing) in [(5.0, Standing.unhealthy), (30, .degraded), (31, .unhealthy)] {
      watched.standings["frankfurt"] = standing
      watched.see(at: second)
    }
    #expect(watched.due == 61)
    watched.see(at: 60)
    #expect(watched.changes.isEmpty)
  }

  @Test func `is not lost by what is not known`() {
    var watched = Watched(rules())
    watched.standings["frankfurt"] = .unknown
    for second in [0.0, 100, 1000] { watched.see(at: second) }
    #expect(watched.changes.isEmpty)
  }

  @Test func `comes back with manual only when an operator says so`() throws {
    var watched = failedOver(.manual)
    watched.standings["frankfurt"] = .healthy
    watched.see(at: 40)
    #expect(watched.state == .awaitingFailback && watched.due == nil)
    watched.see(at: 40_000)
    #expect(watched.machine.primary == "dublin")
    let change = try watched.machine.failback(
      accepting: .nothing, rules: watched.rules, now: .seconds(40_001))
    #expect(change.to == "frankfurt" && change.epoch == 3 && change.from == "dublin")
    #expect(watched.state == .primary)
  }

  @Test func `comes back with auto after a time that begins anew with every failure`() {
    var watched = failedOver(.auto)
    for (second, standing) in [(40.0, Standing.healthy), (90, .unhealthy), (95, .healthy)] {
      watched.standings["frankfurt"] = standing
      watched.see(at: second)
    }
    #expect(watched.machine.primary == "dublin" && watched.due == 155)
    watched.see(at: 154.9)
    #expect(watched.machine.primary == "dublin")
    watched.see(at: 155)
    #expect(watched.machine.primary == "frankfurt" && watched.machine.epoch == 3)
    #expect(watched.machine.share(rules: watched.rules) == 1)
  }

  @Test func `comes back with gradual in steps, as primary from the first of them`() {
    var watched = returning()
    #expect(watched.machine.former == "dublin" && watched.machine.epoch == 3)
    var shares = [watched.machine.share(rules: watched.rules)]
    while let due = watched.due {
      watched.see(at: due)
      shares.append(watched.machine.share(rules: watched.rules))
    }
    #expect(shares.first == 0.1 && shares.last == 1 && shares == shares.sorted())
    #expect(shares.count == ReturnStateMachine.rampStepCount + 1)
    #expect(watched.machine.former == nil && watched.machine.epoch == 3)
  }

  @Test func `that fails while clients return gives them back at once`() {
    var watched = returning()
    watched.standings["frankfurt"] = .unhealthy
    watched.see(at: 120)
    #expect(watched.machine.primary == "dublin" && watched.machine.epoch == 4)
    #expect(watched.machine.former == nil)
  }

  @Test func `moves on when the order does not have it any more`() {
    var watched = Watched(rules())
    watched.see(at: 0)
    watched.rules.order = ["dublin", "tokyo"]
    watched.see(at: 1)
    #expect(watched.machine.primary == "dublin" && watched.machine.epoch == 2)
    #expect(watched.changes.map(\.cause) == [.configuration])
  }

  private func failedOver(_ failback: PrimaryStateMachine.Failback) -> Watched {
    var watched = Watched(rules(failback))
    watched.standings["frankfurt"] = .unhealthy
    watched.see(at: 0)
    watched.see(at: 30)
    return watched
  }

  private func returning() -> Watched {
    var watched = failedOver(.gradual)
    watched.standings["frankfurt"] = .healthy
    watched.see(at: 40)
    watched.see(at: 100)
    return watched
  }
}

@Suite struct `A standby that is behind` {
  /// The primary down for longer than its hold.
  private func down(lags: [String: Double]) -> Watched {
    var watched = Watched(rules(rpo: 10))
    watched.lags = lags
    watched.standings["frankfurt"] = .unhealthy
    watched.see(at: 0)
    watched.see(at: 30)
    return watched
  }

  @Test(arguments: [["dublin": 40.0, "tokyo": 11], [:]])
  func `by more than the rpo, or by nobody knows what, waits for an operator`(
    lags: [String: Double]
  ) {
    let watched = down(lags: lags)
    #expect(watched.machine.primary == "frankfurt" && watched.machine.epoch == 1)
    #expect(watched.state == .awaitingOperator)
  }

  @Test func `is passed over for one that is not`() {
    let watched = down(lags: ["dublin": 40, "tokyo": 10])
    #expect(watched.machine.primary == "tokyo" && watched.changes[0].lag == .seconds(10))
  }

  @Test func `takes over as soon as it has caught up`() {
    var watched = down(lags: ["dublin": 40])
    watched.lags["dublin"] = 9.5
    watched.see(at: 31)
    #expect(watched.machine.primary == "dublin" && watched.machine.epoch == 2)
  }

  @Test func `by a figure that is old counts as unknown`() {
    var watched = Watched(rules(rpo: 10))
    watched.standings["frankfurt"] = .unhealthy
    let old = PrimaryStateMachine.Lag(.zero, measuredAt: .seconds(19))
    for second in [0, 30] {
      let candidates = watched.rules.order.map { name in
        PrimaryStateMachine.Candidate(
          name: name, standing: watched.standings[name] ?? .healthy, lag: old)
      }
      _ = watched.machine.observe(candidates, rules: watched.rules, now: .seconds(second))
    }
    #expect(watched.machine.primary == "frankfurt" && watched.state == .awaitingOperator)
  }

  @Test func `is promoted by an operator who accepts the loss, and stays then`() throws {
    var watched = down(lags: ["dublin": 40])
    let rules = watched.rules
    for acceptance in [PrimaryStateMachine.Acceptance.nothing, .upTo(.seconds(39))] {
      #expect(throws: PrimaryStateMachine.Refusal.lag("dublin", .seconds(40), limit: .seconds(10)))
      {
        try watched.machine.promote(
          "dublin", accepting: acceptance, rules: rules, now: .seconds(30))
      }
    }
    let change = try watched.machine.promote(
      "dublin", accepting: .upTo(.seconds(40)), rules: rules, now: .seconds(30))
    #expect(change.epoch == 2 && change.cause == .promotion(.upTo(.seconds(40))))
    watched.rules.failback = .auto
    watched.standings["frankfurt"] = .healthy
    watched.lags["frankfurt"] = 0
    for second in [40.0, 4000] { watched.see(at: second) }
    #expect(watched.machine.primary == "dublin" && watched.machine.isChosen)
  }

  @Test func `of which no lag is known takes an operator who accepts any loss`() throws {
    var watched = down(lags: [:])
    let rules = watched.rules
    #expect(throws: PrimaryStateMachine.Refusal.lag("dublin", nil, limit: .seconds(10))) {
      try watched.machine.promote(
        "dublin", accepting: .upTo(.seconds(1000)), rules: rules, now: .seconds(30))
    }
    _ = try watched.machine.promote(
      "dublin", accepting: .anything, rules: rules, now: .seconds(30))
    #expect(watched.machine.primary == "dublin")
  }

  @Test func `or down, or the primary already, or not in the order, is refused`() {
    var watched = Watched(rules())
    watched.standings["dublin"] = .unhealthy
    watched.see(at: 0)
    for (region, refusal) in [
      ("dublin", PrimaryStateMachine.Refusal.isNotUp("dublin", .unhealthy)),
      ("frankfurt", .isPrimary("frankfurt")), ("paris", .notInOrder("paris")),
    ] {
      #expect(throws: refusal) {
        try watched.machine.promote(
          region, accepting: .anything, rules: watched.rules, now: .seconds(1))
      }
    }
    #expect(throws: PrimaryStateMachine.Refusal.isPrimary("frankfurt")) {
      try watched.machine.failback(accepting: .anything, rules: watched.rules, now: .seconds(1))
    }
  }
}
