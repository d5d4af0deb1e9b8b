import Routing
import Settings

/// Which endpoint to probe when, and what is known of each: a value, driven by whoever has a clock.
///
///     advance(now) ─▶ probes to start ─▶ finish(token, outcome, now) ─▶ changes of health
///
/// Never more probes at once than the cap, never two of one endpoint. With the cap reached the
/// longest due goes first.
package struct ProbeScheduler: Sendable {
  /// A probe to start now.
  package struct Start: Sendable, Equatable {
    /// Names this probe in ``finish(_:outcome:took:now:using:)``.
    package var token: UInt64
    package var target: ProbeTarget
  }

  /// First probes are spread over this long at the most…
  package static let longestSpread = Duration.seconds(1)
  /// …and over this long for each target, so that a few have their results at once.
  package static let spreadPerTarget = Duration.milliseconds(1)

  package private(set) var counts = ProbeCounts()
  /// At least 1.
  package private(set) var maximumConcurrent: Int
  private var jitter: Double
  private var entries: [String: Entry] = [:]
  /// The order of the targets, for reports.
  private var order: [String] = []
  private var queue = DueQueue()
  /// The endpoints of the probes under way, by token; also of endpoints since removed.
  private var underway: [UInt64: String] = [:]
  private var busy: Set<String> = []
  private var lastToken: UInt64 = 0
  private var lossCount: UInt64 = 0

  package init(maximumConcurrent: Int, jitter: Double) {
    self.maximumConcurrent = max(1, maximumConcurrent)
    self.jitter = jitter
  }

  package var inFlightCount: Int { underway.count }

  /// True if something was found of every endpoint.
  package var isComplete: Bool { entries.values.allSatisfy(\.hasResult) }

  /// When ``advance(now:using:)`` will have something to do, if no probe ends before.
  package var nextDue: Duration? {
    inFlightCount < maximumConcurrent ? queue.first?.due : nil
  }

  package var states: [String: EndpointState] { entries.mapValues(\.state) }

  /// In the order of the targets.
  package var reports: [EndpointReport] {
    order.compactMap { id in
      entries[id].map { entry in
        EndpointReport(
          endpointID: id, state: entry.state, isProbing: busy.contains(id),
          lastProbe: entry.lastProbe, successesInARow: entry.successesInARow,
          failuresInARow: entry.failuresInARow, lastTransition: entry.lastTransition)
      }
    }
  }

  /// What the last probe of an endpoint found; nil if there was none.
  package func lastOutcome(of endpointID: String) -> ProbeOutcome? {
    entries[endpointID]?.lastProbe?.outcome
  }

  /// Watches these from now on. What is known of an unchanged target stays; with another monitor
  /// its health stays until the first result decides anew; others begin as unknown. Of two targets
  /// with one identity the first counts.
  package mutating func replaceTargets(
    _ targets: [ProbeTarget], maximumConcurrent: Int, jitter: Double, now: Duration,
    using generator: inout some RandomNumberGenerator
  ) {
    self.maximumConcurrent = max(1, maximumConcurrent)
    self.jitter = jitter
    let old = entries
    let newCount = targets.count { old[$0.endpointID]?.target != $0 }
    let spread = min(Self.longestSpread, Self.spreadPerTarget * newCount)
    entries = [:]
    order = []
    queue = DueQueue()
    for target in targets where entries[target.endpointID] == nil {
      let previous = old[target.endpointID]
      let entry: Entry
      if let previous, previous.target == target {
        entry = previous
      } else {
        entry = Entry(
          target: target, previous: previous, jitter: jitter, now: now, spread: spread,
          using: &generator)
      }
      entries[target.endpointID] = entry
      order.append(target.endpointID)
      enqueue(entry)
    }
  }

  /// Starts what is due, as far as the cap allows.
  package mutating func advance(now: Duration) -> (starts: [Start], changes: [HealthChange]) {
    var starts: [Start] = []
    var changes: [HealthChange] = []
    while inFlightCount < maximumConcurrent, let item = queue.first, item.due <= now {
      _ = queue.popFirst()
      let id = item.endpointID
      // A probe that began before the target was replaced holds its successor back until it ends.
      guard var entry = entries[id], entry.due == item.due, !busy.contains(id) else { continue }
      switch entry.watch {
      case .passive(var machine):
        let transition = machine.wake(now: now)
        entry.watch = .passive(machine)
        if let transition { changes.append(record(transition, in: &entry)) }
      case .probed(var machine):
        machine.begin(now: now)
        lastToken += 1
        counts.started += 1
        underway[lastToken] = id
        busy.insert(id)
        entry.token = lastToken
        entry.watch = .probed(machine)
        starts.append(Start(token: lastToken, target: entry.target))
      }
      entries[id] = entry
    }
    return (starts, changes)
  }

  /// A probe has ended. What it found counts if the target is still the one it began with.
  package mutating func finish(
    _ token: UInt64, outcome: ProbeOutcome, took: Duration, now: Duration,
    using generator: inout some RandomNumberGenerator
  ) -> HealthChange? {
    guard let id = underway.removeValue(forKey: token) else { return nil }
    busy.remove(id)
    counts.count(outcome, took: took)
    guard var entry = entries[id] else { return nil }
    var change: HealthChange?
    if entry.token == token, case .probed(var machine) = entry.watch {
      let transition = machine.finish(outcome, now: now, using: &generator)
      entry.token = nil
      entry.watch = .probed(machine)
      entry.lastProbe = EndpointReport.LastProbe(at: now, took: took, outcome: outcome)
      if let transition { change = record(transition, in: &entry) }
      entries[id] = entry
    }
    enqueue(entry)
    return change
  }

  /// Connections of real traffic to this endpoint failed.
  package mutating func noteConnectionFailures(
    of endpointID: String, count: Int, now: Duration
  ) -> HealthChange? {
    guard count > 0, var entry = entries[endpointID] else { return nil }
    counts.passiveFailures += count
    let dueBefore = entry.due
    let transition: HealthTransition?
    switch entry.watch {
    case .probed(var machine):
      transition = machine.noteConnectionFailures(count, now: now)
      entry.watch = .probed(machine)
    case .passive(var machine):
      transition = machine.noteConnectionFailures(count, now: now)
      entry.watch = .passive(machine)
    }
    let change = transition.map { record($0, in: &entry) }
    entries[endpointID] = entry
    if entry.due != dueBefore { enqueue(entry) }
    return change
  }

  private mutating func enqueue(_ entry: Entry) {
    guard let due = entry.due else { return }
    queue.push(DueQueue.Item(due: due, endpointID: entry.target.endpointID))
  }

  private mutating func record(
    _ transition: HealthTransition, in entry: inout Entry
  ) -> HealthChange {
    counts.transitions += 1
    entry.lastTransition = transition
    switch transition.to {
    case .healthy, .degraded: entry.lastGood = .max
    case .unhealthy, .unknown:
      if transition.from != .unknown {
        lossCount += 1
        entry.lastGood = lossCount
      }
    }
    return HealthChange(
      endpointID: entry.target.endpointID, state: entry.state, transition: transition)
  }
}

/// One endpoint under watch.
private struct Entry: Sendable {
  enum Watch: Sendable {
    case probed(ProbeStateMachine)
    case passive(PassiveStateMachine)
  }
  var target: ProbeTarget
  var watch: Watch
  var lastGood: UInt64
  /// Of the probe under way.
  var token: UInt64?
  var lastProbe: EndpointReport.LastProbe?
  var lastTransition: HealthTransition?

  init(
    target: ProbeTarget, previous: Entry?, jitter: Double, now: Duration, spread: Duration,
    using generator: inout some RandomNumberGenerator
  ) {
    self.target = target
    guard let monitor = target.monitor else {
      watch = .passive(PassiveStateMachine())
      lastGood = .max
      return
    }
    var carried: Entry?
    if let previous, previous.target.address == target.address, previous.target.monitor != nil {
      carried = previous
    }
    watch = .probed(
      ProbeStateMachine(
        timing: ProbeTiming(monitor: monitor, jitter: jitter),
        health: carried?.state.health ?? .unknown, now: now,
        spread: min(spread, monitor.interval), using: &generator))
    lastGood = carried?.lastGood ?? 0
    lastTransition = carried?.lastTransition
  }

  var state: EndpointState { EndpointState(health: health, lastGood: lastGood) }

  var health: Health {
    switch watch {
    case .probed(let machine): machine.health
    case .passive(let machine): machine.health
    }
  }

  var due: Duration? {
    switch watch {
    case .probed(let machine): machine.due
    case .passive(let machine): machine.due
    }
  }

  /// A health that was carried over from another monitor counts as one.
  var hasResult: Bool { health != .unknown }

  var successesInARow: Int {
    if case .probed(let machine) = watch { machine.successesInARow } else { 0 }
  }

  var failuresInARow: Int {
    switch watch {
    case .probed(let machine): machine.failuresInARow
    case .passive(let machine): machine.failuresInARow
    }
  }
}
