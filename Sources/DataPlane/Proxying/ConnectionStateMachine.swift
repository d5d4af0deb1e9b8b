/// The two ends of a proxied connection.
package enum Side: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case client, upstream

  package var other: Side { self == .client ? .upstream : .client }
}

/// The life of one proxied connection: events in, actions out, the time an argument. It knows no
/// socket; `ProxyWorker` performs the actions.
///
///     accepted → greet? → connect ─ failed ─→ connect to the next … ─→ close
///                        │└─ no answer for long → race: a second attempt beside the first
///                        └─ connected → relay ─ one side ended → shut down the other's writing
///                                         │        └─ the other side ended → close
///                                         ├─ reset before it answered → connect to the next?
///                                         └─ reset, idle, half-closed for too long → close
///
/// Times are nanoseconds of a clock that never goes back.
package struct ConnectionStateMachine: Sendable, Equatable, BitwiseCopyable {
  /// What bounds a connection in time; nanoseconds.
  package struct Limits: Sendable, Equatable, BitwiseCopyable {
    /// For one attempt.
    package var connectTimeout: UInt64
    /// From the accept, for what the client has to say before it is known where it goes.
    package var greetingTimeout: UInt64
    /// For all attempts together, from the accept, or from the end of the greeting.
    package var connectBudget: UInt64
    /// At least 1.
    package var maximumAttempts: UInt8
    /// Without a byte in either direction.
    package var idleTimeout: UInt64
    /// As `idleTimeout`, once a side has ended.
    package var halfClosedTimeout: UInt64

    package init(
      greetingTimeout: UInt64 = 3_000_000_000, connectTimeout: UInt64, connectBudget: UInt64,
      maximumAttempts: UInt8, idleTimeout: UInt64, halfClosedTimeout: UInt64
    ) {
      self.greetingTimeout = greetingTimeout
      self.connectTimeout = connectTimeout
      self.connectBudget = connectBudget
      self.maximumAttempts = maximumAttempts
      self.idleTimeout = idleTimeout
      self.halfClosedTimeout = halfClosedTimeout
    }
  }

  package enum Phase: UInt8, Sendable, BitwiseCopyable {
    case accepted, greeting, connecting, relaying, closed
  }

  /// Attempts to connect: one, and a second beside it when that gets no answer.
  package enum Attempt: UInt8, Sendable, BitwiseCopyable {
    case first, rival
  }

  package enum Event: Sendable, Equatable, BitwiseCopyable {
    /// The client was accepted.
    case accepted
    /// The same, but it has to say something first.
    case greetingExpected
    /// It has.
    case greeted
    /// No endpoint was looked for: the reason says why.
    case refused(CloseReason)
    /// No endpoint is left that has not been tried.
    case targetsExhausted
    /// As ``targetsExhausted``, and some of those have all the connections they may have.
    case targetsFull
    /// There is no endpoint to race with.
    case noRival
    case connected(Attempt)
    case connectFailed(Attempt, ConnectFailure)
    /// The side sent FIN and every byte before it has been handed to the other side's socket.
    case ended(Side)
    case reset(Side)
    /// A side broke a rule of TLS: the reason says which.
    case failed(CloseReason)
    /// ``deadline(_:)`` may have passed.
    case timerExpired
    /// The proxy drains, and this connection's time has come.
    case drained
    /// The endpoint is not to be used any more, and this connection's time has come.
    case departed(CloseReason)
    /// The proxy stops.
    case stopped
  }

  package enum Action: Sendable, Equatable, BitwiseCopyable {
    case none
    /// Choose an endpoint that has not been tried, drop the attempt before, and connect.
    case connect
    /// The same, after an endpoint that had taken the connection: what that was told is told again.
    case connectAgain
    /// Choose an endpoint that has not been tried, and connect beside the first attempt.
    case race
    /// Drop the first attempt: the rival takes its place.
    case adoptRival
    /// The attempt is the connection's other side: drop the other one, and move bytes.
    case relay(Attempt)
    /// Pass the FIN on to this side.
    case shutDownWriting(to: Side)
    case close(CloseReason)
  }

  package private(set) var phase = Phase.accepted
  /// Attempts begun.
  package private(set) var attemptCount: UInt8 = 0
  /// The side whose FIN came first.
  package private(set) var endedSide: Side?
  package private(set) var lastFailure: ConnectFailure?
  /// The endpoint has not answered, and everything that it was told could be told to another one.
  package private(set) var isRepeatable = false
  private let acceptedAt: UInt64
  /// From where the time of all attempts counts.
  private var budgetStartedAt: UInt64
  private var attemptStartedAt: UInt64
  /// An endpoint took the connection, and reset it.
  package private(set) var hasReset = false
  /// nil: there is none.
  private var rivalStartedAt: UInt64?
  /// When a rival is due; ``UInt64/max``: not.
  private var raceAt = UInt64.max
  private var lastActivityAt: UInt64

  package init(acceptedAt now: UInt64) {
    acceptedAt = now
    budgetStartedAt = now
    attemptStartedAt = now
    lastActivityAt = now
  }

  /// Bytes moved.
  package mutating func noteActivity(now: UInt64) { lastActivityAt = now }

  /// From now on a reset by the endpoint is met with another one.
  package mutating func setRepeatable(_ isRepeatable: Bool) { self.isRepeatable = isRepeatable }

  /// An attempt is under way whose endpoint would have answered by this time.
  package mutating func expectAnswer(by time: UInt64) { raceAt = time }

  /// Nanoseconds since the accept.
  package func age(now: UInt64) -> UInt64 { now &- acceptedAt }

  /// When ``Event/timerExpired`` is due next.
  package func deadline(_ limits: Limits) -> UInt64 {
    switch phase {
    case .greeting: acceptedAt &+ limits.greetingTimeout
    case .accepted, .connecting:
      min(
        attemptStartedAt &+ limits.connectTimeout, budgetStartedAt &+ limits.connectBudget, raceAt)
    case .relaying where endedSide != nil: lastActivityAt &+ limits.halfClosedTimeout
    case .relaying: lastActivityAt &+ limits.idleTimeout
    case .closed: .max
    }
  }

  /// Whether the attempt under way has had its time.
  package func isAttemptOverdue(now: UInt64, _ limits: Limits) -> Bool {
    phase == .connecting && now >= attemptStartedAt &+ limits.connectTimeout
  }

  package mutating func handle(_ event: Event, now: UInt64, _ limits: Limits) -> Action {
    switch (phase, event) {
    case (.closed, _): .none
    case (_, .drained): close(.drained)
    case (_, .stopped): close(.shutdown)
    case (.relaying, .reset(.upstream)) where isRepeatable: attemptAfterReset(now: now, limits)
    case (_, .reset(let side)): close(side == .client ? .clientReset : .upstreamReset)
    case (_, .failed(let reason)), (_, .departed(let reason)): close(reason)
    case (.accepted, .accepted): attempt(now: now)
    case (.accepted, .greetingExpected): greet()
    case (.greeting, .greeted): connect(now: now)
    case (.greeting, .timerExpired):
      now >= deadline(limits) ? close(.greetingTimeout) : .none
    case (.accepted, .refused(let reason)), (.greeting, .refused(let reason)),
      (.connecting, .refused(let reason)):
      close(reason)
    case (.connecting, .targetsExhausted): close(reasonOfFailure)
    // What failed says more than what was full.
    case (.connecting, .targetsFull): close(lastFailure == nil ? .endpointsFull : reasonOfFailure)
    case (.connecting, .noRival): endRace()
    case (.connecting, .connected(let attempt)): relay(attempt, now: now)
    case (.connecting, .connectFailed(.first, let failure)):
      next(after: failure, now: now, limits)
    case (.connecting, .connectFailed(.rival, let failure)):
      nextRival(after: failure, now: now, limits)
    case (.connecting, .timerExpired): connectTimer(now: now, limits)
    case (.relaying, .ended(let side)): end(of: side)
    case (.relaying, .timerExpired): relayTimer(now: now, limits)
    default: .none
    }
  }

  private mutating func greet() -> Action {
    phase = .greeting
    return .none
  }

  private mutating func connect(now: UInt64) -> Action {
    budgetStartedAt = now
    return attempt(now: now)
  }

  private mutating func attempt(now: UInt64) -> Action {
    phase = .connecting
    isRepeatable = false
    attemptCount &+= 1
    attemptStartedAt = now
    raceAt = .max
    return .connect
  }

  private mutating func relay(_ attempt: Attempt, now: UInt64) -> Action {
    if attempt == .rival && rivalStartedAt == nil { return .none }
    phase = .relaying
    lastActivityAt = now
    return .relay(attempt)
  }

  private mutating func next(
    after failure: ConnectFailure, now: UInt64, _ limits: Limits
  ) -> Action {
    lastFailure = failure
    if now >= budgetStartedAt &+ limits.connectBudget { return close(.connectBudget) }
    if let started = rivalStartedAt {
      attemptStartedAt = started
      rivalStartedAt = nil
      return .adoptRival
    }
    guard attemptCount < limits.maximumAttempts else { return close(reasonOfFailure) }
    return attempt(now: now)
  }

  /// What was told to the endpoint is told to the next one, the client's FIN too.
  private mutating func attemptAfterReset(now: UInt64, _ limits: Limits) -> Action {
    guard now < budgetStartedAt &+ limits.connectBudget, attemptCount < limits.maximumAttempts
    else {
      return close(.upstreamReset)
    }
    hasReset = true
    endedSide = nil
    _ = attempt(now: now)
    return .connectAgain
  }

  /// The first attempt goes on, and has a new rival.
  private mutating func nextRival(
    after failure: ConnectFailure, now: UInt64, _ limits: Limits
  ) -> Action {
    guard rivalStartedAt != nil else { return .none }
    lastFailure = failure
    rivalStartedAt = nil
    return race(now: now, limits)
  }

  private mutating func race(now: UInt64, _ limits: Limits) -> Action {
    raceAt = .max
    guard rivalStartedAt == nil, attemptCount < limits.maximumAttempts else { return .none }
    attemptCount &+= 1
    rivalStartedAt = now
    return .race
  }

  private mutating func endRace() -> Action {
    if rivalStartedAt != nil { attemptCount &-= 1 }
    rivalStartedAt = nil
    raceAt = .max
    return .none
  }

  private mutating func connectTimer(now: UInt64, _ limits: Limits) -> Action {
    if now >= budgetStartedAt &+ limits.connectBudget { return close(.connectBudget) }
    if isAttemptOverdue(now: now, limits) { return next(after: .timedOut, now: now, limits) }
    return now >= raceAt ? race(now: now, limits) : .none
  }

  /// The first FIN is passed on, the second one closes.
  private mutating func end(of side: Side) -> Action {
    guard let first = endedSide else {
      endedSide = side
      return .shutDownWriting(to: side.other)
    }
    guard first != side else { return .none }
    return close(first == .client ? .clientClosed : .upstreamClosed)
  }

  private mutating func relayTimer(now: UInt64, _ limits: Limits) -> Action {
    guard now >= deadline(limits) else { return .none }
    return close(endedSide == nil ? .idleTimeout : .halfClosedTimeout)
  }

  private mutating func close(_ reason: CloseReason) -> Action {
    phase = .closed
    return .close(reason)
  }

  private var reasonOfFailure: CloseReason {
    if hasReset { return .upstreamReset }
    return switch lastFailure {
    case .timedOut: .connectTimedOut
    case .tls: .upstreamTLS
    default: .connectFailed
    }
  }
}
