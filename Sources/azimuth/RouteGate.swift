import Announcing
import Foundation
import Gating
import Logging
import Places
import Settings
import Synchronization

/// Whether routes to the anycast addresses are to lead to this node, and why: the gate, and what is
/// shown of it.
final class RouteGate: Sendable {
  private struct State {
    /// nil: the configuration has no such addresses.
    var settings: Settings.Anycast?
    var gate: AnycastGate
    /// Why the routes are worse than usual; nil: they are not.
    var degraded: String?
    var lastFault: String?
    /// What consumers of events were told last.
    var told: AnycastStanding?
    /// When routes last led here.
    var lastAnnounced: Duration?
    var right = 0
    var wrong = 0
  }

  private let state: Mutex<State>
  private let start = ContinuousClock.now
  private let logger: Logger
  /// Lets the fleet know how the node stands; nil: it is in none.
  private let member: FleetMember?
  /// Tells consumers of events.
  private let record: @Sendable (Change) -> Void

  /// - Parameter handed: how a predecessor stood, as ``handed`` says it.
  init(
    _ settings: Settings.Anycast?, handed: String?, member: FleetMember?, logger: Logger,
    record: @escaping @Sendable (Change) -> Void
  ) {
    self.logger = logger
    self.member = member
    self.record = record
    let gate = AnycastGate(
      settings?.rules ?? .init(), handed: handed.flatMap { AnycastStanding(rawValue: $0) },
      now: .zero)
    state = Mutex(
      State(settings: settings, gate: gate, told: settings == nil ? nil : gate.standing))
    tell(settings == nil ? nil : gate.standing)
  }

  private var now: Duration { ContinuousClock.now - start }

  /// What the node is to ask itself; nil: nothing.
  var question: Settings.Anycast.Question? { state.withLock { $0.settings?.question } }

  /// For a successor; nil: there are no such addresses.
  var handed: String? { standing?.rawValue }

  /// nil: there are no such addresses.
  var standing: AnycastStanding? {
    state.withLock { $0.settings == nil ? nil : $0.gate.standing }
  }

  /// Own questions that were answered rightly, and those that were not.
  var counts: (right: Int, wrong: Int) { state.withLock { ($0.right, $0.wrong) } }

  /// - Parameter fault: of the answers to the node's own questions; nil: all were right.
  func note(fault: String?) {
    let isFirst = state.withLock { state in
      state.gate.noteAnswer(isRight: fault == nil, now: now)
      guard let fault else {
        state.right += 1
        return false
      }
      state.wrong += 1
      state.lastFault = fault
      return state.gate.failures == 1
    }
    if let fault, isFirst {
      logger.warning("the node does not answer itself", metadata: ["fault": "\(fault)"])
    }
  }

  /// Says how the node stands by all that is known now.
  func settle(_ settings: Settings.Anycast?, _ evidence: AnycastGate.Evidence, degraded: String?) {
    let now = now
    let news = state.withLock { state -> AnycastReport?? in
      let isNew = (settings == nil) != (state.settings == nil)
      if isNew { state.gate = AnycastGate(settings?.rules ?? .init(), now: now) }
      state.settings = settings
      guard let settings else { return isNew ? .some(nil) : nil }
      state.gate.rules = settings.rules
      state.degraded = degraded
      let isOther = state.gate.settle(evidence, now: now)
      if state.gate.standing.isAnnounced { state.lastAnnounced = now }
      // Two levels of nil, which `? :` would make one of: here there is no news.
      guard isOther || isNew else { return nil }
      return report(state, settings)
    }
    if let news { say(news) }
  }

  /// The node was told to end: routes lead here no more.
  ///
  /// - Returns: for how long clients may still come.
  func end() -> Duration {
    let now = now
    let (news, rest) = state.withLock { state -> (AnycastReport?, Duration) in
      guard let settings = state.settings else { return (nil, .zero) }
      if state.gate.standing.isAnnounced { state.lastAnnounced = now }
      state.gate.end(now: now)
      let end = state.lastAnnounced.map { $0 + settings.drain } ?? now
      return (report(state, settings), max(.zero, end - now))
    }
    if let news { say(news) }
    return rest
  }

  /// nil: there are no such addresses.
  var report: AnycastReport? {
    state.withLock { state in state.settings.map { report(state, $0) } }
  }

  private func tell(_ standing: AnycastStanding?) { member?.note(standing) }

  private func say(_ report: AnycastReport?) {
    let standing = report.flatMap { AnycastStanding(rawValue: $0.standing) }
    tell(standing)
    let before = state.withLock { state in
      defer { state.told = standing }
      return state.told
    }
    guard let report else { return }
    if standing != before {
      record(
        Change(
          .anycastStanding, of: "", from: before?.rawValue, to: report.standing,
          cause: report.why))
    }
    logger.notice(
      report.announced ? "routes lead here" : "no routes lead here",
      metadata: ["standing": "\(report.standing)", "why": "\(report.why)"])
  }

  private func report(_ state: State, _ settings: Settings.Anycast) -> AnycastReport {
    let standing = state.gate.standing
    let degraded = standing == .lastHope ? "the node is the last hope" : state.degraded
    let age = now - state.gate.since
    return AnycastReport(
      announced: standing.isAnnounced, standing: standing.rawValue, why: why(state),
      since: Timestamp(seconds: Date.now.timeIntervalSince1970 - age / .seconds(1)),
      med: degraded == nil ? settings.med : settings.degradedMED, degraded: degraded,
      prefixes: settings.prefixes.map(\.description), failures: state.gate.failures,
      lastFault: state.lastFault)
  }

  private func why(_ state: State) -> String {
    switch state.gate.standing {
    case .announced: "the node answers its own questions"
    case .lastHope: "no other node of the fleet announces, and something is wrong with some"
    case .waiting: "the node must be well for \(state.gate.holdUp / .seconds(1)) s first"
    case .failing: state.lastFault ?? "the node does not answer its own questions"
    case .isolated: "the node is cut off from the other regions"
    case .drained: "an operator has taken the node's region away"
    case .ending: "the node was told to end"
    }
  }
}

extension Settings.Anycast {
  fileprivate var rules: AnycastGate.Rules { AnycastGate.Rules(holdUp: holdUp, fall: fall) }
}
