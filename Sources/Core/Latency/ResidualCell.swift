/// By how much round trips between many networks and one region differ from the prior: the mean
/// over the networks, for an ASN or a country.
struct ResidualCell: Sendable, Equatable, BitwiseCopyable {
  /// Milliseconds above the prior; below 0 where the networks are faster.
  private(set) var mean: Float = 0
  /// Networks; those measured a half-life ago count half. As of ``updated``.
  private(set) var weight: Float = 0
  private(set) var updated: UInt32 = 0
  private(set) var published = PublishedFigure()

  /// More networks than this weigh no more: the cell can still turn.
  static let mostWeight: Float = 256
  /// Milliseconds: nothing real is further from the prior.
  static let mostResidual: Float = 300
  /// Milliseconds: a network that differs from the others by more counts as if by this much.
  static let mostDifference: Float = 150

  init() {}

  /// What was kept over a restart.
  init(mean: Float, weight: Float, updated: UInt32) {
    self.mean = min(max(mean, -Self.mostResidual), Self.mostResidual)
    self.weight = min(max(0, weight), Self.mostWeight)
    self.updated = updated
  }

  /// - Parameter share: what a sample counts, 0...1: the later samples of one network count less,
  ///   so that a busy network does not speak for all.
  mutating func add(
    residual: Float, share: Float, now: UInt32, halfLifeSeconds: Double
  ) {
    weight *= decay(from: updated, to: now, halfLifeSeconds: halfLifeSeconds)
    updated = max(updated, now)
    let bounded = min(max(residual, -Self.mostResidual), Self.mostResidual)
    let step = min(max(bounded - mean, -Self.mostDifference), Self.mostDifference)
    mean += step * share / (weight + share)
    weight = min(weight + share, Self.mostWeight)
  }

  /// Lets decisions see what they saw, until ``publish(at:halfLifeSeconds:)``.
  mutating func follow(_ figure: PublishedFigure) { published = figure }

  mutating func publish(at now: UInt32, halfLifeSeconds: Double) -> Bool {
    published.take(
      mean, weight: weight * decay(from: updated, to: now, halfLifeSeconds: halfLifeSeconds))
  }
}
