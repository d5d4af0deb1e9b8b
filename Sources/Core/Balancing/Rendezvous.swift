public import Places

/// Highest random weight hashing (Thaler, Ravishankar 1998) with weights: each pair of a client and
/// an endpoint has a cost that nothing else changes, and the client goes where it is lowest.
///
/// A table (Maglev) would be quicker to ask, but has to be made anew with each change of health,
/// and then moves clients that lost nothing. Here only the clients of a lost endpoint move, each
/// to the endpoint that was its second.
public enum Rendezvous {
  /// What stands for a client: the leading bits of the address that decisions are made on, mixed.
  public static func key(_ client: ClientAddress, bitsIPv4: Int, bitsIPv6: Int) -> UInt64 {
    switch client.family {
    case .ipv4:
      let mask = bitsIPv4 <= 0 ? 0 : ~UInt32(0) << UInt32(max(0, 32 - bitsIPv4))
      return SplitMix64.mixed(1 << 32 | UInt64(UInt32(truncatingIfNeeded: client.bits) & mask))
    case .ipv6:
      let mask = bitsIPv6 <= 0 ? 0 : ~UInt128(0) << UInt128(max(0, 128 - bitsIPv6))
      let kept = client.bits & mask
      let high = UInt64(truncatingIfNeeded: kept >> 64)
      return SplitMix64.mixed(SplitMix64.mixed(high) &+ UInt64(truncatingIfNeeded: kept) &+ 2)
    }
  }

  /// What stands for an endpoint: its id, so that it is the same on every node whatever else is in
  /// the settings (FNV-1a, 64 bits, mixed).
  public static func identity(_ id: String) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return SplitMix64.mixed(hash)
  }

  /// The lower the better. −ln(u) / weight is exponentially distributed, so an endpoint has the
  /// lowest cost for its part of the clients by weight.
  ///
  /// - Parameter weight: above 0.
  public static func cost(key: UInt64, identity: UInt64, weight: Double) -> Double {
    // 53 bits, as many as a Double holds, and never 0.
    let bits = SplitMix64.mixed(key ^ identity) >> 11
    return -logarithm(of: (Double(bits) + 0.5) * 0x1p-53) / weight
  }

  /// ln(x), for x above 0, made of the basic operations alone: those give the same on every
  /// machine, the C library's need not.
  static func logarithm(of x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.5 {
      significand /= 2
      exponent += 1
    }
    // 2 · artanh(s); |s| is 0.2 at the most, so what is left out is below 10⁻¹¹.
    let s = (significand - 1) / (significand + 1)
    let square = s * s
    var sum = 1.0 / 15
    for term in 0..<7 { sum = sum * square + 1 / Double(13 - 2 * term) }
    return 2 * s * sum + exponent * 0.693_147_180_559_945_3
  }
}
