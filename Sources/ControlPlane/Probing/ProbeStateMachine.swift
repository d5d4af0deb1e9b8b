package import Routing
package import Settings

/// How often to probe, and how many results change the health.
package struct ProbeTiming: Sendable, Equatable {
  package var interval: Duration
  /// Between probes while some, but not yet enough, results speak against the present health.
  package var fastInterval: Duration
  /// Results in a row; below 1 counts as 1.
  package var rise: Int
  package var fall: Int
  /// 0...0.5: each wait is shortened by up to this share, at random. It is never lengthened, so
  /// that the time to detect a failure keeps its bound.
  package var jitter: Double

  package init(
    interval: Duration, fastInterval: Duration, rise: Int, fall: Int, jitter: Double = 0
  ) {
    self.interval = interval
    self.fastInterval = min(fastInterval, interval)
    self.rise = max(1, rise)
    self.fall = max(1, fall)
    self.jitter = min(max(jitter, 0), 0.5)
  }

  package init(monitor: Settings.Monitor, jitter: Double) {
    self.init(
      interval: monitor.interval, fastInterval: monitor.fastInterval, rise: monitor.rise,
      fall: monitor.fall, jitter: jitter)
  }
}

/// The health of one probed endpoint.
///
///     unknown ── first result ──▶ healthy │ degraded │ unhealthy
///
///     healthy    fall results in a row that are no successes   ▶ degraded
///     healthy    fall failures in a row                        ▶ unhealthy
///     degraded   rise successes in a row                       ▶ healthy
///     degraded   fall failures in a row                        ▶ unhealthy
///     unhealthy  rise results in a row that are no failures    ▶ healthy if all were successes,
///                                                                else degraded
///
/// A failed connection of real traffic counts as a failed probe, and brings the next probe forward.
///
/// An endpoint that fails right after a successful probe is found unhealthy within
/// `interval + (fall − 1) · fastInterval + timeout`, if the time-out is not above the fast interval
/// and a probe may start when it is due.
package struct ProbeStateMachine: Sendable, Equatable {
  package private(set) var health: Health
  /// When the next probe should start; nil while one runs.
  package private(set) var due: Duration?
  package private(set) var successesInARow = 0
  package private(set) var failuresInARow = 0
  /// False until something was found by this monitor.
  package private(set) var hasResult = false

  private let timing: ProbeTiming
  /// Results in a row that are not failures; and that are not successes.
  private var usableInARow = 0
  private var shortfallsInARow = 0
  private var lastStart: Duration?
  /// A connection failed since the last probe began, so its result is not the latest word.
  private var hasFreshDoubt = false

  /// - Parameters:
  ///   - health: what an earlier monitor found; the first result decides all the same.
  ///   - spread: the first probe starts within this time, uniformly drawn.
  package init(
    timing: ProbeTiming, health: Health = .unknown, now: Duration, spread: Duration,
    using generator: inout some RandomNumberGenerator
  ) {
    self.timing = timing
    self.health = health
    due = now + spread * Double.random(in: 0..<1, using: &generator)
  }

  /// A probe starts.
  package mutating func begin(now: Duration) {
    due = nil
    lastStart = now
    hasFreshDoubt = false
  }

  /// The probe that began last has ended.
  /// - Returns: the change of health, if there is one.
  package mutating func finish(
    _ outcome: ProbeOutcome, now: Duration, using generator: inout some RandomNumberGenerator
  ) -> HealthTransition? {
    let isFirst = !hasResult
    let transition = count(outcome, now: now)
    var wait = timing.interval
    if hasFreshDoubt || isBetweenStates || !hasResult {
      wait = timing.fastInterval
    } else if isFirst {
      // Endpoints that started together are spread over the whole interval from here on.
      wait = wait * Double.random(in: 0..<1, using: &generator)
    }
    if timing.jitter > 0 {
      wait = wait * (1 - timing.jitter * Double.random(in: 0..<1, using: &generator))
    }
    due = max((lastStart ?? now) + wait, now)
    return transition
  }

  /// Connections of real traffic failed. Counts each as a failed probe and brings the next probe
  /// forward, though not closer than a fast interval to the last.
  package mutating func noteConnectionFailures(_ count: Int, now: Duration) -> HealthTransition? {
    guard count > 0 else { return nil }
    bringForward(now: now)
    let noun = count == 1 ? "connection" : "connections"
    return fail(count, cause: "\(count) \(noun) failed", now: now)
  }

  /// There is doubt about the last result: the next probe comes sooner, though not closer than a
  /// fast interval to the last.
  package mutating func bringForward(now: Duration) {
    hasFreshDoubt = true
    guard health != .unhealthy, let planned = due else { return }
    let earliest = lastStart.map { max(now, $0 + timing.fastInterval) } ?? now
    due = min(planned, earliest)
  }

  /// Some results, but not yet enough, speak against the present health.
  package var isUnsettled: Bool { health != .unknown && isBetweenStates }

  private mutating func count(_ outcome: ProbeOutcome, now: Duration) -> HealthTransition? {
    switch outcome {
    // What an agent says is put together with what it said before, by ``ProbeScheduler``.
    case .inconclusive, .told: return nil
    case .failure(let cause): return fail(1, cause: cause, now: now)
    case .degraded(let cause):
      usableInARow += 1
      shortfallsInARow += 1
      successesInARow = 0
      failuresInARow = 0
      return settle(first: .degraded, cause: cause, now: now)
    case .success:
      usableInARow += 1
      successesInARow += 1
      shortfallsInARow = 0
      failuresInARow = 0
      let cause =
        successesInARow == 1 ? "probe succeeded" : "\(successesInARow) probes in a row succeeded"
      return settle(first: .healthy, cause: cause, now: now)
    }
  }

  private mutating func fail(_ count: Int, cause: String, now: Duration) -> HealthTransition? {
    // Far above any `fall`, and far from an overflow.
    let limit = 1_000_000
    failuresInARow = min(failuresInARow + min(count, limit), limit)
    shortfallsInARow = min(shortfallsInARow + min(count, limit), limit)
    successesInARow = 0
    usableInARow = 0
    return settle(first: .unhealthy, cause: cause, now: now)
  }

  private mutating func settle(first: Health, cause: String, now: Duration) -> HealthTransition? {
    let next = hasResult ? healthByCounts : first
    hasResult = true
    guard next != health else { return nil }
    let transition = HealthTransition(from: health, to: next, cause: cause, at: now)
    health = next
    return transition
  }

  private var healthByCounts: Health {
    if failuresInARow >= timing.fall { return .unhealthy }
    if successesInARow >= timing.rise { return .healthy }
    switch health {
    case .unhealthy: return usableInARow >= timing.rise ? .degraded : .unhealthy
    case .healthy: return shortfallsInARow >= timing.fall ? .degraded : .healthy
    case .degraded, .unknown: return health
    }
  }

  private var isBetweenStates: Bool {
    switch health {
    case .healthy: shortfallsInARow > 0
    case .degraded: successesInARow > 0 || failuresInARow > 0
    case .unhealthy: usableInARow > 0
    case .unknown: true
    }
  }
}
