/// How many answers a prefix of clients gets: so many that no resolver notices, and so few that
/// forged queries cannot bury whoever's address they bear.
public struct RateLimits: Sendable, Equatable, BitwiseCopyable {
  /// What is counted apart, so that a flood of one kind leaves the others alone.
  public enum Kind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Records, no data, referrals.
    case answers
    /// Names that do not exist: the other favourite of floods.
    case nameErrors
    /// All other codes.
    case errors

    /// In the configuration and in metrics.
    public var name: String {
      switch self {
      case .answers: "answers"
      case .nameErrors: "nxdomain"
      case .errors: "errors"
      }
    }
  }

  /// Answers per second and prefix, each kind for itself. 0: no limit.
  public struct Rates: Sendable, Equatable, BitwiseCopyable {
    public var answers: Int
    public var nameErrors: Int
    public var errors: Int

    public init(answers: Int, nameErrors: Int, errors: Int) {
      self.answers = answers
      self.nameErrors = nameErrors
      self.errors = errors
    }
  }

  public let rates: Rates
  /// Every so many-th limited answer is sent truncated, so that a real client comes back by TCP
  /// (or with a cookie); 0: none, 1: all.
  public let slip: Int
  /// Counts what would be limited, and limits nothing.
  public let isDryRun: Bool

  private let answerInterval: UInt64
  private let nameErrorInterval: UInt64
  private let errorInterval: UInt64

  public init(rates: Rates, slip: Int = 2, isDryRun: Bool = false) {
    self.rates = rates
    self.slip = slip
    self.isDryRun = isDryRun
    func interval(_ rate: Int) -> UInt64 { rate > 0 ? max(1, 1_000_000 / UInt64(rate)) : 0 }
    answerInterval = interval(rates.answers)
    nameErrorInterval = interval(rates.nameErrors)
    errorInterval = interval(rates.errors)
  }

  /// Microseconds that one answer uses up; 0: no limit.
  func intervalMicroseconds(_ kind: Kind) -> UInt64 {
    switch kind {
    case .answers: answerInterval
    case .nameErrors: nameErrorInterval
    case .errors: errorInterval
    }
  }
}
