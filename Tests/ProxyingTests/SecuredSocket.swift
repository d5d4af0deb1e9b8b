import Glibc
import Places
import Proxying
import Securing
import Synchronization
import TestSupport
import Testing

enum SessionFailure: Error, Equatable {
  case broken(TLSBreak)
  case noMemory, tooLate
}

/// A socket for tests with TLS on it; every wait ends after ten seconds.
final class SecuredSocket {
  let socket: TestSocket
  let session: TLSSession

  /// To a proxy.
  init(to address: SocketAddress, _ context: TLSClientContext, name: String? = "www.example.org")
    throws
  {
    socket = try TestSocket(to: address)
    session = try #require(
      TLSSession(client: context, on: socket.fd, name: name, address: [127, 0, 0, 1]))
    try begin()
  }

  /// Of a back-end.
  init(_ socket: TestSocket, _ context: TLSServerContext) throws {
    self.socket = socket
    guard let session = TLSSession(server: context, on: socket.fd) else {
      throw SessionFailure.noMemory
    }
    self.session = session
    try begin()
  }

  private func begin() throws {
    _ = fcntl(socket.fd, F_SETFL, fcntl(socket.fd, F_GETFL) | O_NONBLOCK)
    _ = try moved { session.handshake() }
  }

  /// Goes on as often as the socket lets it; nil: the stream has ended.
  private func moved(_ body: () -> TLSResult) throws -> Int? {
    while true {
      let wanted: Int32
      switch body() {
      case .done(let count): return count
      case .ended: return nil
      case .broken(let cause): throw SessionFailure.broken(cause)
      case .wantsRead: wanted = POLLIN
      case .wantsWrite: wanted = POLLOUT
      }
      var waiting = pollfd(fd: socket.fd, events: Int16(wanted), revents: 0)
      guard poll(&waiting, 1, 10_000) == 1 else { throw SessionFailure.tooLate }
    }
  }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try moved { session.write(rest.span.bytes) } ?? 0
      rest = rest.dropFirst(count)
    }
  }

  /// At most 64 KiB; none at the end.
  func receive() throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = try moved {
      var span = bytes.mutableSpan
      var buffer = span.mutableBytes
      return session.read(into: &buffer)
    }
    return Array(bytes[..<(count ?? 0)])
  }

  func receiveAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = try receive()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }

  func finish() throws {
    _ = try moved { session.finish() }
    socket.finish()
  }
}

extension TestServer {
  /// Gives a session on each connection to a closure.
  static func secured(
    _ context: TLSServerContext, _ serve: @escaping @Sendable (SecuredSocket) throws -> Void
  ) throws -> TestServer {
    try TestServer { try serve(try SecuredSocket($0, context)) }
  }

  static func securedEcho(_ context: TLSServerContext) throws -> TestServer {
    try secured(context) { socket in
      while true {
        let bytes = try socket.receive()
        if bytes.isEmpty { return try socket.finish() }
        try socket.send(bytes)
      }
    }
  }
}

/// Certificates for tests of the proxy.
struct TestCertificates {
  static let authority = Result { try TestAuthority() }
  private static let siteFiles = Result { try authority.get().sign(["www.example.org"]) }
  private static let endpointFiles = Result { try authority.get().sign(["backend.internal"]) }

  /// What a listener shows.
  static func site(_ edit: (inout TLSServerRules) -> Void = { _ in }) throws -> TLSServerContext {
    try server(siteFiles.get(), edit)
  }

  /// What endpoints show.
  static func endpoint() throws -> TLSServerContext { try server(endpointFiles.get()) }

  static func server(
    _ files: TestAuthority.Files, _ edit: (inout TLSServerRules) -> Void = { _ in }
  ) throws -> TLSServerContext {
    var rules = TLSServerRules(
      certificates: [CertificateFiles(certificate: files.certificate, key: files.key)])
    edit(&rules)
    return try TLSServerContext(rules)
  }

  /// What trusts them.
  static func client(_ edit: (inout TLSClientRules) -> Void = { _ in }) throws -> TLSClientContext {
    var rules = TLSClientRules(roots: try authority.get().roots)
    edit(&rules)
    return try TLSClientContext(rules)
  }

  /// What trusts endpoints of that name.
  static func toEndpoint(_ name: String = "backend.internal") throws -> TLSClientContext {
    try client { $0.serverName = name }
  }
}
