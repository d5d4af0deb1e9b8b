import Glibc
import Securing
import TestSupport
import Testing

/// Two ends of a connection in one thread: a socket pair with a session on each end, or only on
/// one.
final class SessionPair {
  let serverSocket: Int32
  let clientSocket: Int32
  var server: TLSSession?
  var client: TLSSession?

  /// - Parameters:
  ///   - bufferBytes: of each socket; small ones make every operation stop often.
  ///   - address: what has to be proven where nothing is asked for.
  init(
    _ serverContext: TLSServerContext, _ clientContext: TLSClientContext,
    name: String? = "www.example.org", address: [UInt8] = [127, 0, 0, 1], bufferBytes: Int32 = 0
  ) throws {
    var pair: [Int32] = [0, 0]
    // Programs that other tests start must not keep a side open.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, type, 0, &pair) == 0)
    (serverSocket, clientSocket) = (pair[0], pair[1])
    for socket in pair where bufferBytes > 0 {
      var size = bufferBytes
      setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    server = TLSSession(server: serverContext, on: serverSocket)
    client = TLSSession(client: clientContext, on: clientSocket, name: name, address: address)
  }

  deinit {
    server = nil
    client = nil
    close(serverSocket)
    close(clientSocket)
  }

  /// Both handshakes as far as they go.
  func shakeHands() throws -> (server: TLSResult, client: TLSResult) {
    let (server, client) = (try #require(server), try #require(client))
    var results = (server: TLSResult.wantsRead, client: TLSResult.wantsRead)
    for _ in 0..<20 {
      if results.client.isWaiting { results.client = client.handshake() }
      if results.server.isWaiting { results.server = server.handshake() }
      if !results.client.isWaiting && !results.server.isWaiting { break }
    }
    return results
  }

  /// A pair whose handshakes are done.
  static func open(
    _ server: TLSServerContext, _ client: TLSClientContext, name: String? = "www.example.org",
    bufferBytes: Int32 = 0
  ) throws -> SessionPair {
    let pair = try SessionPair(server, client, name: name, bufferBytes: bufferBytes)
    let results = try pair.shakeHands()
    try #require(results.server == .done(0) && results.client == .done(0), "\(results)")
    return pair
  }
}

extension TLSResult {
  var isWaiting: Bool { self == .wantsRead || self == .wantsWrite }
}

extension TLSSession {
  func write(_ bytes: [UInt8]) -> TLSResult { write(bytes.span.bytes) }

  /// At most so many bytes.
  func read(_ count: Int = 65_536) -> (result: TLSResult, bytes: [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var buffer = span.mutableBytes
    let result = read(into: &buffer)
    guard case .done(let count) = result else { return (result, []) }
    return (result, Array(bytes[..<count]))
  }
}

extension TLSServerContext {
  convenience init(_ files: TestAuthority.Files..., edit: (inout TLSServerRules) -> Void = { _ in })
    throws
  {
    var rules = TLSServerRules(certificates: files.map { CertificateFiles($0) })
    edit(&rules)
    try self.init(rules)
    // The files are there until they have been read.
    withExtendedLifetime(files) {}
  }
}

extension CertificateFiles {
  init(_ files: TestAuthority.Files) {
    self.init(certificate: files.certificate, key: files.key)
  }
}
