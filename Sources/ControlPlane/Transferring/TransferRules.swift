package import DNSWire
package import Places

/// Who may have what, as the configuration says: for the threads that answer, replaced whole.
package struct TransferRules: Sendable {
  /// Who may ask for a zone; one match is enough.
  package enum Peer: Sendable, Equatable {
    case prefix(AddressPrefix)
    case key(DomainName)
  }

  package struct Zone: Sendable {
    package var allow: [Peer]
    /// Whose NOTIFYs are heeded; empty: the zone is not a secondary here.
    package var primaries: [SocketAddress]
    /// Heeded from any address if it signed.
    package var primaryKey: DomainName?
    /// Whether differences may go out: not of a zone with names of ours over it, which are in none.
    package var servesDifferences: Bool

    package init(
      allow: [Peer] = [], primaries: [SocketAddress] = [], primaryKey: DomainName? = nil,
      servesDifferences: Bool = true
    ) {
      self.allow = allow
      self.servesDifferences = servesDifferences
      self.primaries = primaries
      self.primaryKey = primaryKey
    }

    func allows(_ address: IPAddress, key: DomainName?) -> Bool {
      allow.contains { peer in
        switch peer {
        case .prefix(let prefix): prefix.contains(address)
        case .key(let name): name == key
        }
      }
    }

    /// RFC 1996 §3.11: only the primaries are heeded. Their ports mean nothing.
    func heeds(_ address: IPAddress, key: DomainName?) -> Bool {
      guard !primaries.isEmpty else { return false }
      if let key, key == primaryKey { return true }
      return primaries.contains { $0.address.unmapped == address }
    }
  }

  package var keys: [TransferKey]
  package var zones: [DomainName: Zone]
  /// Of transfers out that run at one time, and of those to one address.
  package var maximumTransfers: Int
  package var maximumTransfersToClient: Int

  package init(
    keys: [TransferKey] = [], zones: [DomainName: Zone] = [:], maximumTransfers: Int = 16,
    maximumTransfersToClient: Int = 4
  ) {
    self.keys = keys
    self.zones = zones
    self.maximumTransfers = maximumTransfers
    self.maximumTransfersToClient = maximumTransfersToClient
  }
}

extension IPAddress {
  /// An IPv4 address that came through an IPv6 socket, as IPv4 (RFC 4291 §2.5.5.2).
  package var unmapped: IPAddress {
    guard case .ipv6(let bits) = self, bits >> 32 == 0xFFFF else { return self }
    return .ipv4(UInt32(truncatingIfNeeded: bits))
  }
}
