/// What was measured between one network and one region, in few bytes.
///
/// A round trip has a floor, the way the packets go, and above it noise that is never negative:
/// queues, radio, a busy host. So the estimate is the lowest that was seen plus the mean of what
/// the others were above it, each counted up to a limit. One absurd sample moves it by little
/// whenever it comes; only a run of high ones is believed to be a new way.
struct MeasuredCell: Sendable, Equatable, BitwiseCopyable {
  /// Milliseconds.
  private(set) var floor: Float
  /// Milliseconds above ``floor``, the mean.
  private(set) var excess: Float = 0
  /// Samples, those of a half-life ago counted half; as of ``updated``.
  private(set) var weight: Float
  /// Seconds since 1970.
  private(set) var updated: UInt32
  /// Milliseconds: the lowest of the present run of high samples.
  private var runFloor: Float = .infinity
  private var runLength: UInt8 = 0
  /// What decisions are made from; 0 before it was first published.
  private(set) var published = PublishedFigure()
  private(set) var region: UInt16

  /// More samples than this weigh no more: the cell can still turn.
  static let mostWeight: Float = 64
  /// A run of so many samples above the limit is the new floor.
  static let longestRun: UInt8 = 8
  /// What round trips may be, milliseconds: others are taken for the nearer bound.
  static let bounds: ClosedRange<Float> = 0.1...3000

  init(region: UInt16, milliseconds: Double, count: Int, now: UInt32) {
    self.region = region
    floor = Self.bounded(milliseconds)
    weight = Self.weight(of: count)
    updated = now
  }

  /// Milliseconds.
  var estimate: Float { floor + excess }

  mutating func add(milliseconds: Double, count: Int, now: UInt32, halfLifeSeconds: Double) {
    let sample = Self.bounded(milliseconds)
    let added = Self.weight(of: count)
    weight = decayedWeight(at: now, halfLifeSeconds: halfLifeSeconds)
    updated = max(updated, now)
    if sample < floor {
      excess = min(Self.limit(above: sample), excess + floor - sample) * weight / (weight + added)
      floor = sample
      endRun()
    } else {
      let limit = Self.limit(above: floor)
      excess += (min(sample - floor, limit) - excess) * added / (weight + added)
      if sample - floor > limit { lengthenRun(sample, by: count) } else { endRun() }
    }
    weight = min(weight + added, Self.mostWeight)
  }

  /// Takes up what was kept over a restart.
  mutating func restore(excess: Float, weight: Float) {
    self.excess = min(max(0, excess), Self.limit(above: floor))
    self.weight = min(max(0, weight), Self.mostWeight)
  }

  func decayedWeight(at now: UInt32, halfLifeSeconds: Double) -> Float {
    weight * decay(from: updated, to: now, halfLifeSeconds: halfLifeSeconds)
  }

  /// The same for a region that has another number now.
  func moved(to region: UInt16) -> MeasuredCell {
    var cell = self
    cell.region = region
    return cell
  }

  /// Lets decisions see what they saw, until ``publish(at:halfLifeSeconds:)``.
  mutating func follow(_ figure: PublishedFigure) { published = figure }

  /// Lets decisions see what has moved by more than the deadband.
  ///
  /// - Returns: whether anything that they see has changed.
  mutating func publish(at now: UInt32, halfLifeSeconds: Double) -> Bool {
    published.take(
      estimate, weight: decayedWeight(at: now, halfLifeSeconds: halfLifeSeconds))
  }

  private mutating func lengthenRun(_ sample: Float, by count: Int) {
    runFloor = min(runFloor, sample)
    runLength = UInt8(min(Int(runLength) + max(1, count), Int(Self.longestRun)))
    guard runLength == Self.longestRun else { return }
    floor = runFloor
    excess = 0
    weight = min(weight, Float(Self.longestRun))
    endRun()
  }

  private mutating func endRun() {
    runFloor = .infinity
    runLength = 0
  }

  /// How far above the floor a sample counts, milliseconds.
  private static func limit(above floor: Float) -> Float { max(5, floor / 4) }

  private static func weight(of count: Int) -> Float {
    min(max(1, Float(count)), mostWeight)
  }

  private static func bounded(_ milliseconds: Double) -> Float {
    guard milliseconds.isFinite else { return bounds.upperBound }
    return min(max(Float(milliseconds), bounds.lowerBound), bounds.upperBound)
  }
}

/// A figure and its weight as decisions see them: they follow only what moves by more than a
/// deadband. So noise moves no client, and a client that has moved stays until something has
/// really changed.
struct PublishedFigure: Sendable, Equatable, BitwiseCopyable {
  /// Milliseconds.
  private(set) var milliseconds: Float = 0
  /// Samples; 0: nothing is known.
  private(set) var weight: Float = 0

  /// Milliseconds, and the part of the figure: it has moved if it moved by more than the larger.
  static let deadband: Float = 2
  static let relativeDeadband: Float = 0.05

  /// - Returns: whether it was taken.
  mutating func take(_ figure: Float, weight newWeight: Float) -> Bool {
    guard weight > 0 || newWeight > 0 else { return false }
    let margin = max(Self.deadband, Self.relativeDeadband * abs(figure))
    let hasMoved = abs(figure - milliseconds) > margin
    let isHeavier = newWeight > weight * 2
    let isLighter = newWeight < weight / 2
    guard weight == 0 || hasMoved || isHeavier || isLighter else { return false }
    if weight == 0 || hasMoved { milliseconds = figure }
    weight = newWeight
    return true
  }
}

/// What is left, 0...1, of a weight after some time; all of it where time ran backwards.
func decay(from start: UInt32, to now: UInt32, halfLifeSeconds: Double) -> Float {
  guard now > start, halfLifeSeconds > 0 else { return 1 }
  return Float(halved(Double(now - start) / halfLifeSeconds))
}

/// 2⁻ˣ for x ≥ 0, the same on every machine.
func halved(_ halfLives: Double) -> Double {
  guard halfLives < 64 else { return 0 }
  let whole = halfLives.rounded(.down)
  let rest = (halfLives - whole) * -0.6931471805599453
  let series =
    1 + rest * (1 + rest / 2 * (1 + rest / 3 * (1 + rest / 4 * (1 + rest / 5 * (1 + rest / 6)))))
  return series / Double(sign: .plus, exponent: Int(whole), significand: 1)
}
