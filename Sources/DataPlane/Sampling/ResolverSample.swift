public import Places

/// Of one query that was answered: who asked, and whether for a client's subnet.
public struct ResolverSample: Sendable, Equatable {
  public var resolver: IPAddress
  /// Whether it had a client subnet (RFC 7871) of at least one bit; with none the resolver asks not
  /// to use any (RFC 7871 §7.1.2).
  public var hasSubnet: Bool

  public init(resolver: IPAddress, hasSubnet: Bool) {
    self.resolver = resolver
    self.hasSubnet = hasSubnet
  }
}
