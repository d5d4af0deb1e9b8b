public import Routing

/// Which region of an active-passive service is the primary.
///
///     primary ── down for fail_hold, lag small enough ──▶ failed over
///        ▲  └── down, no standby with so little lag ──▶ awaiting operator ── promote ──▶ ┘ │
///        │                                                          first healthy again │
///        └── fail-back: by itself after a time, or an operator's ── awaiting fail-back ◀┘
///
/// It moves by nothing else. Each change of the region makes a new epoch, so that at most one
/// region is primary for an epoch, and epochs only grow. Regions are known by name, so that all of
/// this outlasts a reload.
public struct PrimaryStateMachine: Sendable, Equatable {
  /// How the first region of the order becomes the primary again.
  public enum Failback: Sendable, Equatable {
    /// By itself, all clients at once.
    case auto
    /// By itself; the former primary keeps a part of the clients, which shrinks.
    case gradual
    /// When an operator says so.
    case manual
  }

  public struct Rules: Sendable, Equatable {
    /// Most wanted first.
    public var order: [String]
    /// How long the primary is down before another takes over.
    public var failHold: Duration
    public var failback: Failback
    /// How long a region is healthy, without any break, before it gets its clients back by itself.
    public var failbackAfter: Duration
    /// The data, in time, that may be lost by a change that nobody asked for; nil: any.
    public var maximumLoss: Duration?
    /// A lag that was measured longer ago counts for nothing.
    public var maximumLagAge: Duration
    /// How long a gradual fail-back takes, and the share with which it begins.
    public var ramp: Duration
    public var rampStart: Double

    public init(
      order: [String], failHold: Duration, failback: Failback, failbackAfter: Duration,
      maximumLoss: Duration? = nil, maximumLagAge: Duration = .zero, ramp: Duration = .zero,
      rampStart: Double = 1
    ) {
      self.order = order
      self.failHold = failHold
      self.failback = failback
      self.failbackAfter = failbackAfter
      self.maximumLoss = maximumLoss
      self.maximumLagAge = maximumLagAge
      self.ramp = ramp
      self.rampStart = rampStart
    }
  }

  /// How far a region's data are behind those of the primary.
  public struct Lag: Sendable, Equatable {
    public var duration: Duration
    public var measuredAt: Duration

    public init(_ duration: Duration, measuredAt: Duration) {
      self.duration = duration
      self.measuredAt = measuredAt
    }
  }

  /// A region of the order, as it is found.
  public struct Candidate: Sendable, Equatable {
    public var name: String
    public var standing: Standing
    public var lag: Lag?

    public init(name: String, standing: Standing, lag: Lag? = nil) {
      self.name = name
      self.standing = standing
      self.lag = lag
    }

    var isUp: Bool { standing <= .degraded }
    var isDown: Bool { standing >= .unhealthy }
  }

  /// What an operator accepts to lose.
  public enum Acceptance: Sendable, Equatable {
    case nothing
    case upTo(Duration)
    case anything
  }

  public enum Cause: Sendable, Equatable {
    /// The primary was down.
    case failure
    /// One that is wanted more was healthy for long enough.
    case recovery
    case promotion(Acceptance)
    case failback(Acceptance)
    /// The order does not have the primary any more.
    case configuration
    /// The fleet has decided, by another node or before this one started.
    case fleet
  }

  /// A change that is not made yet. Whoever shares the primary with others has them agree first.
  public struct Proposal: Sendable, Equatable {
    public var region: String
    public var cause: Cause
    /// See ``PrimaryStateMachine/isChosen``.
    public var isChosen: Bool
    /// See ``PrimaryStateMachine/former``.
    public var former: String?

    public init(region: String, cause: Cause, isChosen: Bool, former: String?) {
      self.region = region
      self.cause = cause
      self.isChosen = isChosen
      self.former = former
    }
  }

  public struct Change: Sendable, Equatable {
    public var from: String
    public var to: String
    /// The new one.
    public var epoch: UInt64
    public var cause: Cause
    /// Of the new primary, if it was known.
    public var lag: Duration?
  }

  /// Why an operator's word is not followed.
  public enum Refusal: Error, Sendable, Equatable {
    case notInOrder(String)
    case isPrimary(String)
    case isNotUp(String, Standing)
    /// More than was accepted; the lag is nil where none is known that is fresh.
    case lag(String, Duration?, limit: Duration)
  }

  public private(set) var primary: String
  public private(set) var epoch: UInt64
  /// An operator chose the primary: nothing but its failure, or an operator, ends it.
  public private(set) var isChosen: Bool
  public private(set) var candidates: [Candidate] = []
  /// The primary before, while clients return gradually.
  public private(set) var former: String?
  private var rampSince: Duration = .zero
  private var downSince: Duration?
  /// Of regions that are healthy, since when without a break.
  private var healthySince: [String: Duration] = [:]
  private var waitsForOperator = false
  private var now: Duration = .zero

  /// Rounding of times makes nothing due twice.
  private static let tolerance = Duration.microseconds(1)

  public init(primary: String, epoch: UInt64, isChosen: Bool = false) {
    self.primary = primary
    self.epoch = epoch
    self.isChosen = isChosen
  }
}

// MARK: - time and health

extension PrimaryStateMachine {
  /// Takes how the regions of the order are found, in its order, and lets time pass.
  ///
  /// - Returns: the change, if there is one.
  public mutating func observe(
    _ candidates: [Candidate], rules: Rules, now: Duration
  ) -> Change? {
    propose(candidates, rules: rules, now: now).map { take($0) }
  }

  /// Makes the change, with the next epoch.
  public mutating func take(_ proposal: Proposal) -> Change {
    change(to: proposal, epoch: epoch + 1)
  }

  /// Takes what was decided elsewhere. An epoch that is known, or older, changes nothing.
  ///
  /// - Parameter proposal: its cause is told.
  public mutating func follow(
    _ proposal: Proposal, epoch: UInt64, now: Duration
  ) -> Change? {
    guard epoch > self.epoch else { return nil }
    self.now = now
    return change(to: proposal, epoch: epoch)
  }

  /// The same, and the change is only proposed: it is again each time, until it was made or is not
  /// wanted any more.
  public mutating func propose(
    _ candidates: [Candidate], rules: Rules, now: Duration
  ) -> Proposal? {
    self.now = now
    self.candidates = candidates
    noteHealth()
    if former != nil, isPast(rampSince + rules.ramp) { former = nil }
    if let former, !rules.order.contains(former) { self.former = nil }
    waitsForOperator = false
    guard let found = candidates.first(where: { $0.name == primary }) else {
      let next = candidates.first { $0.isUp } ?? candidates.first
      return next.map { proposal($0, cause: .configuration) }
    }
    noteFailure(of: found)
    return downSince == nil ? recovered(rules) : failedOver(rules)
  }

  private mutating func noteHealth() {
    var healthy: [String: Duration] = [:]
    for candidate in candidates where candidate.standing == .healthy {
      healthy[candidate.name] = healthySince[candidate.name] ?? now
    }
    healthySince = healthy
  }

  /// What is not known yet changes nothing.
  private mutating func noteFailure(of found: Candidate) {
    if found.isUp { downSince = nil }
    if found.isDown { downSince = downSince ?? now }
  }

  private mutating func failedOver(_ rules: Rules) -> Proposal? {
    guard let downSince else { return nil }
    // While its clients still return nobody waits: they go back to where they came from.
    guard former != nil || isPast(downSince + rules.failHold) else { return nil }
    let standbys = candidates.filter { $0.name != primary && $0.isUp }
    guard let next = standbys.first(where: { isWithinLoss($0, accepting: .nothing, rules) }) else {
      waitsForOperator = !standbys.isEmpty
      return nil
    }
    return proposal(next, cause: .failure)
  }

  private func recovered(_ rules: Rules) -> Proposal? {
    guard rules.failback != .manual, !isChosen else { return nil }
    let next = wantedMore(rules).first { candidate in
      let since = healthySince[candidate.name]
      return since.map { isPast($0 + rules.failbackAfter) } ?? false
        && isWithinLoss(candidate, accepting: .nothing, rules)
    }
    return next.map { returnTo($0, cause: .recovery, rules) }
  }

  /// The regions that stand before the primary in the order.
  private func wantedMore(_ rules: Rules) -> [Candidate] {
    Array(candidates.prefix { $0.name != primary })
  }

  private func isPast(_ time: Duration) -> Bool { now + Self.tolerance >= time }

  private func freshLag(_ candidate: Candidate, _ rules: Rules) -> Duration? {
    candidate.lag.flatMap { now - $0.measuredAt <= rules.maximumLagAge ? $0.duration : nil }
  }

  private func isWithinLoss(
    _ candidate: Candidate, accepting acceptance: Acceptance, _ rules: Rules
  ) -> Bool {
    guard let most = rules.maximumLoss, acceptance != .anything else { return true }
    guard let lag = freshLag(candidate, rules) else { return false }
    if case .upTo(let accepted) = acceptance { return lag <= max(most, accepted) }
    return lag <= most
  }

  private func proposal(_ next: Candidate, cause: Cause) -> Proposal {
    Proposal(region: next.name, cause: cause, isChosen: false, former: nil)
  }

  private func returnTo(_ next: Candidate, cause: Cause, _ rules: Rules) -> Proposal {
    var proposal = proposal(next, cause: cause)
    let hasFormer = candidates.contains { $0.name == primary && $0.isUp }
    if rules.failback == .gradual, rules.ramp > .zero, hasFormer { proposal.former = primary }
    return proposal
  }

  private mutating func change(to next: Proposal, epoch: UInt64) -> Change {
    let before = primary
    let found = candidates.first { $0.name == next.region }
    self.epoch = epoch
    isChosen = next.isChosen
    waitsForOperator = false
    if before != next.region {
      primary = next.region
      downSince = found?.isDown == true ? now : nil
      former = next.former
      rampSince = now
    }
    return Change(
      from: before, to: primary, epoch: epoch, cause: next.cause, lag: found?.lag?.duration)
  }
}

// MARK: - an operator's word

extension PrimaryStateMachine {
  /// Makes a region the primary at once.
  public mutating func promote(
    _ region: String, accepting acceptance: Acceptance, rules: Rules, now: Duration
  ) throws(Refusal) -> Change {
    self.now = now
    return take(try promotion(of: region, accepting: acceptance, rules: rules))
  }

  /// What making a region the primary comes to.
  public func promotion(
    of region: String, accepting acceptance: Acceptance, rules: Rules
  ) throws(Refusal) -> Proposal {
    let next = try fit(region, accepting: acceptance, rules)
    var proposal = proposal(next, cause: .promotion(acceptance))
    proposal.isChosen = region != rules.order.first
    return proposal
  }

  /// Gives the clients back to the most wanted region that is up and stands before the primary.
  public mutating func failback(
    accepting acceptance: Acceptance, rules: Rules, now: Duration
  ) throws(Refusal) -> Change {
    self.now = now
    return take(try failback(accepting: acceptance, rules: rules))
  }

  /// What giving the clients back comes to.
  public func failback(
    accepting acceptance: Acceptance, rules: Rules
  ) throws(Refusal) -> Proposal {
    let wanted = wantedMore(rules)
    guard let first = wanted.first else { throw .isPrimary(primary) }
    let target = wanted.first(where: \.isUp) ?? first
    let next = try fit(target.name, accepting: acceptance, rules)
    return returnTo(next, cause: .failback(acceptance), rules)
  }

  private func fit(
    _ region: String, accepting acceptance: Acceptance, _ rules: Rules
  ) throws(Refusal) -> Candidate {
    guard let candidate = candidates.first(where: { $0.name == region }) else {
      throw .notInOrder(region)
    }
    guard region != primary else { throw .isPrimary(region) }
    guard candidate.isUp else { throw .isNotUp(region, candidate.standing) }
    guard isWithinLoss(candidate, accepting: acceptance, rules) else {
      throw .lag(region, freshLag(candidate, rules), limit: rules.maximumLoss ?? .zero)
    }
    return candidate
  }
}

// MARK: - what it comes to

extension PrimaryStateMachine {
  public func state(rules: Rules) -> PrimaryRegion.State {
    if waitsForOperator { return .awaitingOperator }
    if primary == rules.order.first { return .primary }
    let isOneBack = wantedMore(rules).contains { healthySince[$0.name] != nil }
    return isOneBack ? .awaitingFailback : .failedOver
  }

  /// Another region may soon be the primary, or clients are returning.
  public func isChanging(rules: Rules) -> Bool {
    downSince != nil || former != nil || nextReturn(rules) != nil
  }

  /// The share of the clients that the primary has, 0...1; the former one has the others.
  public func share(rules: Rules) -> Double {
    guard former != nil, rules.ramp > .zero else { return 1 }
    let passed = step(rules) * stepsPassed(rules) / rules.ramp
    return min(1, rules.rampStart + (1 - rules.rampStart) * passed)
  }

  /// When time alone changes something; nil: never.
  public func due(rules: Rules) -> Duration? {
    var times: [Duration] = []
    if let downSince { times.append(downSince + rules.failHold) }
    if let next = nextReturn(rules) { times.append(next) }
    if former != nil { times.append(rampSince + step(rules) * (Double(stepsPassed(rules)) + 1)) }
    return times.filter { $0 > now + Self.tolerance }.min()
  }

  /// When a region that is wanted more will have been healthy for long enough.
  private func nextReturn(_ rules: Rules) -> Duration? {
    guard rules.failback != .manual, !isChosen else { return nil }
    return wantedMore(rules).compactMap { healthySince[$0.name] }.min()
      .map { $0 + rules.failbackAfter }
  }

  private func step(_ rules: Rules) -> Duration {
    max(ReturnStateMachine.leastStep, rules.ramp / ReturnStateMachine.rampStepCount)
  }

  private func stepsPassed(_ rules: Rules) -> Int {
    Int(max(0, (now - rampSince + Self.tolerance) / step(rules)))
  }
}
