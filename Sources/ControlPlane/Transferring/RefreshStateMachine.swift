/// When a secondary asks its primaries, and until when it may answer (RFC 1034 §4.3.5,
/// RFC 1996 §3). Times are in seconds since 1970.
///
///     next check ──due──► checking ──good──► now + refresh
///         ▲  ▲               │
///         │  └────failed─────┘  now + retry
///      NOTIFY
package struct RefreshStateMachine: Sendable, Equatable {
  /// The timers of a zone's SOA, kept within what is sane whatever the primary says.
  package struct Timers: Sendable, Equatable {
    package var refresh: Double
    package var retry: Double
    package var expire: Double

    package static let refreshLimits = 2.0...2_419_200
    package static let retryLimits = 1.0...1_209_600
    package static let expireLimits = 10.0...31_536_000

    package init(refresh: Double, retry: Double, expire: Double) {
      self.refresh = refresh.clamped(to: Self.refreshLimits)
      self.retry = retry.clamped(to: Self.retryLimits)
      // RFC 1912 §2.2: to expire before the next refresh makes no sense.
      self.expire = max(
        expire.clamped(to: Self.expireLimits), self.refresh + self.retry)
    }

    package init(_ authority: Authority) {
      self.init(
        refresh: Double(authority.refreshSeconds), retry: Double(authority.retrySeconds),
        expire: Double(authority.expireSeconds))
    }
  }

  package enum State: String, Sendable {
    /// Nothing to answer with yet.
    case absent
    case current
    /// The last check failed; the zone still answers.
    case stale
    /// Too long without a primary: the zone does not answer (RFC 1034 §4.3.5).
    case expired
  }

  /// Between two checks that NOTIFYs ask for.
  package static let notifySpacing = 1.0
  /// The first wait of a zone that there is nothing of yet; doubles up to the last.
  package static let firstRetry = 2.0
  package static let lastRetry = 300.0
  /// The share of a wait by which it may be shorter, so that zones do not march in step.
  package static let jitterShare = 0.1

  package private(set) var timers: Timers?
  /// When the version in force was last confirmed.
  package private(set) var confirmedAt: Double?
  package private(set) var nextCheck: Double
  package private(set) var isChecking = false
  private var lastStart = -Double.infinity
  private var isNotified = false
  private var failureCount = 0

  /// A zone of which nothing is known: due at once.
  package init(now: Double) { nextCheck = now }

  /// A zone that was kept: answers until it expires, and is due at once.
  package init(_ authority: Authority, confirmedAt: Double, now: Double) {
    timers = Timers(authority)
    // A clock that was set back does not make a zone live for ever.
    self.confirmedAt = min(confirmedAt, now)
    nextCheck = now
  }

  /// When the zone stops answering; nil: there is nothing to answer with.
  package var expiresAt: Double? {
    guard let timers, let confirmedAt else { return nil }
    return confirmedAt + timers.expire
  }

  package func state(now: Double) -> State {
    guard let expiresAt else { return .absent }
    if now >= expiresAt { return .expired }
    return failureCount > 0 ? .stale : .current
  }

  /// Whether a check is to begin; it has begun then.
  package mutating func begin(now: Double) -> Bool {
    guard !isChecking, now >= nextCheck else { return false }
    isChecking = true
    isNotified = false
    lastStart = now
    return true
  }

  /// A NOTIFY came that may be believed: check soon, and once more if a check is under way, since
  /// it may have asked too early.
  package mutating func notified(now: Double) {
    isNotified = true
    if !isChecking { nextCheck = min(nextCheck, max(now, lastStart + Self.notifySpacing)) }
  }

  /// The version in force was confirmed, or replaced by this one.
  ///
  /// - Parameter jitter: 0 to 1, random.
  package mutating func succeeded(_ authority: Authority, now: Double, jitter: Double) {
    timers = Timers(authority)
    confirmedAt = now
    failureCount = 0
    end(wait: Timers(authority).refresh, now: now, jitter: jitter)
  }

  /// No primary had a good answer.
  package mutating func failed(now: Double, jitter: Double) {
    failureCount += 1
    let doublings = Double(1 << min(failureCount - 1, 16))
    let wait = timers?.retry ?? min(Self.firstRetry * doublings, Self.lastRetry)
    end(wait: wait, now: now, jitter: jitter)
  }

  private mutating func end(wait: Double, now: Double, jitter: Double) {
    isChecking = false
    nextCheck = now + wait * (1 - Self.jitterShare * jitter.clamped(to: 0...1))
    if isNotified { nextCheck = max(now, lastStart + Self.notifySpacing) }
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    isNaN ? range.lowerBound : Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
