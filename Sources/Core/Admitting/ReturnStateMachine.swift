public import Routing

/// How a region that was lost gets its clients back, as one pool sees it.
///
///     used ── lost ──▶ lost ── healthy again ──▶ held ──▶ ramping ──▶ used
///       ▲                ▲                         │ lost     │ lost
///       │                └─────────────────────────┴──────────┘
///       └── taken out by an operator ──▶ out ── taken back ──▶ ramping
///
/// It is held, used only after other healthy regions, while it is flapping, until its hold-down is
/// over, and with manual fail-back until an operator says so. What an operator took out is not
/// held when it is taken back: that was his word. Losing a region is never delayed.
public struct ReturnStateMachine: Sendable, Equatable {
  public enum Failback: String, Sendable, Equatable {
    /// At once.
    case auto
    /// Over the ramp.
    case gradual
    /// Over the ramp, after an operator said so.
    case manual
  }

  public struct Rules: Sendable, Equatable {
    public var failback: Failback
    /// Least time between a loss and the return.
    public var holdDown: Duration
    public var ramp: Duration
    /// The share with which a ramp begins, 0...1.
    public var rampStart: Double
    public var flapping: FlapDamper.Rules

    public init(
      failback: Failback, holdDown: Duration, ramp: Duration, rampStart: Double,
      flapping: FlapDamper.Rules
    ) {
      self.failback = failback
      self.holdDown = holdDown
      self.ramp = ramp
      self.rampStart = rampStart
      self.flapping = flapping
    }
  }

  /// Where the region is on its way.
  public enum Stage: Sendable, Equatable {
    /// Nothing was found of it yet.
    case unseen
    case used
    case lost(since: Duration)
    /// An operator took it out.
    case out
    /// Healthy again after the loss at that time.
    case held(lostAt: Duration)
    case ramping(since: Duration)
  }

  /// A ramp has at most so many steps, each of at least ``leastStep``: each makes an edition.
  public static let rampStepCount = 20
  public static let leastStep = Duration.seconds(1)

  public private(set) var stage: Stage
  public private(set) var damper: FlapDamper
  private var now: Duration

  public init() {
    stage = .unseen
    damper = FlapDamper()
    now = .zero
  }

  /// As it was kept over a restart.
  public init(stage: Stage, damper: FlapDamper) {
    self.stage = stage
    self.damper = damper
    now = damper.countedAt
  }

  /// Takes what health and overrides say of the region, and lets time pass.
  ///
  /// - Parameter isForced: an operator's `up` stands above every hold.
  public mutating func observe(
    _ standing: Standing, isForced: Bool, rules: Rules, now: Duration
  ) {
    self.now = now
    damper.advance(now: now, rules: rules.flapping)
    switch standing {
    case .healthy, .degraded: found(isForced: isForced, rules: rules)
    case .unhealthy: lost(rules: rules)
    case .removed: stage = .out
    // Nothing is known: what was known last goes on.
    case .unknown: break
    case .absent: stage = .unseen
    }
    proceed(rules: rules)
  }

  /// An operator says that the region may have its clients back.
  ///
  /// - Returns: whether it was held.
  public mutating func release(rules: Rules, now: Duration) -> Bool {
    guard case .held = stage else { return false }
    self.now = now
    beginRamp(rules: rules)
    proceed(rules: rules)
    return true
  }

  /// What of its clients the region has at present.
  public func regionReturn(rules: Rules) -> RegionReturn {
    switch stage {
    case .unseen, .used, .lost, .out: RegionReturn(isFlapping: damper.isFlapping)
    case .held(let lostAt):
      RegionReturn(hold: hold(lostAt: lostAt, rules: rules), isFlapping: damper.isFlapping)
    case .ramping(let since):
      RegionReturn(ramp: share(since: since, rules: rules), isFlapping: damper.isFlapping)
    }
  }

  /// When time alone changes something; nil: never.
  public func due(rules: Rules) -> Duration? {
    let settled = damper.due(rules: rules.flapping)
    switch stage {
    case .unseen, .used, .lost, .out: return settled
    case .held(let lostAt):
      let end = lostAt + rules.holdDown
      return [settled, end > now ? end : nil].compactMap(\.self).min()
    case .ramping(let since):
      let step = stepDuration(rules)
      return since + step * (Double(stepsPassed(since: since, rules: rules)) + 1)
    }
  }

  private mutating func found(isForced: Bool, rules: Rules) {
    switch stage {
    case .unseen: stage = .used
    case .lost(let since): stage = .held(lostAt: since)
    case .out: beginRamp(rules: rules)
    case .used, .held, .ramping: break
    }
    if isForced { stage = .used }
  }

  private mutating func lost(rules: Rules) {
    switch stage {
    case .lost: return
    // It was down when we first looked, or when an operator took it back: no loss that we saw.
    case .unseen, .out: break
    case .used, .held, .ramping: damper.noteLoss(now: now, rules: rules.flapping)
    }
    stage = .lost(since: now)
  }

  /// Takes the steps that are due.
  private mutating func proceed(rules: Rules) {
    if case .held(let lostAt) = stage, hold(lostAt: lostAt, rules: rules) == nil {
      beginRamp(rules: rules)
    }
    if case .ramping(let since) = stage, now - since >= rules.ramp { stage = .used }
  }

  private mutating func beginRamp(rules: Rules) {
    stage = rules.failback == .auto || rules.ramp <= .zero ? .used : .ramping(since: now)
  }

  private func hold(lostAt: Duration, rules: Rules) -> RegionReturn.Hold? {
    if damper.isFlapping { return .flapping }
    if now < lostAt + rules.holdDown { return .holdDown }
    return rules.failback == .manual ? .waitingForOperator : nil
  }

  private func stepDuration(_ rules: Rules) -> Duration {
    max(Self.leastStep, rules.ramp / Self.rampStepCount)
  }

  private func stepsPassed(since: Duration, rules: Rules) -> Int {
    // A billionth of a step is forgiven, so that rounding does not make a step due twice.
    Int(max(0, (now - since) / stepDuration(rules)) + 1e-9)
  }

  private func share(since: Duration, rules: Rules) -> Double {
    let passed = stepDuration(rules) * stepsPassed(since: since, rules: rules) / rules.ramp
    return min(1, rules.rampStart + (1 - rules.rampStart) * passed)
  }
}
