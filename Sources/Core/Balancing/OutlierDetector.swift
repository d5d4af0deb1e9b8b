/// Which endpoints of one region and pool are left out because the proxy's own connections to them
/// go wrong: events in, ejections out, the time an argument.
///
///     serving ─ n failures in a row ─→ ejected ─ time passes ─→ on probation ─ it works ─→ serving
///                                         ↑ for longer                │
///                                         └───────── one failure ─────┘
///
/// Time alone brings an endpoint back, then its connections judge it: a probe that succeeds while
/// connections fail says nothing. Times are nanoseconds of a clock that never goes back.
public struct OutlierDetector: Sendable {
  /// What a connection met.
  public enum Event: Sendable, BitwiseCopyable {
    case connected
    /// Refused, reset, unreachable or timed out.
    case connectFailed
    /// The endpoint had accepted it, and reset it before it sent a byte.
    case resetEarly
    /// The endpoint has sent something.
    case answered

    public var isFailure: Bool { self == .connectFailed || self == .resetEarly }
  }

  public enum Outcome: Sendable, Equatable, BitwiseCopyable {
    case none
    /// Until then; the n-th time without a longer good time between.
    case ejected(until: UInt64, times: Int)
    /// It would be ejected, but as many as may be are already.
    case spared
  }

  /// An endpoint.
  public struct Member: Sendable, Equatable, BitwiseCopyable {
    fileprivate(set) var failures = 0
    fileprivate(set) var resets = 0
    /// How often it was ejected; falls with good time.
    public fileprivate(set) var times = 0
    public fileprivate(set) var ejectedUntil: UInt64 = 0
    /// Nothing has come from it since it was ejected.
    fileprivate(set) var isOnProbation = false
    /// Of the last failure or end of an ejection.
    fileprivate(set) var badUntil: UInt64 = 0

    public init() {}

    /// Whether something good that happens to it changes anything.
    public var isSuspected: Bool { failures > 0 || resets > 0 || isOnProbation }
  }

  /// So many times ``EjectionRules/base`` without a failure, and the next ejection is one step
  /// shorter: long enough that failing now and then does not count as good.
  static let goodBases: UInt64 = 6

  public var rules: EjectionRules
  public private(set) var members: [Member]

  public init(rules: EjectionRules, memberCount: Int) {
    self.rules = rules
    members = Array(repeating: Member(), count: memberCount)
  }

  /// Members carried over from other settings.
  public init(rules: EjectionRules, members: [Member]) {
    self.rules = rules
    self.members = members
  }

  public func ejectedCount(now: UInt64) -> Int { members.count { now < $0.ejectedUntil } }

  public mutating func handle(_ event: Event, of index: Int, now: UInt64) -> Outcome {
    // What was begun before the ejection says nothing that is not known.
    guard now >= members[index].ejectedUntil else { return .none }
    switch event {
    case .connected:
      members[index].failures = 0
      // Whether it also answers, it has yet to show if that is what it was ejected for.
      if rules.resets == 0 { members[index].isOnProbation = false }
      return .none
    case .answered:
      members[index].failures = 0
      members[index].resets = 0
      members[index].isOnProbation = false
      return .none
    case .connectFailed: members[index].failures += 1
    case .resetEarly:
      guard rules.resets > 0 else { return .none }
      members[index].resets += 1
    }
    settleGoodTime(of: index, now: now)
    let member = members[index]
    let isOut =
      member.isOnProbation || member.failures >= rules.failures
      || (rules.resets > 0 && member.resets >= rules.resets)
    return isOut ? eject(index, now: now) : .none
  }

  private mutating func settleGoodTime(of index: Int, now: UInt64) {
    let step = max(1, rules.base &* Self.goodBases)
    let good = now &- min(now, members[index].badUntil)
    members[index].times = max(0, members[index].times - Int(min(good / step, 1_000_000)))
    members[index].badUntil = now
  }

  private mutating func eject(_ index: Int, now: UInt64) -> Outcome {
    guard ejectedCount(now: now) < rules.mostEjected(of: members.count) else { return .spared }
    let most = Int(min(rules.longest / max(1, rules.base) + 1, 1_000_000))
    let times = min(members[index].times + 1, most)
    let until = now &+ min(rules.base &* UInt64(times), rules.longest)
    members[index] = Member()
    members[index].times = times
    members[index].ejectedUntil = until
    members[index].badUntil = until
    members[index].isOnProbation = true
    return .ejected(until: until, times: times)
  }
}
