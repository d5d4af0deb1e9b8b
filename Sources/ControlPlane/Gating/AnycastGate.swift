/// Decides whether routes to the anycast addresses are to lead to this node.
///
///     own questions ─┐                  ┌─ ending, drained: never
///     isolated ──────┼─▶ well, for how  ┼─ well for the hold-up: announced
///                    │   long?          ├─ not yet: waiting          ┐ unless no other node
///                    └──────────────────┴─ not well: failing,        ┘ announces: last hope
///     the others ─────────────────────────    isolated
///
/// It withdraws at once and announces late, so that a route that flaps does so slowly. What is
/// wrong with every node at once is more likely a fault of the question than of the nodes: the last
/// ones go on.
package struct AnycastGate: Sendable {
  package struct Rules: Sendable, Equatable {
    /// The node must have been well for so long without a break.
    package var holdUp: Duration
    /// So many own questions in a row must have gone wrong.
    package var fall: Int

    package init(holdUp: Duration = .seconds(10), fall: Int = 3) {
      self.holdUp = holdUp
      self.fall = fall
    }
  }

  /// What is known beside the node's own questions.
  package struct Evidence: Sendable, Equatable {
    package var isDrained: Bool
    package var isIsolated: Bool
    /// The fleet's store is there: what is known of the others is what they say now.
    package var isConnected: Bool
    /// How the other nodes of the fleet stand that have such addresses, as they last said.
    package var others: [AnycastStanding]

    package init(
      isDrained: Bool = false, isIsolated: Bool = false, isConnected: Bool = true,
      others: [AnycastStanding] = []
    ) {
      self.isDrained = isDrained
      self.isIsolated = isIsolated
      self.isConnected = isConnected
      self.others = others
    }
  }

  /// A node that was announced for less than so many hold-ups waits twice as long the next time…
  package static let steadyHoldUps = 10
  /// …but at most the hold-up times two to the power of this.
  package static let mostDoublings = 4

  package var rules: Rules
  package private(set) var standing = AnycastStanding.waiting
  /// Since when it stands so.
  package private(set) var since: Duration
  /// How many own questions have gone wrong since the last that went well.
  package private(set) var failures = 0
  private var hasAsked = false
  private var isEnding = false
  private var isIsolated = false
  /// nil: it is not well.
  private var wellSince: Duration?
  /// By its own merit, whether or not it is drained; nil: it is not up.
  private var upSince: Duration?
  /// Since its start.
  private var hasBeenUp = false
  private var doublings = 0

  /// - Parameter handed: how a predecessor stood that serves until this one does: a route that
  ///   leads here goes on.
  package init(_ rules: Rules, handed: AnycastStanding? = nil, now: Duration) {
    self.rules = rules
    since = now
    guard let handed, handed.isAnnounced else { return }
    standing = handed
    hasBeenUp = true
    if handed == .announced { upSince = now }
  }

  /// An own question was answered rightly, or was not.
  package mutating func noteAnswer(isRight: Bool, now: Duration) {
    hasAsked = true
    if isRight {
      failures = 0
      if !isIsolated { wellSince = wellSince ?? now }
    } else {
      failures = min(failures + 1, 1_000_000)
      wellSince = nil
    }
  }

  /// The node was told to end. There is no way back.
  package mutating func end(now: Duration) {
    isEnding = true
    stand(.ending, now: now)
  }

  /// Says how the node stands by all that is known now.
  ///
  /// - Returns: whether that is new.
  @discardableResult
  package mutating func settle(_ evidence: Evidence, now: Duration) -> Bool {
    isIsolated = evidence.isIsolated
    if isIsolated { wellSince = nil }
    settleMerit(now: now)
    return stand(next(evidence), now: now)
  }

  /// How long the node must be well before it is announced again.
  package var holdUp: Duration { rules.holdUp * (1 << doublings) }

  private var isFailing: Bool { failures >= rules.fall }

  private mutating func settleMerit(now: Duration) {
    if isFailing || isIsolated {
      guard let up = upSince else { return }
      let wasSteady = now - up >= rules.holdUp * Self.steadyHoldUps
      doublings = wasSteady ? 0 : min(doublings + 1, Self.mostDoublings)
      upSince = nil
    } else if upSince == nil, let wellSince, now - wellSince >= holdUp {
      upSince = now
      hasBeenUp = true
    }
  }

  private func next(_ evidence: Evidence) -> AnycastStanding {
    if isEnding { return .ending }
    if evidence.isDrained { return .drained }
    if upSince != nil { return .announced }
    // Handed, and not yet looked at.
    if !hasAsked && standing == .lastHope { return .lastHope }
    let own: AnycastStanding = isFailing ? .failing : isIsolated ? .isolated : .waiting
    return isLastHope(evidence, own) ? .lastHope : own
  }

  /// Nobody else announces by merit, and somebody has failed: this node, now or before, or another.
  /// A fleet that only starts waits. Those that end leave on purpose, no sign that something
  /// is wrong with all; those that are drained were taken away because the others were there.
  private func isLastHope(_ evidence: Evidence, _ own: AnycastStanding) -> Bool {
    let others = evidence.others
    guard hasAsked, !others.contains(.announced), others.contains(where: { $0 != .ending }) else {
      return false
    }
    // Whoever is cut off from the store as well knows nothing of the others.
    if isIsolated && !evidence.isConnected { return false }
    return own.isImpeded || hasBeenUp || others.contains { $0.isImpeded || $0 == .lastHope }
  }

  @discardableResult
  private mutating func stand(_ next: AnycastStanding, now: Duration) -> Bool {
    guard next != standing else { return false }
    standing = next
    since = now
    return true
  }
}
