/// Scatters numbers (SplitMix64; Steele, Lea, Flood 2014).
public enum SplitMix64 {
  /// What lies between two states of the generator: 2⁶⁴ by the golden ratio.
  public static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// One step of the generator from a state: every input bit moves every output bit, and no two
  /// inputs give the same.
  @inlinable
  public static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
