import Probing
import Routing
import Simulating
import TestSupport
import Testing

@testable import Settings

/// The plan against the state machine that probes: an endpoint that fails at every phase.
@Suite struct `The time to find a failure` {
  struct Timing: Sendable, CustomTestStringConvertible {
    var interval: Int
    var fast: Int
    var timeout: Int
    var fall: Int
    var testDescription: String { "\(interval)/\(fast)/\(timeout) ms, fall \(fall)" }

    var monitor: Settings.Monitor {
      Settings.Monitor(
        name: "m", kind: .tcp, port: nil, interval: .milliseconds(interval),
        fastInterval: .milliseconds(fast), timeout: .milliseconds(timeout), rise: 2, fall: fall)
    }
  }

  static let timings = [
    Timing(interval: 5000, fast: 1000, timeout: 2000, fall: 3),
    Timing(interval: 5000, fast: 1000, timeout: 500, fall: 3),
    Timing(interval: 1000, fast: 250, timeout: 500, fall: 2),
    Timing(interval: 1000, fast: 1000, timeout: 1000, fall: 1),
    Timing(interval: 10_000, fast: 100, timeout: 10_000, fall: 5),
  ]

  /// From the failure, `phase` after a good probe began, until the endpoint is unhealthy.
  ///
  /// - Parameters:
  ///   - answer: how long a good check takes.
  ///   - failure: how long a bad one takes.
  private func detection(
    _ timing: Timing, phase: Duration, answer: Duration, failure: Duration
  ) -> Duration {
    var generator = SeededGenerator(seed: 1)
    var machine = ProbeStateMachine(
      timing: ProbeTiming(monitor: timing.monitor, jitter: 0), now: .zero, spread: .zero,
      using: &generator)
    var now = Duration.zero
    // Two good probes: the first one's successor comes at a random time.
    for _ in 0..<2 {
      now = max(now, machine.due ?? now)
      machine.begin(now: now)
      now += answer
      _ = machine.finish(.success, now: now, using: &generator)
    }
    let failsAt = now - answer + max(phase, answer)
    while machine.health != .unhealthy {
      now = max(now, machine.due ?? now)
      machine.begin(now: now)
      let isGood = now + answer <= failsAt
      now += isGood ? answer : failure
      _ = machine.finish(
        isGood ? .success : .failure("gone"), now: now, using: &generator)
    }
    return now - failsAt
  }

  private func worst(_ timing: Timing, failure: Duration) -> Duration {
    let steps = 400
    return (0..<steps).map { step in
      detection(
        timing, phase: .milliseconds(timing.interval) * step / steps, answer: .zero,
        failure: failure)
    }.max() ?? .zero
  }

  @Test(arguments: timings)
  func `of an endpoint that falls silent is the state machine's worst, at every phase`(
    timing: Timing
  ) {
    let plan = DetectionTime(monitor: timing.monitor)
    #expect(worst(timing, failure: .milliseconds(timing.timeout)) == plan.silent)
  }

  @Test(arguments: timings)
  func `of an endpoint that refuses is the state machine's worst, at every phase`(
    timing: Timing
  ) {
    let plan = DetectionTime(monitor: timing.monitor)
    #expect(worst(timing, failure: .zero) == plan.refused)
  }

  @Test(arguments: timings)
  func `is never longer where good checks take time`(timing: Timing) {
    let bound = DetectionTime(monitor: timing.monitor).silent
    for answer in [1, timing.timeout / 2, timing.timeout] {
      for step in 0..<50 {
        let found = detection(
          timing, phase: .milliseconds(timing.interval * step / 50),
          answer: .milliseconds(answer), failure: .milliseconds(timing.timeout))
        #expect(found <= bound)
      }
    }
  }
}

@Suite struct `A plan of recovery` {
  private func plan(
    proxy: String = "", endpoints: String = "[192.0.2.1:80]", service: String = ""
  ) throws -> RecoveryPlan {
    RecoveryPlan(
      try SettingsReader.read(
        text: """
          regions:
            tokyo: {location: [35.68, 139.69]}
            dublin: {location: [53.35, -6.26]}
          monitors:
            tcp: {type: tcp, interval: 5s, fast_interval: 1s, timeout: 2s, fall: 3}
            slow: {type: tcp, interval: 9s, fast_interval: 1s, timeout: 2s, fall: 2}
            both: {type: calculated, need: 1, of: [tcp, slow]}
          pools:
            both: {monitor: both, endpoints: {tokyo: [192.0.2.1:80]}}
            web: {monitor: tcp, endpoints: {tokyo: \(endpoints), dublin: [192.0.2.9:80]}}
            bare: {endpoints: {tokyo: [192.0.2.1:80]}}
          policies:
            nearest: {type: proximity}
            ledger: {type: primary, order: [tokyo, dublin], fail_hold: 60s}
          services:
            web: {policy: nearest, pool: web, ttl: 30s\(service)}
            bare: {policy: nearest, pool: bare}
            both: {policy: nearest, pool: both, ttl: 30s}
            ledger: {policy: ledger, pool: web, ttl: 30s}
          zones:
            example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web, bare: bare, both: both, db: ledger}}
          dns: {listen: ["127.0.0.1:5353"]}
          proxy:
            listeners:
              front: {listen: ["127.0.0.1:8000"], service: web\(proxy)}
              ledger: {listen: ["127.0.0.1:8001"], service: ledger}
          """, name: "a.yaml"))
  }

  private func entry(_ name: String, of plan: RecoveryPlan) throws -> RecoveryPlan.Entry {
    try #require(plan.entries.first { $0.name == name })
  }

  @Test func `of a name adds detection, propagation and TTL, and shows the sum`() throws {
    let entry = try entry("www.example.org.", of: plan())
    #expect(entry.detectionSeconds == 11 && entry.detectionRefusedSeconds == 7)
    // An answer of just before the first check fails lasts longer than those after it.
    #expect(entry.totalSeconds == 37.05 && entry.changingTTLSeconds == 5)
    #expect(entry.formula == "interval 5s + timeout 2s + 0.05s + ttl 30s")
  }

  @Test(arguments: [
    (", ttl_changing: 28s", 39.05, "interval 5s + 2 × 2s + timeout 2s + 0.05s + ttl_changing 28s"),
    (", ttl_changing: 30s", 41.05, "interval 5s + 2 × 2s + timeout 2s + 0.05s + ttl_changing 30s"),
  ])
  func `of a name whose TTL falls little counts on the whole detection`(
    changing: String, total: Double, formula: String
  ) throws {
    let entry = try entry("www.example.org.", of: plan(service: changing))
    #expect(entry.totalSeconds == total && entry.formula == formula)
  }

  @Test func `of a name whose endpoints nobody checks has no bound`() throws {
    let entry = try entry("bare.example.org.", of: plan())
    #expect(entry.totalSeconds == nil && entry.monitor == nil)
    #expect(try plan().text.contains("never"))
  }

  @Test func `of what is calculated waits for the slowest child`() throws {
    // 9 + 2 + 2 against 5 + 2 × 2 + 2.
    let entry = try entry("both.example.org.", of: plan())
    #expect(entry.detectionSeconds == 13 && entry.totalSeconds == 43.05)
  }

  @Test func `of an active-passive service waits for the hold as well`() throws {
    let name = try entry("db.example.org.", of: plan())
    #expect(name.holdSeconds == 60 && name.totalSeconds == 76.05)
    #expect(
      name.formula
        == "interval 5s + 2 × 2s + timeout 2s + fail_hold 60s + 0.05s + ttl_changing 5s")
    // No attempt reaches another region before.
    #expect(try entry("ledger", of: plan()).totalSeconds == 71.05)
    #expect(try entry("www.example.org.", of: plan()).holdSeconds == nil)
  }

  @Test func `of a listener is what its connections wait, as long as their attempts reach on`()
    throws
  {
    let one = try entry("front", of: plan(proxy: ", connect_timeout: 500ms"))
    #expect(one.totalSeconds == 0.5 && one.retrySeconds == 0.5)
    let few = try entry("front", of: plan(proxy: ", max_attempts: 1"))
    #expect(few.retrySeconds == nil && few.totalSeconds == 11.05)
  }
}
