import Hummingbird
import HummingbirdCore
import Logging
package import Places
import ServiceLifecycle
package import Settings

/// Where an admin server listens, and what it takes for that.
package enum AdminDoor: Sendable, CustomStringConvertible {
  /// nil: in the clear.
  case address(Places.SocketAddress, AdminIdentity?)
  /// A unix socket, and the permissions of its file.
  case socket(path: String, mode: UInt16)

  /// - Throws: what is wrong with the certificate or its key.
  package init(_ listening: Settings.Admin.Listening) throws(Faults) {
    switch listening {
    case .address(let address, let tls):
      self = .address(address, try tls.map { tls throws(Faults) in try AdminIdentity(tls) })
    case .socket(let path, let mode): self = .socket(path: path, mode: mode)
    }
  }

  /// What a reload may change; nil: it shows no certificate.
  package var identity: AdminIdentity? {
    if case .address(_, let identity) = self { identity } else { nil }
  }

  package var description: String {
    switch self {
    case .address(let address, _): address.description
    case .socket(let path, _): "unix:\(path)"
    }
  }

  /// A server that listens at an address.
  typealias Server = (
    BindAddress, AdminIdentity?, _ onListening: @escaping @Sendable () -> Void
  ) -> Application<RouterResponder<AdminContext>>

  /// Has a server listen here.
  ///
  /// - Returns: for a `ServiceGroup`, in this order. Running them throws if nobody can listen here.
  func services(logger: Logger, _ server: Server) -> [any Service] {
    switch self {
    case .address(let address, let identity):
      return [server(BindAddress(address), identity) {}]
    case .socket(let path, let mode):
      let socket = AdminSocket(path: path, mode: mode, logger: logger)
      var application = server(
        .unixDomainSocket(path: socket.birthplace), nil, socket.noteListening)
      application.beforeServerStarts { try await socket.prepare() }
      return [application, socket]
    }
  }
}

extension BindAddress {
  init(_ address: Places.SocketAddress) {
    self = .hostname(address.address.description, port: Int(address.port))
  }
}
