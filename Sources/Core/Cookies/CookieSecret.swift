/// 128 bits that only the servers of one name know (RFC 9018 §4.4).
public struct CookieSecret: Sendable, Equatable, BitwiseCopyable {
  /// The first eight bytes, little-endian.
  @usableFromInline let low: UInt64
  @usableFromInline let high: UInt64

  /// nil unless there are exactly 16 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    self.init(low: word(bytes[..<8]), high: word(bytes[8...]))
  }

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }
}

/// The secrets in force. A roll goes in three steps, so that at each of them every server of a
/// name accepts what any other has given out (RFC 9018 §5): the new secret is accepted everywhere,
/// then signs everywhere, then the old one is forgotten.
public struct CookieSecrets: Sendable, Equatable, BitwiseCopyable {
  /// Makes the cookies that are given out.
  public var active: CookieSecret
  /// Accepted as well: the next one, or the one before.
  public var accepted: CookieSecret?

  public init(active: CookieSecret, accepted: CookieSecret? = nil) {
    self.active = active
    self.accepted = accepted
  }
}
