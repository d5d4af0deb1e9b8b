/// The client-subnet option of a query (RFC 7871 §6), valid by construction.
///
///     0        2        4        6        7        8
///     +--------+--------+--------+--------+--------+---------------+
///     | code 8 | length | family | source | scope  | address …     |
///     +--------+--------+--------+--------+--------+---------------+
public struct ClientSubnet: Sendable, Equatable, BitwiseCopyable {
  /// Of the option, its code and length included, without the address.
  public static let fixedByteCount = 8
  /// IANA's number of the option.
  public static let optionCode: UInt16 = 8

  public let isIPv6: Bool
  /// SOURCE PREFIX-LENGTH: 0...32 or 0...128.
  public let sourceBits: UInt8
  /// The first 64 bits of the address, left-aligned; zero behind the source prefix.
  public let high: UInt64
  /// The next 64 bits.
  public let low: UInt64

  @inlinable
  public init(isIPv6: Bool, sourceBits: UInt8, high: UInt64, low: UInt64) {
    self.isIPv6 = isIPv6
    self.sourceBits = sourceBits
    self.high = high
    self.low = low
  }

  /// Of ADDRESS: no more than SOURCE PREFIX-LENGTH needs (RFC 7871 §6).
  @inlinable public var addressByteCount: Int { (Int(sourceBits) &+ 7) >> 3 }

  /// The option data at `offset`: everything RFC 7871 §6 asks of a query. The span must reach 16
  /// bytes beyond the packet.
  ///
  /// - Returns: nil if the family is neither 1 nor 2, the source prefix is too long for it, the
  ///   scope is not 0 (§7.1.2), the address has other than exactly the octets that the source
  ///   prefix needs, or bits behind the source prefix are set.
  @inlinable
  static func decode(_ packet: RawSpan, at offset: Int, byteCount: Int) -> ClientSubnet? {
    guard byteCount >= 4 else { return nil }
    let head = packet.uint32(at: offset)
    let family = head >> 16
    let sourceBits = Int(head >> 8 & 0xFF)
    guard head & 0xFF == 0, family == 1 || family == 2, sourceBits <= (family == 1 ? 32 : 128),
      byteCount == 4 &+ (sourceBits &+ 7) >> 3
    else { return nil }
    let octetBits = (sourceBits &+ 7) & ~7
    let high = packet.uint64(at: offset &+ 4) & leadingOnes(octetBits)
    var low: UInt64 = 0
    if sourceBits > 64 { low = packet.uint64(at: offset &+ 12) & leadingOnes(octetBits &- 64) }
    let stray = high & ~leadingOnes(sourceBits) | low & ~leadingOnes(max(0, sourceBits &- 64))
    guard stray == 0 else { return nil }
    return ClientSubnet(
      isIPv6: family == 2, sourceBits: UInt8(truncatingIfNeeded: sourceBits), high: high, low: low)
  }
}

/// A word whose first `count` bits are ones; all of them from 64 on.
@inlinable
func leadingOnes(_ count: Int) -> UInt64 {
  count >= 64 ? ~0 : ~(~0 &>> UInt64(truncatingIfNeeded: count))
}
