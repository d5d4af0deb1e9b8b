import Foundation
import Places
import ProxyProtocol
import Proxying
import Securing
import Synchronization
import TestSupport
import Testing

/// Where TLS ends or begins in the proxy.
@Suite struct `A secured connection` {
  private static func random(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count / 8).flatMap { _ in
      withUnsafeBytes(of: generator.next()) { Array($0) }
    }
  }

  /// Sends all of it while it reads what comes back, then ends its own stream; what came.
  private static func exchange(_ bytes: [UInt8], _ socket: SecuredSocket) throws -> [UInt8] {
    var received: [UInt8] = []
    received.reserveCapacity(bytes.count)
    // An echo: not more is under way than what the sockets hold.
    for start in stride(from: 0, to: bytes.count, by: 1 << 18) {
      let end = min(start + 1 << 18, bytes.count)
      try socket.send(Array(bytes[start..<end]))
      while received.count < start { received += try socket.receive() }
    }
    try socket.finish()
    return received + (try socket.receiveAll())
  }

  @Test(arguments: [false, true])
  func `carries 64 MiB both ways byte for byte, and ends one way after the other`(
    toSecuredEndpoint isSecured: Bool
  ) throws {
    let server =
      isSecured
      ? try TestServer.securedEcho(TestCertificates.endpoint()) : try TestServer.echo()
    let endpointTLS = isSecured ? try TestCertificates.toEndpoint() : nil
    let site = try TestCertificates.site()
    let world = try ProxyWorld(regions: [[server.address]], endpointTLS: endpointTLS) {
      $0.tls = site
    }
    let bytes = Self.random(64 << 20)
    let socket = try SecuredSocket(to: world.address, TestCertificates.client())
    let received = try Self.exchange(bytes, socket)
    #expect(received == bytes)
    #expect(eventually { world.closed(.clientClosed) == 1 })
    #expect(world.counter("bytes", "up") == 64 << 20)
    #expect(world.counter("bytes", "down") == 64 << 20)
  }

  @Test func `goes from a plain client to a secured endpoint, whose name is asked for`() throws {
    let server = try TestServer.secured(TestCertificates.endpoint()) { socket in
      try socket.send(Array((socket.session.facts.serverName ?? "").utf8))
      try socket.finish()
      _ = try socket.receiveAll()
    }
    let world = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.toEndpoint())
    let socket = try TestSocket(to: world.address)
    #expect(String(decoding: try socket.receiveAll(), as: UTF8.self) == "backend.internal")
    socket.finish()
    #expect(eventually { world.closed(.upstreamClosed) == 1 })
  }

  @Test func `asks the endpoint for the client's own name where none is fixed`() throws {
    let server = try TestServer.securedEcho(TestCertificates.site())
    let site = try TestCertificates.site()
    let world = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.client()
    ) { $0.tls = site }
    let socket = try SecuredSocket(to: world.address, TestCertificates.client())
    try socket.send([1, 2])
    #expect(try socket.receive() == [1, 2])
  }

  @Test func `does not come about with an endpoint of another name`() throws {
    let server = try TestServer.securedEcho(TestCertificates.endpoint())
    let world = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.toEndpoint("other.internal"))
    let socket = try TestSocket(to: world.address)
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(.upstreamTLS) == 1)
    #expect(world.counter("connect_failures", "tls") == 1)
    withExtendedLifetime(server) {}
  }

  @Test func `goes to another endpoint where one has no good certificate`() throws {
    let bad = try TestServer.securedEcho(TestCertificates.site())
    let silent = try TestServer.echo()
    let good = try TestServer.securedEcho(TestCertificates.endpoint())
    let world = try ProxyWorld(
      regions: [[bad.address], [silent.address], [good.address]],
      endpointTLS: TestCertificates.toEndpoint())
    let socket = try TestSocket(to: world.address)
    try socket.send([7])
    #expect(try socket.receive() == [7])
    withExtendedLifetime((bad, silent)) {}
  }

  @Test func `is never made without TLS where the workers know nothing of it`() throws {
    let server = try TestServer.echo()
    let world = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.toEndpoint())
    world.server.update(endpointTLS: [:])
    let socket = try TestSocket(to: world.address)
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(.upstreamTLS) == 1)
    withExtendedLifetime(server) {}
  }

  @Test func `begins with TLS or not at all`() throws {
    let server = try TestServer.echo()
    let site = try TestCertificates.site()
    let world = try ProxyWorld(regions: [[server.address]]) { $0.tls = site }
    let socket = try TestSocket(to: world.address)
    try socket.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
    _ = try? socket.receiveAll()
    #expect(eventually { world.closed(.clientTLS) == 1 })
    #expect(server.acceptedCount.load(ordering: .relaxed) == 0)
  }

  @Test func `has its handshake done in the time of a greeting`() throws {
    let server = try TestServer.echo()
    let site = try TestCertificates.site()
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.tls = site
      $0.greetingTimeout = .milliseconds(150)
    }
    let socket = try TestSocket(to: world.address)
    try socket.send(HelloParts.records(HelloParts.named("www.example.org").message))
    #expect(eventually { world.closed(.greetingTimeout) + world.closed(.clientTLS) == 1 })
    withExtendedLifetime(server) {}
  }

  @Test func `is cut where its client's stream is`() throws {
    let server = try TestServer.echo()
    let site = try TestCertificates.site()
    let world = try ProxyWorld(regions: [[server.address]]) { $0.tls = site }
    let socket = try SecuredSocket(to: world.address, TestCertificates.client())
    try socket.send([1])
    #expect(try socket.receive() == [1])
    socket.socket.finish()
    // An alert says so.
    #expect(throws: SessionFailure.broken(.failed)) { try socket.receive() }
    #expect(eventually { world.closed(.clientTruncated) == 1 })
    withExtendedLifetime(server) {}
  }

  @Test func `passes a cut of the endpoint's stream on as one`() throws {
    let server = try TestServer.secured(TestCertificates.endpoint()) { socket in
      try socket.send([1])
      socket.socket.finish()
      _ = try? socket.receiveAll()
    }
    let site = try TestCertificates.site()
    let secured = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.toEndpoint()
    ) { $0.tls = site }
    let socket = try SecuredSocket(to: secured.address, TestCertificates.client())
    #expect(try socket.receive() == [1])
    #expect(throws: SessionFailure.broken(.truncated)) { try socket.receive() }
    let plain = try ProxyWorld(
      regions: [[server.address]], endpointTLS: TestCertificates.toEndpoint())
    let other = try TestSocket(to: plain.address)
    #expect(throws: SocketFailure.code(ECONNRESET)) {
      while try !other.receive().isEmpty {}
    }
    #expect(eventually { plain.closed(.upstreamTruncated) == 1 })
  }

  @Test func `goes on with its certificate while new ones get another`() throws {
    let server = try TestServer.echo()
    let authority = try TestCertificates.authority.get()
    let old = try TestCertificates.server(authority.sign(["old.example.org", "www.example.org"]))
    let new = try TestCertificates.server(authority.sign(["new.example.org", "www.example.org"]))
    var settings: ProxyListenerSettings?
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.tls = old
      settings = $0
    }
    let first = try SecuredSocket(to: world.address, TestCertificates.client())
    #expect(first.session.facts.commonName == "old.example.org")
    var changed = try #require(settings)
    changed.tls = new
    try world.update([changed])
    #expect(
      eventually {
        let next = try? SecuredSocket(to: world.address, TestCertificates.client())
        return next?.session.facts.commonName == "new.example.org"
      })
    try first.send([1, 2, 3])
    #expect(try first.receive() == [1, 2, 3])
    try first.finish()
    #expect(try first.receiveAll() == [])
  }

  @Test func `says in the header for the endpoint what its client has shown`() throws {
    let authority = try TestCertificates.authority.get()
    let device = try authority.sign(["device-7"])
    let server = try TestServer { socket in
      let octets = try socket.receiveExactly(16)
      let count = Int(octets[14]) << 8 | Int(octets[15])
      let header = octets + (try socket.receiveExactly(count))
      let session = try SecuredSocket(socket, TestCertificates.endpoint())
      try session.send(header)
      try session.finish()
      _ = try session.receiveAll()
    }
    let site = try TestCertificates.site {
      $0.clientCertificates = .required
      $0.clientRoots = authority.roots
      $0.protocols = ["mqtt"]
    }
    let world = try ProxyWorld(
      regions: [[server.address]], header: .v2, endpointTLS: TestCertificates.toEndpoint()
    ) { $0.tls = site }
    let client = try TestCertificates.client {
      $0.certificate = CertificateFiles(certificate: device.certificate, key: device.key)
      $0.protocols = ["mqtt"]
    }
    let octets = try SecuredSocket(to: world.address, client).receiveAll()
    let header = try ProxyHeader.decode(stream: octets.span.bytes)
    func value(_ field: ProxyField) -> [UInt8] {
      header?.value(of: field, in: octets.span.bytes).map { Array(octets[$0]) } ?? []
    }
    let tls = value(.tls)
    #expect(tls.first == 0x07)
    let text = String(decoding: tls, as: UTF8.self)
    #expect(text.contains("TLSv1.3") && text.contains("device-7"))
    #expect(String(decoding: value(.authority), as: UTF8.self) == "www.example.org")
    #expect(String(decoding: value(.alpn), as: UTF8.self) == "mqtt")
  }

  @Test func `is repeated with another endpoint where the first resets it`() throws {
    let first = try TestServer.secured(TestCertificates.endpoint()) { socket in
      while try socket.receive().last != 3 {}
      socket.socket.reset()
    }
    let second = try TestServer.securedEcho(TestCertificates.endpoint())
    let site = try TestCertificates.site()
    let world = try ProxyWorld(
      regions: [[first.address], [second.address]], endpointTLS: TestCertificates.toEndpoint()
    ) {
      $0.tls = site
      $0.repeatedBytes = 1024
    }
    let socket = try SecuredSocket(to: world.address, TestCertificates.client())
    try socket.send([1, 2])
    try socket.send([3])
    var echoed: [UInt8] = []
    while echoed.count < 3 { echoed += try socket.receive() }
    #expect(echoed == [1, 2, 3])
    let failures = ConnectFailure.allCases.map { world.counter("connect_failures", $0.name) }
    #expect(world.counter("repeated_connections") == 1, "failed attempts: \(failures)")
    withExtendedLifetime((first, second)) {}
  }

  @Test func `goes on while memory for held bytes is used up, and loses nothing`() async throws {
    let server = try TestServer.echo()
    let site = try TestCertificates.site()
    let world = try ProxyWorld(regions: [[server.address]], heldByteLimit: 65_536) {
      $0.tls = site
    }
    let client = try TestCertificates.client()
    let address = world.address
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<6 {
        group.addTask {
          let bytes = Self.random(4 << 20)
          let socket = try SecuredSocket(to: address, client)
          #expect(try Self.exchange(bytes, socket) == bytes)
        }
      }
      try await group.waitForAll()
    }
    #expect(eventually { world.closed(.clientClosed) == 6 })
  }
}
