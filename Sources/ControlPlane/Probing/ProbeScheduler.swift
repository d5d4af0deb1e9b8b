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
  /// By ``WatchEntry/id``: endpoints, and the children of calculated monitors.
  private var entries: [String: WatchEntry] = [:]
  /// The order of the targets, for reports.
  private var order: [String] = []
  private var queue = DueQueue()
  /// The entries of the probes under way, by token; also of entries since removed.
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
  package var isComplete: Bool { order.allSatisfy { entries[$0]?.hasResult ?? true } }

  /// When `advance(now:using:)` will have something to do, if no probe ends before.
  package var nextDue: Duration? {
    inFlightCount < maximumConcurrent ? queue.first?.due : nil
  }

  /// Whether the latest results of an endpoint speak against its present health.
  package func isUnsettled(_ endpointID: String) -> Bool {
    if case .probed(let machine)? = entries[endpointID]?.watch {
      machine.isUnsettled
    } else {
      false
    }
  }

  package var states: [String: EndpointState] {
    Dictionary(
      order.compactMap { id in entries[id].map { (id, $0.state) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// In the order of the targets.
  package var reports: [EndpointReport] {
    order.compactMap { id in
      entries[id].map { entry in
        EndpointReport(
          endpointID: id, state: entry.state, isProbing: busy.contains(id),
          lastProbe: entry.lastProbe, successesInARow: entry.successesInARow,
          failuresInARow: entry.failuresInARow, lastTransition: entry.lastTransition,
          roundTrip: entry.roundTrip)
      }
    }
  }

  /// What the probe before the one under way found; nil if there was none.
  package func lastOutcome(before token: UInt64) -> ProbeOutcome? {
    underway[token].flatMap { entries[$0]?.lastProbe?.outcome }
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
    let watches = targets.flatMap(WatchEntry.Key.all)
    let newCount = watches.count { old[$0.id]?.target != $0.target }
    let spread = min(Self.longestSpread, Self.spreadPerTarget * newCount)
    entries = [:]
    order = []
    queue = DueQueue()
    for watch in watches where entries[watch.id] == nil {
      let previous = old[watch.id]
      let entry: WatchEntry
      if let previous, previous.target == watch.target, previous.parentID == watch.parentID {
        entry = previous
      } else {
        entry = WatchEntry(
          watch, previous: previous, jitter: jitter, now: now, spread: spread, using: &generator)
      }
      entries[watch.id] = entry
      if watch.parentID == nil { order.append(watch.id) }
      enqueue(entry)
    }
  }

  /// Starts what is due, as far as the cap allows.
  package mutating func advance(now: Duration) -> (starts: [Start], changes: [HealthChange]) {
    var starts: [Start] = []
    var changes: [HealthChange] = []
    while inFlightCount < maximumConcurrent, let item = queue.first, item.due <= now {
      _ = queue.popFirst()
      let id = item.id
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
      case .calculated: break
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
    guard var entry = entries[id] else {
      counts.count(outcome, took: took)
      return nil
    }
    var change: HealthChange?
    let isCurrent = entry.token == token
    let found = isCurrent ? entry.taken(outcome) : outcome
    counts.count(found, took: took)
    if isCurrent, case .probed(var machine) = entry.watch {
      let transition = machine.finish(found, now: now, using: &generator)
      entry.token = nil
      entry.watch = .probed(machine)
      entry.lastProbe = EndpointReport.LastProbe(at: now, took: took, outcome: found)
      entry.noteTime(of: found, took: took)
      change = settle(&entry, transition, now: now)
      entries[id] = entry
    }
    enqueue(entry)
    return change
  }

  /// Connections of real traffic to this endpoint failed.
  package mutating func noteConnectionFailures(
    of endpointID: String, count: Int, now: Duration
  ) -> HealthChange? {
    guard count > 0, let endpoint = entries[endpointID] else { return nil }
    counts.passiveFailures += count
    var change: HealthChange?
    for id in endpoint.childIDs.isEmpty ? [endpointID] : endpoint.childIDs {
      guard var entry = entries[id] else { continue }
      let dueBefore = entry.due
      let transition = entry.noteConnectionFailures(count, now: now)
      if let found = settle(&entry, transition, now: now) {
        // Of several children the last word counts, since it is made with all of them.
        change = HealthChange(
          endpointID: found.endpointID, state: found.state,
          transition: change.map { found.transition.following($0.transition) }
            ?? found.transition)
      }
      entries[id] = entry
      if entry.due != dueBefore { enqueue(entry) }
    }
    return change
  }

  /// What a result means for the endpoint: by itself, or by way of what is calculated.
  private mutating func settle(
    _ entry: inout WatchEntry, _ transition: HealthTransition?, now: Duration
  ) -> HealthChange? {
    guard let parentID = entry.parentID else {
      let share = entry.takeShareChange(now: now)
      return (transition ?? share).map { record($0, in: &entry) }
    }
    entry.lastTransition = transition ?? entry.lastTransition
    entries[entry.id] = entry
    guard var parent = entries[parentID], case .calculated(var calculated) = parent.watch else {
      return nil
    }
    let children = parent.childIDs.compactMap { entries[$0] }
    let next = calculated.settle(children.map(\.asChild), now: now)
    parent.watch = .calculated(calculated)
    parent.share = children.map(\.agent.share).min() ?? 100
    if let probe = entry.lastProbe {
      parent.lastProbe = EndpointReport.LastProbe(
        at: probe.at, took: probe.took, outcome: calculated.outcome)
    }
    let share = parent.takeShareChange(now: now)
    let change = (next ?? share).map { record($0, in: &parent) }
    entries[parentID] = parent
    return change
  }

  private mutating func enqueue(_ entry: WatchEntry) {
    guard let due = entry.due else { return }
    queue.push(DueQueue.Item(due: due, id: entry.id))
  }

  private mutating func record(
    _ transition: HealthTransition, in entry: inout WatchEntry
  ) -> HealthChange {
    guard transition.from != transition.to else {
      return HealthChange(
        endpointID: entry.target.endpointID, state: entry.state, transition: transition)
    }
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
