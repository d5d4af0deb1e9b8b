/// How long connecting to an endpoint takes: up at once with a sample that is higher, down by and
/// by with those that are lower (the peak EWMA of Finagle and Linkerd).
///
/// Without samples it sinks as well, so that an endpoint which was slow is tried again: once in a
/// while, because the next slow sample puts it back.
///
///     microseconds (32) | when, milliseconds modulo 2³² (32)    one word: threads need no lock
public struct PeakLatency: Sendable, Equatable, BitwiseCopyable {
  public let word: UInt64

  /// A failed attempt counts as one that took so long, or else failing at once would look fast.
  public static let failureNanoseconds: UInt64 = 1_000_000_000
  /// A sample of so long ago counts e times less; milliseconds.
  public static let decayMilliseconds = 10_000.0
  /// Below, differences are noise of this machine.
  private static let floorMicroseconds = 50.0

  /// No sample yet.
  public static let untried = PeakLatency(word: 0)

  public init(word: UInt64) { self.word = word }

  private init(microseconds: Double, milliseconds: UInt32) {
    let bounded = UInt64(max(1, min(microseconds.rounded(), Double(UInt32.max))))
    word = bounded << 32 | UInt64(milliseconds)
  }

  /// Microseconds; nil: not known.
  ///
  /// - Parameter now: nanoseconds.
  public func value(now: UInt64) -> Double? {
    guard word != 0 else { return nil }
    return max(Self.floorMicroseconds, Double(word >> 32) * Self.weight(age(now: now)))
  }

  /// With a sample more, nanoseconds.
  public func adding(_ sample: UInt64, now: UInt64) -> PeakLatency {
    let microseconds = Double(sample) / 1000
    let milliseconds = Self.milliseconds(now)
    guard word != 0 else {
      return PeakLatency(microseconds: microseconds, milliseconds: milliseconds)
    }
    let kept = Double(word >> 32)
    if microseconds >= kept {
      return PeakLatency(microseconds: microseconds, milliseconds: milliseconds)
    }
    let weight = Self.weight(age(now: now))
    // Samples of one moment are many; each takes a part, so that a burst of fast ones is believed.
    let part = max(1 - weight, Self.leastPart)
    return PeakLatency(
      microseconds: kept + (microseconds - kept) * part, milliseconds: milliseconds)
  }

  private static let leastPart = 1.0 / 64

  /// Milliseconds since the last sample; a clock of another thread may be a moment behind.
  private func age(now: UInt64) -> UInt32 {
    let age = Self.milliseconds(now) &- UInt32(truncatingIfNeeded: word)
    return age > .max / 2 ? 0 : age
  }

  private static func milliseconds(_ nanoseconds: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: nanoseconds / 1_000_000)
  }

  /// exp(−age / decay), as (1 − x/1024)¹⁰²⁴: the same on every machine.
  private static func weight(_ age: UInt32) -> Double {
    let x = Double(age) / decayMilliseconds
    guard x < 16 else { return 0 }
    var power = 1 - x / 1024
    for _ in 0..<10 { power *= power }
    return power
  }
}
