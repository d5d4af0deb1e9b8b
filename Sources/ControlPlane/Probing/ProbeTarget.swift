package import Counters
package import Places
package import Routing
package import Settings

/// An endpoint as its health is watched: where to probe, and by which monitor.
package struct ProbeTarget: Sendable, Equatable {
  /// The name under which transitions and reports speak of it; one target an identity.
  package var endpointID: String
  /// Where the probe connects; need not be the address that is answered.
  package var address: SocketAddress
  /// nil: no probes; healthy until connections fail (see ``PassiveStateMachine``).
  package var monitor: Settings.Monitor?

  package init(endpointID: String, address: SocketAddress, monitor: Settings.Monitor?) {
    self.endpointID = endpointID
    self.address = address
    self.monitor = monitor
  }
}

/// What one probe found. Causes are for people: `connection refused`, `status 503, wanted 200-299`.
package enum ProbeOutcome: Sendable, Equatable {
  case success
  /// It answers, and says that it should be used after others.
  case degraded(String)
  case failure(String)
  /// The probe failed by a shortage or a fault of this machine, which says nothing about the
  /// endpoint and counts for nothing.
  case inconclusive(String)
  /// The line of an agent, to be taken together with those before it.
  case told(AgentWords)

  /// nil for a success.
  package var cause: String? {
    switch self {
    case .success, .told: nil
    case .degraded(let cause), .failure(let cause), .inconclusive(let cause): cause
    }
  }
}

/// A change of one endpoint's health; of its share alone where `from` is `to`.
package struct HealthTransition: Sendable, Equatable {
  package var from: Health
  package var to: Health
  package var cause: String
  /// On the clock that the state machine was given; the ``Prober``'s: since 1970.
  package var at: Duration

  package init(from: Health, to: Health, cause: String, at: Duration) {
    self.from = from
    self.to = to
    self.cause = cause
    self.at = at
  }

  /// Both as one.
  func following(_ earlier: HealthTransition) -> HealthTransition {
    HealthTransition(from: earlier.from, to: to, cause: cause, at: at)
  }
}

/// Health and the order in which it was lost, as `EndpointCondition` wants them.
package struct EndpointState: Sendable, Equatable {
  package var health: Health
  /// See `EndpointCondition/lastGood`.
  package var lastGood: UInt64
  /// See `EndpointCondition/sharePercent`.
  package var sharePercent: Int

  package init(health: Health, lastGood: UInt64, sharePercent: Int = 100) {
    self.health = health
    self.lastGood = lastGood
    self.sharePercent = sharePercent
  }
}

/// One endpoint's new state and what led to it.
package struct HealthChange: Sendable, Equatable {
  package var endpointID: String
  package var state: EndpointState
  package var transition: HealthTransition

  package init(endpointID: String, state: EndpointState, transition: HealthTransition) {
    self.endpointID = endpointID
    self.state = state
    self.transition = transition
  }
}

/// What is known of one endpoint, for the API.
package struct EndpointReport: Sendable, Equatable {
  package struct LastProbe: Sendable, Equatable {
    /// When it ended, on the clock of ``HealthTransition/at``.
    package var at: Duration
    package var took: Duration
    package var outcome: ProbeOutcome

    package init(at: Duration, took: Duration, outcome: ProbeOutcome) {
      self.at = at
      self.took = took
      self.outcome = outcome
    }
  }
  package var endpointID: String
  package var state: EndpointState
  package var isProbing: Bool
  package var lastProbe: LastProbe?
  package var successesInARow: Int
  /// Failed probes and failed connections together.
  package var failuresInARow: Int
  package var lastTransition: HealthTransition?
  /// How long its probes take, smoothed; nil: none has succeeded, or several make up its health.
  package var roundTrip: Duration?

  package init(
    endpointID: String, state: EndpointState, isProbing: Bool = false,
    lastProbe: LastProbe? = nil, successesInARow: Int = 0, failuresInARow: Int = 0,
    lastTransition: HealthTransition? = nil, roundTrip: Duration? = nil
  ) {
    self.endpointID = endpointID
    self.state = state
    self.isProbing = isProbing
    self.lastProbe = lastProbe
    self.successesInARow = successesInARow
    self.failuresInARow = failuresInARow
    self.lastTransition = lastTransition
    self.roundTrip = roundTrip
  }
}

/// Sums since the start of the process.
package struct ProbeCounts: Sendable, Equatable {
  package var started = 0
  package var succeeded = 0
  package var degraded = 0
  package var failed = 0
  package var inconclusive = 0
  /// Failed connections that traffic met, not probes.
  package var passiveFailures = 0
  package var transitions = 0
  /// Of all probes that ended.
  package var durations = Histogram()

  package init() {}

  mutating func count(_ outcome: ProbeOutcome, took: Duration) {
    durations.record(took)
    switch outcome {
    case .success: succeeded += 1
    case .degraded: degraded += 1
    case .failure: failed += 1
    case .inconclusive: inconclusive += 1
    case .told: succeeded += 1
    }
  }
}
