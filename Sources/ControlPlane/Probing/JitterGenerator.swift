import Places

/// Moves checks a little, so that they do not come all at once: SplitMix64 (Steele, Lea, Flood
/// 2014) from a seed of the system, which would otherwise be called for every check.
struct JitterGenerator: RandomNumberGenerator {
  private var state = UInt64.random(in: .min ... .max)

  mutating func next() -> UInt64 {
    defer { state &+= SplitMix64.increment }
    return SplitMix64.mixed(state)
  }
}
