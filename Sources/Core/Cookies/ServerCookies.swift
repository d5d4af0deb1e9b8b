public import DNSWire
public import Places

/// Server cookies by which all servers of a name know their clients again, whoever makes them
/// (RFC 9018 §4):
///
///     +---------+----------+-----------+-------------------------------------------+
///     | version | reserved | timestamp | SipHash-2-4 of client cookie, these, and   |
///     | 1       | 3 bytes  | 4 bytes   | the client's address                       |
///     +---------+----------+-----------+-------------------------------------------+
extension CookieSecrets {
  /// What the cookie of a query says of its sender.
  public struct Verdict: Sendable, Equatable, BitwiseCopyable {
    /// The sender really is at its address: it has read an answer that we sent there.
    public var isValid: Bool
    /// What to send back: the same cookie, or a new one where it is old, foreign or missing.
    public var answer: ServerCookie
  }

  /// How long a cookie is accepted, and from when on it is renewed (RFC 9018 §4.3).
  static let lifetimeSeconds: UInt32 = 3_600
  static let renewalSeconds: UInt32 = 1_800
  /// How far ahead another server's clock may be (RFC 9018 §4.3).
  static let clockSkewSeconds: UInt32 = 300

  /// - Parameters:
  ///   - address: where the query came from, as it came: nothing is folded.
  ///   - nowSeconds: since 1970, modulo 2³².
  /// - Complexity: one hash for a fresh cookie of the active secret, at most three.
  public func verdict(
    on cookie: ClientCookie, from address: IPAddress, nowSeconds: UInt32
  ) -> Verdict {
    if let server = cookie.server, isTimely(server, nowSeconds: nowSeconds) {
      let age = nowSeconds &- server.timestamp
      let isOld = age > Self.renewalSeconds && age <= Self.lifetimeSeconds
      if Self.isMade(by: active, server, cookie.client, address) {
        return Verdict(
          isValid: true,
          answer: isOld ? fresh(for: cookie.client, at: address, nowSeconds: nowSeconds) : server)
      }
      if let accepted, Self.isMade(by: accepted, server, cookie.client, address) {
        return Verdict(
          isValid: true, answer: fresh(for: cookie.client, at: address, nowSeconds: nowSeconds))
      }
    }
    return Verdict(
      isValid: false, answer: fresh(for: cookie.client, at: address, nowSeconds: nowSeconds))
  }

  /// RFC 1982 §3.2: time stamps are serial numbers.
  private func isTimely(_ cookie: ServerCookie, nowSeconds: UInt32) -> Bool {
    guard cookie.version == 1 else { return false }
    let age = nowSeconds &- cookie.timestamp
    return age <= Self.lifetimeSeconds || 0 &- age <= Self.clockSkewSeconds
  }

  private func fresh(
    for client: UInt64, at address: IPAddress, nowSeconds: UInt32
  ) -> ServerCookie {
    let head: UInt64 = 1 << 56 | UInt64(nowSeconds)
    return ServerCookie(
      head: head, hash: Self.hash(by: active, client: client, head: head, address: address))
  }

  /// The hash is compared as one word: in the same time wherever it differs.
  private static func isMade(
    by secret: CookieSecret, _ cookie: ServerCookie, _ client: UInt64, _ address: IPAddress
  ) -> Bool {
    hash(by: secret, client: client, head: cookie.head, address: address) == cookie.hash
  }

  /// RFC 9018 §4.4; in network order.
  private static func hash(
    by secret: CookieSecret, client: UInt64, head: UInt64, address: IPAddress
  ) -> UInt64 {
    var hash = SipHash(secret)
    hash.absorb(client.byteSwapped)
    hash.absorb(head.byteSwapped)
    switch address {
    case .ipv4(let bits):
      hash.absorb(20 << 56 | UInt64(bits.byteSwapped))
    case .ipv6(let bits):
      hash.absorb(UInt64(truncatingIfNeeded: bits >> 64).byteSwapped)
      hash.absorb(UInt64(truncatingIfNeeded: bits).byteSwapped)
      hash.absorb(32 << 56)
    }
    return hash.finish().byteSwapped
  }
}
