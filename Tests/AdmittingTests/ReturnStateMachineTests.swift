import Admitting
import Routing
import TestSupport
import Testing

private func rules(
  _ failback: ReturnStateMachine.Failback, holdDown: Int = 0, ramp: Int = 100,
  flapping: FlapDamper.Rules = .off
) -> ReturnStateMachine.Rules {
  ReturnStateMachine.Rules(
    failback: failback, holdDown: .seconds(holdDown), ramp: .seconds(ramp), rampStart: 0.1,
    flapping: flapping)
}

private let damping = FlapDamper.Rules(
  suppressAt: 2.5, reuseAt: 1, halfLife: .seconds(120), longest: .seconds(600))

/// A machine with its rules and the seconds it is at.
private struct Watched {
  var machine = ReturnStateMachine()
  let rules: ReturnStateMachine.Rules

  init(_ rules: ReturnStateMachine.Rules) { self.rules = rules }

  mutating func see(_ standing: Standing, at second: Double, isForced: Bool = false) {
    machine.observe(standing, isForced: isForced, rules: rules, now: .seconds(second))
  }

  mutating func release(at second: Double) -> Bool {
    machine.release(rules: rules, now: .seconds(second))
  }

  var found: RegionReturn { machine.regionReturn(rules: rules) }
  var due: Double? { machine.due(rules: rules).map { $0 / .seconds(1) } }
}

@Suite struct `A lost region returns` {
  @Test func `at once with auto`() {
    var watched = Watched(rules(.auto))
    for (second, standing) in [(0.0, Standing.healthy), (5, .unhealthy), (9, .healthy)] {
      watched.see(standing, at: second)
      #expect(watched.found == .complete)
    }
    #expect(watched.due == nil)
  }

  @Test func `over its ramp with gradual, from its first share to all, in bounded steps`() {
    var watched = Watched(rules(.gradual))
    watched.see(.healthy, at: 0)
    watched.see(.unhealthy, at: 5)
    watched.see(.healthy, at: 10)
    #expect(watched.found == RegionReturn(ramp: 0.1))
    var shares = [watched.found.ramp]
    while let due = watched.due {
      watched.see(.healthy, at: due)
      shares.append(watched.found.ramp)
    }
    #expect(shares.count == ReturnStateMachine.rampStepCount + 1)
    #expect(shares == shares.sorted() && shares.last == 1)
    #expect(watched.machine.stage == .used)
  }

  @Test func `a ramp that is lost again begins anew`() {
    var watched = Watched(rules(.gradual))
    watched.see(.healthy, at: 0)
    watched.see(.unhealthy, at: 5)
    watched.see(.healthy, at: 10)
    watched.see(.healthy, at: 60)
    #expect(watched.found.ramp > 0.5)
    watched.see(.unhealthy, at: 61)
    watched.see(.healthy, at: 62)
    #expect(watched.found.ramp == 0.1)
  }

  @Test func `not before its hold-down is over`() {
    var watched = Watched(rules(.auto, holdDown: 30))
    watched.see(.healthy, at: 0)
    watched.see(.unhealthy, at: 5)
    watched.see(.healthy, at: 10)
    #expect(watched.found.hold == .holdDown && watched.found.isChanging)
    #expect(watched.due == 35)
    watched.see(.healthy, at: 34.9)
    #expect(watched.found.hold == .holdDown)
    watched.see(.healthy, at: 35)
    #expect(watched.found == .complete)
  }

  @Test func `only when an operator says so with manual`() {
    var watched = Watched(rules(.manual))
    watched.see(.healthy, at: 0)
    watched.see(.unhealthy, at: 5)
    let whileLost = watched.release(at: 6)
    #expect(!whileLost)
    watched.see(.healthy, at: 10)
    watched.see(.healthy, at: 100_000)
    #expect(watched.found.hold == .waitingForOperator && watched.due == nil)
    #expect(!watched.found.isChanging)
    let whileHeld = watched.release(at: 100_001)
    #expect(whileHeld)
    #expect(watched.found == RegionReturn(ramp: 0.1))
    let again = watched.release(at: 100_002)
    #expect(!again)
  }

  @Test func `an operator's up stands above every hold`() {
    var watched = Watched(rules(.manual))
    watched.see(.healthy, at: 0)
    watched.see(.unhealthy, at: 5)
    watched.see(.healthy, at: 10, isForced: true)
    #expect(watched.found == .complete)
  }

  @Test func `what an operator took out is not held when he takes it back`() {
    var watched = Watched(rules(.manual, holdDown: 1000))
    watched.see(.healthy, at: 0)
    watched.see(.removed, at: 5)
    watched.see(.healthy, at: 6)
    #expect(watched.found == RegionReturn(ramp: 0.1))
  }

  @Test func `what was down when it was first looked at returns like what was lost`() {
    var watched = Watched(rules(.manual))
    watched.see(.unknown, at: 0)
    watched.see(.unhealthy, at: 1)
    watched.see(.healthy, at: 2)
    #expect(watched.found.hold == .waitingForOperator)
    #expect(watched.machine.damper.penalty == 0)
  }

  @Test func `one that is lost again and again is held until it is steady`() throws {
    var watched = Watched(rules(.auto, flapping: damping))
    watched.see(.healthy, at: 0)
    for second in [10.0, 30, 50] {
      #expect(!watched.found.isFlapping)
      watched.see(.unhealthy, at: second)
      watched.see(.healthy, at: second + 5)
    }
    #expect(watched.found == RegionReturn(hold: .flapping, isFlapping: true))
    let due = try #require(watched.due)
    watched.see(.healthy, at: due)
    #expect(watched.found == .complete)
  }
}

@Suite struct `Whatever happens to a region` {
  @Test func `its share stays within 0 and 1, and what is due lies ahead`() {
    var generator = SeededGenerator(seed: 31)
    for round in 0..<2000 {
      let failback =
        [ReturnStateMachine.Failback.auto, .gradual, .manual]
        .randomElement(using: &generator) ?? .auto
      var watched = Watched(
        rules(
          failback, holdDown: .random(in: 0...60, using: &generator),
          ramp: .random(in: 1...200, using: &generator), flapping: damping))
      var second = 0.0
      for _ in 0..<60 {
        let standings: [Standing] = [.healthy, .degraded, .unknown, .unhealthy, .removed, .absent]
        second += .random(in: 0...40, using: &generator)
        watched.see(standings.randomElement(using: &generator) ?? .healthy, at: second)
        #expect((0...1).contains(watched.found.ramp), "round \(round) of seed 31")
        if let due = watched.due { #expect(due > second - 1e-6, "round \(round) of seed 31") }
      }
    }
  }
}
