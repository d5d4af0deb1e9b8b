public import Places

/// The clients whose measurements are kept together: a /24 of IPv4 or a /48 of IPv6.
///
///     bit 63       IPv6
///     bits 0-47    the prefix, its last bit the lowest
public struct LatencyNetwork: Sendable, Hashable, BitwiseCopyable {
  public let rawValue: UInt64

  /// Prefix lengths.
  public static let bitsIPv4 = 24
  public static let bitsIPv6 = 48

  /// The network of a client; forms that carry an IPv4 address are of the network inside.
  public init(of client: ClientAddress) {
    switch client.family {
    case .ipv4: rawValue = UInt64(truncatingIfNeeded: client.bits >> 8)
    case .ipv6: rawValue = UInt64(truncatingIfNeeded: client.bits >> 80) | 1 << 63
    }
  }

  /// The network around a prefix that is at least as long; nil around a shorter one.
  public init?(around prefix: AddressPrefix) {
    let shortest = prefix.address.isIPv6 ? Self.bitsIPv6 : Self.bitsIPv4
    guard prefix.length >= shortest else { return nil }
    self.init(of: prefix.address.client)
  }

  /// The network as a prefix.
  public var prefix: AddressPrefix {
    rawValue >> 63 == 0
      ? AddressPrefix(ipv4: UInt32(truncatingIfNeeded: rawValue << 8), length: Self.bitsIPv4)
      : AddressPrefix(ipv6: UInt128(rawValue << 16) << 64, length: Self.bitsIPv6)
  }
}

extension LatencyNetwork {
  /// The networks that a prefix covers: the one around it, or all inside.
  ///
  /// - Returns: nil if they are more than `limit`.
  public static func networks(
    inside prefix: AddressPrefix, atMost limit: Int
  ) -> [LatencyNetwork]? {
    if let network = LatencyNetwork(around: prefix) { return [network] }
    let missing = (prefix.address.isIPv6 ? bitsIPv6 : bitsIPv4) - prefix.length
    guard missing < 32, 1 << missing <= limit else { return nil }
    let first = LatencyNetwork(of: prefix.address.client).rawValue
    return (0..<UInt64(1 << missing)).map { LatencyNetwork(rawValue: first + $0) }
  }

  init(rawValue: UInt64) { self.rawValue = rawValue }
}
