package import Places
import Synchronization

/// How many connections each client has open: an IPv4 address or an IPv6 /64, since whoever has
/// one address of a /64 has them all. As many entries as there are connections, at most.
package final class ClientCounts: Sendable {
  private struct Client: Hashable {
    let family: ClientAddress.Family
    let bits: UInt64

    init(_ address: ClientAddress) {
      family = address.family
      bits = UInt64(
        truncatingIfNeeded: address.family == .ipv4 ? address.bits : address.bits >> 64)
    }
  }

  private let maximum: Int
  private let counts = Mutex<[Client: Int]>([:])

  package init(maximum: Int) { self.maximum = maximum }

  /// - Returns: false, and nothing is counted, if the client has as many as it may have.
  package func add(_ address: ClientAddress) -> Bool {
    counts.withLock { counts in
      let count = counts[Client(address), default: 0]
      guard count < maximum else { return false }
      counts[Client(address)] = count + 1
      return true
    }
  }

  package func remove(_ address: ClientAddress) {
    counts.withLock { counts in
      let count = counts[Client(address), default: 0]
      counts[Client(address)] = count > 1 ? count - 1 : nil
    }
  }

  /// Clients with a connection.
  package var clientCount: Int { counts.withLock(\.count) }
}
