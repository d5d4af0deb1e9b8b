import Places
import Routing
import Settings

/// What is watched: an endpoint, or one of the monitors that make up an endpoint's calculated one.
struct WatchEntry: Sendable {
  enum Watch: Sendable {
    case probed(ProbeStateMachine)
    case passive(PassiveStateMachine)
    case calculated(CalculatedHealth)
  }

  let id: String
  /// The endpoint for whose calculated monitor this is probed; nil: it is an endpoint.
  let parentID: String?
  /// Of an endpoint with a calculated monitor.
  let childIDs: [String]
  let target: ProbeTarget
  var watch: Watch
  var lastGood: UInt64
  /// What an agent has said.
  var agent = AgentState()
  /// In percent of the declared weight, as last told.
  var share = 100
  /// Of the probe under way.
  var token: UInt64?
  var lastProbe: EndpointReport.LastProbe?
  /// Of successful probes; nil before the first.
  private(set) var roundTrip: Duration?
  var lastTransition: HealthTransition?
  private var toldShare = 100

  /// A target, and who it belongs to.
  struct Key {
    var id: String
    var parentID: String?
    var target: ProbeTarget
    var childIDs: [String] = []

    /// The target itself, and behind it the monitors that its calculated one is made of.
    static func all(_ target: ProbeTarget) -> [Key] {
      guard let monitor = target.monitor, case .calculated = monitor.kind else {
        return [Key(id: target.endpointID, parentID: nil, target: target)]
      }
      let children = monitor.probed.map { child in
        var childTarget = target
        childTarget.monitor = child
        childTarget.address.port = child.port.map { UInt16($0) } ?? target.address.port
        // No name has a zero byte.
        return Key(
          id: "\(target.endpointID)\0\(child.name)", parentID: target.endpointID,
          target: childTarget)
      }
      let own = Key(
        id: target.endpointID, parentID: nil, target: target, childIDs: children.map(\.id))
      return [own] + children
    }
  }

  init(
    _ key: Key, previous: WatchEntry?, jitter: Double, now: Duration, spread: Duration,
    using generator: inout some RandomNumberGenerator
  ) {
    id = key.id
    parentID = key.parentID
    childIDs = key.childIDs
    target = key.target
    guard let monitor = target.monitor else {
      watch = .passive(PassiveStateMachine())
      lastGood = .max
      return
    }
    var carried: WatchEntry?
    if let previous, previous.target.address == target.address, previous.target.monitor != nil {
      carried = previous
    }
    let health = carried?.state.health ?? .unknown
    if case .calculated(let calculation) = monitor.kind {
      watch = .calculated(CalculatedHealth(calculation, health: health))
    } else {
      watch = .probed(
        ProbeStateMachine(
          timing: ProbeTiming(monitor: monitor, jitter: jitter), health: health, now: now,
          spread: min(spread, monitor.interval), using: &generator))
    }
    lastGood = carried?.lastGood ?? 0
    lastTransition = carried?.lastTransition
  }

  var state: EndpointState {
    EndpointState(health: health, lastGood: lastGood, sharePercent: toldShare)
  }

  var health: Health {
    switch watch {
    case .probed(let machine): machine.health
    case .passive(let machine): machine.health
    case .calculated(let calculated): calculated.health
    }
  }

  var due: Duration? {
    switch watch {
    case .probed(let machine): machine.due
    case .passive(let machine): machine.due
    case .calculated: nil
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
    case .calculated: 0
    }
  }

  /// As its calculated monitor sees it.
  var asChild: CalculatedHealth.Child {
    CalculatedHealth.Child(
      monitor: target.monitor?.name ?? "", health: health, cause: lastProbe?.outcome.cause)
  }

  /// The outcome, what an agent told taken together with what it told before.
  mutating func taken(_ outcome: ProbeOutcome) -> ProbeOutcome {
    guard case .told(let words) = outcome else { return outcome }
    agent.take(words)
    share = agent.share
    return agent.outcome
  }

  /// How long probes take that succeed: an eighth of each new one, as TCP smooths (RFC 6298 §2).
  mutating func noteTime(of outcome: ProbeOutcome, took: Duration) {
    guard outcome == .success else { return }
    roundTrip = roundTrip.map { $0 + (took - $0) / 8 } ?? took
  }

  /// A change of the share alone, once.
  mutating func takeShareChange(now: Duration) -> HealthTransition? {
    guard share != toldShare else { return nil }
    toldShare = share
    return HealthTransition(from: health, to: health, cause: "agent says \(share)%", at: now)
  }

  mutating func noteConnectionFailures(_ count: Int, now: Duration) -> HealthTransition? {
    switch watch {
    case .probed(var machine):
      var transition: HealthTransition?
      if case .agent? = target.monitor?.kind {
        // What traffic meets is no word of the agent's.
        machine.bringForward(now: now)
      } else {
        transition = machine.noteConnectionFailures(count, now: now)
      }
      watch = .probed(machine)
      return transition
    case .passive(var machine):
      let transition = machine.noteConnectionFailures(count, now: now)
      watch = .passive(machine)
      return transition
    case .calculated: return nil
    }
  }
}
