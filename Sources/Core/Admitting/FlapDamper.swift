import Routing

/// Tells what is lost again and again from what is lost once, as BGP's route flap damping does
/// (RFC 2439 §4.2): each loss adds one to a penalty that halves with time.
///
///     penalty ≥ suppressAt  ▶ flapping
///     penalty ≤ reuseAt     ▶ steady again
public struct FlapDamper: Sendable, Equatable {
  public struct Rules: Sendable, Equatable {
    /// In losses; 0: nothing is ever flapping.
    public var suppressAt: Double
    /// In losses, below ``suppressAt``.
    public var reuseAt: Double
    public var halfLife: Duration
    /// Nothing stays flapping for longer after its last loss.
    public var longest: Duration

    public init(suppressAt: Double, reuseAt: Double, halfLife: Duration, longest: Duration) {
      self.suppressAt = suppressAt
      self.reuseAt = reuseAt
      self.halfLife = halfLife
      self.longest = longest
    }

    public static let off = Rules(
      suppressAt: 0, reuseAt: 0, halfLife: .seconds(1), longest: .zero)
  }

  public private(set) var isFlapping = false
  /// In losses, at ``countedAt``.
  public private(set) var penalty = 0.0
  public private(set) var countedAt = Duration.zero

  public init() {}

  /// As it was kept over a restart.
  public init(isFlapping: Bool, penalty: Double, countedAt: Duration) {
    self.isFlapping = isFlapping
    self.penalty = penalty
    self.countedAt = countedAt
  }

  /// It was lost.
  public mutating func noteLoss(now: Duration, rules: Rules) {
    guard rules.suppressAt > 0 else { return }
    advance(now: now, rules: rules)
    penalty = min(penalty + 1, highest(rules))
    if penalty >= rules.suppressAt { isFlapping = true }
  }

  /// Lets the penalty decay to now.
  public mutating func advance(now: Duration, rules: Rules) {
    guard now > countedAt else { return }
    penalty *= exponential(-0.693_147_180_559_945_3 * ((now - countedAt) / rules.halfLife))
    if penalty < 0.001 { penalty = 0 }
    countedAt = now
    // A hair above, so that it ends when ``due(rules:)`` says.
    if penalty <= rules.reuseAt * 1.000_001 || rules.suppressAt == 0 { isFlapping = false }
  }

  /// When it will be steady again if nothing is lost until then; nil: it is steady.
  public func due(rules: Rules) -> Duration? {
    guard isFlapping, rules.reuseAt > 0 else { return nil }
    return countedAt + rules.halfLife * halvings(from: penalty, to: rules.reuseAt)
  }

  /// The penalty from which it takes ``Rules/longest`` to come down to ``Rules/reuseAt``.
  private func highest(_ rules: Rules) -> Double {
    let growth = exponential(-0.693_147_180_559_945_3 * (rules.longest / rules.halfLife))
    return max(growth > 0 ? rules.reuseAt / growth : .greatestFiniteMagnitude, rules.suppressAt)
  }

  /// How often it has to halve, by bisection: there is no logarithm in the standard library.
  private func halvings(from high: Double, to low: Double) -> Double {
    guard high > low else { return 0 }
    var (least, most) = (0.0, 1000.0)
    for _ in 0..<60 {
      let middle = (least + most) / 2
      if high * exponential(-0.693_147_180_559_945_3 * middle) > low {
        least = middle
      } else {
        most = middle
      }
    }
    return most
  }
}
