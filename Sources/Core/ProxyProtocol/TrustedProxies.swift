public import Places

/// The addresses whose connections and datagrams begin with a proxy's header, always: the
/// specification (§2) forbids to guess. From all others nothing is taken for one.
public struct TrustedProxies: Sendable, Equatable {
  public let prefixes: [AddressPrefix]

  public init(_ prefixes: [AddressPrefix] = []) { self.prefixes = prefixes }

  public var isEmpty: Bool { prefixes.isEmpty }

  /// As the socket gives it: mapped forms are not folded.
  ///
  /// - Complexity: linear in the prefixes; allocates nothing.
  public func contains(_ address: IPAddress) -> Bool {
    for prefix in prefixes where Self.holds(prefix, address) { return true }
    return false
  }

  private static func holds(_ prefix: AddressPrefix, _ address: IPAddress) -> Bool {
    switch (prefix.address, address) {
    case (.ipv4(let first), .ipv4(let bits)):
      prefix.length == 0 || (first ^ bits) >> UInt32(32 - prefix.length) == 0
    case (.ipv6(let first), .ipv6(let bits)):
      prefix.length == 0 || (first ^ bits) >> UInt128(128 - prefix.length) == 0
    default: false
    }
  }
}
