import CLinux
package import Places
import Synchronization

/// Sockets that this process did not make: its predecessor's, or systemd's. Whoever listens on an
/// address takes what there is for it; what nobody takes is closed with the object.
package final class InheritedSockets: Sendable {
  package enum Kind: Sendable, Hashable {
    /// Of UDP.
    case datagram
    /// Of TCP, listening.
    case stream
  }

  private struct Place: Hashable {
    var kind: Kind
    var address: SocketAddress
  }

  private let sockets = Mutex<[Place: [Int32]]>([:])

  package init() {}

  deinit { closeRest() }

  /// Closes what nobody has taken.
  ///
  /// - Returns: where that was.
  @discardableResult
  package func closeRest() -> [SocketAddress] {
    let rest = sockets.withLock { sockets in
      defer { sockets = [:] }
      return sockets
    }
    for socket in rest.values.joined() { az_tcp_close(socket) }
    return rest.keys.map(\.address)
  }

  /// Takes a descriptor over. What is no bound socket of the Internet is closed.
  ///
  /// - Returns: whether it was taken.
  @discardableResult
  package func add(_ descriptor: Int32) -> Bool {
    var address = az_tcp_address()
    let kind: Kind
    switch unsafe az_socket_kind(descriptor, &address) {
    case Int32(AZ_SOCKET_DATAGRAM): kind = .datagram
    case Int32(AZ_SOCKET_LISTENING): kind = .stream
    default:
      az_tcp_close(descriptor)
      return false
    }
    az_socket_keep_private(descriptor)
    let place = Place(kind: kind, address: SocketAddress(address))
    sockets.withLock { $0[place, default: []].append(descriptor) }
    return true
  }

  /// The sockets of an address, which belong to the caller from now on.
  package func take(_ kind: Kind, at address: SocketAddress) -> [Int32] {
    sockets.withLock { $0.removeValue(forKey: Place(kind: kind, address: address)) ?? [] }
  }

  package var count: Int { sockets.withLock { $0.values.reduce(0) { $0 + $1.count } } }

  /// A second descriptor for the same socket, for two threads that cannot have one each.
  package static func duplicate(_ socket: Int32) -> Int32? {
    let copy = az_socket_duplicate(socket)
    return copy < 0 ? nil : copy
  }
}

extension SocketAddress {
  init(_ raw: az_tcp_address) {
    let bits = UInt128(raw.high) << 64 | UInt128(raw.low)
    self.init(
      address: raw.is_ipv6 == 0 ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6(bits),
      port: raw.port)
  }
}
