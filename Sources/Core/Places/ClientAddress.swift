/// The address that a decision is made on: IPv4, or IPv6 with the forms that carry an IPv4 address
/// folded into it.
///
///     ::ffff:a.b.c.d/96   mapped  (RFC 4291 §2.5.5.2)   the IPv4 address, scope + 96
///     64:ff9b::/96        NAT64   (RFC 6052 §2.1)       the IPv4 address, scope + 96
///     2002::/16           6to4    (RFC 3056 §2)         bits 16 to 47, scope + 16
///     2001:0::/32         Teredo  (RFC 4380 §4)         the last 32 bits inverted, scope + 96
///
/// The scope that a look-up gives for the IPv4 address plus ``scopeOffsetBits`` is the scope in the
/// family that the client used.
public struct ClientAddress: Sendable, Equatable, Hashable, BitwiseCopyable {
  public enum Family: UInt8, Sendable, BitwiseCopyable { case ipv4, ipv6 }

  public let family: Family
  /// What to add to a scope in ``family`` to express it in the family that the client used.
  public let scopeOffsetBits: UInt8
  /// IPv4 in the low 32 bits, or all 128 bits of IPv6, most significant first.
  public let bits: UInt128

  @inlinable
  public init(ipv4 bits: UInt32) {
    self.init(family: .ipv4, scopeOffsetBits: 0, bits: UInt128(bits))
  }

  /// Folds the forms above.
  @inlinable
  public init(ipv6 bits: UInt128) {
    let high = UInt64(truncatingIfNeeded: bits >> 64)
    let low = UInt64(truncatingIfNeeded: bits)
    if high >> 48 == 0x2002 {
      self.init(
        family: .ipv4, scopeOffsetBits: 16,
        bits: UInt128(UInt32(truncatingIfNeeded: high >> 16)))
    } else if high >> 32 == 0x2001_0000 {
      self.init(
        family: .ipv4, scopeOffsetBits: 96, bits: UInt128(~UInt32(truncatingIfNeeded: low)))
    } else if (high == 0 && low >> 32 == 0xFFFF) || (high == 0x64_FF9B << 32 && low >> 32 == 0) {
      self.init(
        family: .ipv4, scopeOffsetBits: 96, bits: UInt128(UInt32(truncatingIfNeeded: low)))
    } else {
      self.init(family: .ipv6, scopeOffsetBits: 0, bits: bits)
    }
  }

  @inlinable
  init(family: Family, scopeOffsetBits: UInt8, bits: UInt128) {
    self.family = family
    self.scopeOffsetBits = scopeOffsetBits
    self.bits = bits
  }

  /// The prefixes of IPv6 that ``init(ipv6:)`` folds away: no range of an IPv6 table may reach into
  /// them, since their clients are answered by the IPv4 table.
  public static let foldedPrefixes: [AddressPrefix] = [
    AddressPrefix(ipv6: 0xFFFF << 32, length: 96),
    AddressPrefix(ipv6: 0x64_FF9B << 96, length: 96),
    AddressPrefix(ipv6: 0x2001_0000 << 96, length: 32),
    AddressPrefix(ipv6: 0x2002 << 112, length: 16),
  ]
}
