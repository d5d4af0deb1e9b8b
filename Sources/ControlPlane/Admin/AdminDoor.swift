import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import NIOCore
import NIOPosix
package import Places
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

  /// The file of a socket outlives its process, and the next one takes its place: unless somebody
  /// answers there, who would be asked no more. Of addresses the system sees to it.
  ///
  /// - Throws: ``AdminDoorTaken``.
  package func refuseTaken() async throws {
    guard case .socket(let path, _) = self else { return }
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    guard let channel = try? await bootstrap.connect(unixDomainSocketPath: path).get() else {
      return
    }
    try? await channel.close()
    throw AdminDoorTaken()
  }

  var bindAddress: BindAddress {
    switch self {
    case .address(let address, _):
      .hostname(address.address.description, port: Int(address.port))
    case .socket(let path, _): .unixDomainSocket(path: path)
    }
  }

  /// The server of connections that come through it.
  func server(_ base: HTTPServerBuilder) throws -> HTTPServerBuilder {
    guard let identity else { return base }
    return try .tls(base, tlsConfiguration: identity.configuration)
  }

  /// Lets those in who may. Until then the file has what the process's mask leaves of it: as a rule
  /// nobody else may connect.
  ///
  /// - Returns: false: the file is gone.
  func open() -> Bool {
    guard case .socket(let path, let mode) = self else { return true }
    return chmod(path, mode_t(mode)) == 0
  }
}

/// Another process answers at the path of the unix socket.
package struct AdminDoorTaken: Error, CustomStringConvertible {
  package var description: String { "another process listens there" }
}
