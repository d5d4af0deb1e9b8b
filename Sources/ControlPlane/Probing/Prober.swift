import Glibc
package import Logging
package import NIOCore
import Routing
package import Settings

/// What changed since the last update.
package struct HealthUpdate: Sendable, Equatable {
  /// At most one an endpoint: its latest.
  package var changes: [HealthChange]
  /// Every endpoint had a result, or the deadline has passed. Stays true.
  package var isFirstRoundComplete: Bool
  /// All endpoints whose latest results speak against their present health.
  package var unsettled: Set<String>

  package init(
    changes: [HealthChange], isFirstRoundComplete: Bool, unsettled: Set<String> = []
  ) {
    self.changes = changes
    self.isFirstRoundComplete = isFirstRoundComplete
    self.unsettled = unsettled
  }
}

/// Watches the health of all endpoints: drives the ``ProbeScheduler`` by the clock, runs the probes
/// it asks for, and publishes what changes.
///
/// All of it runs on one event loop: with thousands of probes a second, a change of threads for
/// each would cost more than the probes.
package actor Prober {
  /// Failed connections that traffic met since the last call.
  package typealias PassiveFailures = @Sendable () -> [(endpointID: String, failures: Int)]

  /// Changes that come within this time are published together.
  package static let gatheringTime = Duration.milliseconds(10)
  /// How often passive failures are asked for.
  package static let passivePollInterval = Duration.milliseconds(100)
  /// Probes that are due within this time are started together: so much later at the most.
  package static let startingTime = Duration.milliseconds(10)

  private let probe: @Sendable (ProbeTarget) async -> ProbeOutcome
  private let passiveFailures: PassiveFailures
  private let publish: @Sendable (HealthUpdate) async -> Void
  private let logger: Logger
  private let executor: LoopExecutor
  private let alarm: Alarm
  private let clock = ContinuousClock()
  /// The clock's reading, and 1970's distance, when this was made.
  private let start: ContinuousClock.Instant
  private let startSince1970: Duration
  private let firstRoundDeadline: Duration

  private var scheduler: ProbeScheduler
  private var generator = JitterGenerator()
  private var pending: [String: HealthChange] = [:]
  /// When the next probes are started, unless something comes up before.
  private var nextWake: Duration?
  private var unsettled: Set<String> = []
  private var isFirstRoundComplete = false
  private var hasNews = false
  private let newsAlarm: Alarm

  /// - Parameters:
  ///   - probe: such as ``ProbeRunner/outcome(of:)``; ends by itself within the target's time-out.
  ///   - passiveFailures: asked ten times a second.
  ///   - publish: called with one update at a time, in order; changes that come meanwhile are
  ///     gathered for the next. First called when the first round is complete.
  package init(
    targets: [ProbeTarget], settings: Settings.HealthChecking, eventLoop: any EventLoop,
    logger: Logger, probe: @escaping @Sendable (ProbeTarget) async -> ProbeOutcome,
    passiveFailures: @escaping PassiveFailures = { [] },
    publish: @escaping @Sendable (HealthUpdate) async -> Void
  ) {
    self.probe = probe
    self.passiveFailures = passiveFailures
    self.publish = publish
    self.logger = logger
    executor = LoopExecutor(loop: eventLoop)
    alarm = Alarm(eventLoop: eventLoop)
    newsAlarm = Alarm(eventLoop: eventLoop)
    start = clock.now
    startSince1970 = durationSince1970()
    firstRoundDeadline = startSince1970 + settings.firstRoundDeadline
    scheduler = ProbeScheduler(
      maximumConcurrent: settings.maximumConcurrentChecks, jitter: settings.jitter)
    scheduler.replaceTargets(
      targets, maximumConcurrent: settings.maximumConcurrentChecks, jitter: settings.jitter,
      now: startSince1970, using: &generator)
  }

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Probes until its task is cancelled; probes under way are cancelled with it. To be called once.
  package func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.publishNews() }
      group.addTask { await self.collectPassiveFailures() }
      while !Task.isCancelled {
        for start in takeStarts() {
          group.addTask(executorPreference: executor) { await self.perform(start) }
        }
        await sleep()
      }
      group.cancelAll()
    }
  }

  /// Watches these from now on; what is known of unchanged ones stays, as ``ProbeScheduler`` says.
  /// - Returns: the state of each target, for the board of the edition that names them.
  package func replaceTargets(
    _ targets: [ProbeTarget], settings: Settings.HealthChecking
  ) -> [String: EndpointState] {
    scheduler.replaceTargets(
      targets, maximumConcurrent: settings.maximumConcurrentChecks, jitter: settings.jitter,
      now: now, using: &generator)
    let states = scheduler.states
    pending = pending.filter { states[$0.key] != nil }
    unsettled = unsettled.filter { scheduler.isUnsettled($0) }
    alarm.ring()
    return states
  }

  /// By endpoint identity.
  package var states: [String: EndpointState] { scheduler.states }
  /// In the order of the targets.
  package var reports: [EndpointReport] { scheduler.reports }
  package var counts: ProbeCounts { scheduler.counts }
  package var inFlightCount: Int { scheduler.inFlightCount }

  /// Since 1970, by a clock that does not jump.
  private var now: Duration { startSince1970 + (clock.now - start) }

  /// Until something is due.
  private func sleep() async {
    let now = now
    let deadline = isFirstRoundComplete ? nil : firstRoundDeadline
    let due = [deadline, scheduler.nextDue].compactMap { $0 }.min()
    nextWake = due.map { max($0, now + Self.startingTime) }
    await alarm.wait(atMost: nextWake.map { $0 - now })
  }

  /// What was due is due sooner, or there is room for it now.
  private func wakeIfDue() {
    guard let due = scheduler.nextDue else { return }
    if nextWake.map({ due + Self.startingTime < $0 }) ?? true { alarm.ring() }
  }

  private func takeStarts() -> [ProbeScheduler.Start] {
    let (starts, changes) = scheduler.advance(now: now)
    note(changes)
    return starts
  }

  private func perform(_ start: ProbeScheduler.Start) async {
    let began = clock.now
    let outcome = await probe(start.target)
    // What a cancelled probe gives says nothing.
    if Task.isCancelled { return }
    let endpointID = start.target.endpointID
    // Once, not with each probe that fails alike.
    if case .inconclusive(let cause) = outcome,
      scheduler.lastOutcome(before: start.token) != outcome
    {
      logger.warning(
        "probe could not be made",
        metadata: ["endpoint": "\(endpointID)", "cause": "\(cause)"])
    }
    let change = scheduler.finish(
      start.token, outcome: outcome, took: clock.now - began, now: now, using: &generator)
    note(change.map { [$0] } ?? [])
    noteSettling(of: endpointID)
    wakeIfDue()
  }

  private func collectPassiveFailures() async {
    while !Task.isCancelled {
      var changes: [HealthChange] = []
      let failures = passiveFailures()
      for (endpointID, count) in failures {
        let change = scheduler.noteConnectionFailures(of: endpointID, count: count, now: now)
        if let change { changes.append(change) }
      }
      note(changes)
      for (endpointID, _) in failures { noteSettling(of: endpointID) }
      if !failures.isEmpty { wakeIfDue() }
      try? await Task.sleep(for: Self.passivePollInterval)
    }
  }

  /// Logs and gathers changes, and sees whether the first round is complete.
  private func note(_ changes: [HealthChange]) {
    for change in changes {
      log(change)
      pending[change.endpointID] = change
    }
    var isNews = !changes.isEmpty
    if !isFirstRoundComplete {
      isFirstRoundComplete = now >= firstRoundDeadline || scheduler.isComplete
      // Nothing is served before, so the first round is published as one.
      isNews = isFirstRoundComplete
    }
    if isNews {
      hasNews = true
      newsAlarm.ring()
    }
  }

  /// Sees whether an endpoint's health has begun, or ceased, to be in doubt.
  private func noteSettling(of endpointID: String) {
    let isUnsettled = scheduler.isUnsettled(endpointID)
    guard isUnsettled != unsettled.contains(endpointID) else { return }
    if isUnsettled { unsettled.insert(endpointID) } else { unsettled.remove(endpointID) }
    guard isFirstRoundComplete else { return }
    hasNews = true
    newsAlarm.ring()
  }

  private func log(_ change: HealthChange) {
    let transition = change.transition
    guard transition.from != transition.to else {
      logger.notice(
        "endpoint share changed",
        metadata: [
          "endpoint": "\(change.endpointID)", "share": "\(change.state.sharePercent)%",
          "cause": "\(transition.cause)",
        ])
      return
    }
    logger.log(
      level: transition.to == .unhealthy ? .warning : .notice, "endpoint health changed",
      metadata: [
        "endpoint": "\(change.endpointID)", "from": "\(transition.from.rawValue)",
        "to": "\(transition.to.rawValue)", "cause": "\(transition.cause)",
      ])
  }

  private func publishNews() async {
    while !Task.isCancelled {
      await newsAlarm.wait(atMost: nil)
      guard hasNews else { continue }
      try? await Task.sleep(for: Self.gatheringTime)
      guard !Task.isCancelled else { return }
      let changes = pending.values.sorted { $0.transition.at < $1.transition.at }
      pending = [:]
      hasNews = false
      await publish(
        HealthUpdate(
          changes: changes, isFirstRoundComplete: isFirstRoundComplete, unsettled: unsettled))
    }
  }
}

private func durationSince1970() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
