import DNSWire
import Listening
import NIOSSL
import Testing

/// DNS over TLS (RFC 7858).
@Suite(.timeLimit(.minutes(1))) struct TLSListenerTests {
  private static func identity() throws -> TLSIdentity {
    try TestIdentities.identity(
      certificate: TestIdentities.one.certificate, key: TestIdentities.one.key)
  }

  private static func certificate(_ text: String) throws -> NIOSSLCertificate {
    try NIOSSLCertificate(bytes: Array(text.utf8), format: .pem)
  }

  @Test(arguments: [["dot"], [], ["h2", "dot"]])
  func `RFC 7858 §3.3: many queries in one session, with ALPN and without`(protocols: [String])
    async throws
  {
    try await StreamWorld.run(tls: try Self.identity()) { world in
      let client = try await TLSClient(world.server, protocols: protocols)
      let ids = UInt8(0)..<50
      client.send(try ids.flatMap { framed(try query("www.test.", id: $0)) })
      for id in ids { #expect(client.receiveFrame().prefix(2) == [0, id]) }
      client.send(framed(try query("big.test.", id: 1, type: .txt)))
      #expect(client.receiveFrame().count == TCPDNSListenerTests.bigByteCount)
      #expect(client.now.negotiatedProtocol == (protocols.isEmpty ? nil : "dot"))
      client.close()
    }
  }

  @Test(arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
  func `RFC 9325 §3.1.1: nothing older than TLS 1.2`(version: TLSVersion) async throws {
    try await StreamWorld.run(tls: try Self.identity()) { world in
      let client = try await TLSClient(world.server, maximumVersion: version)
      client.send(framed(try query("www.test.", id: 7)))
      let isNew = version == .tlsv12 || version == .tlsv13
      #expect(client.receiveFrame().prefix(2) == (isNew ? [0, 7] : []))
      #expect(client.now.isHandshakeComplete == isNew)
      if !isNew { eventually("the count") { world.closed("handshake") == 1 } }
      client.close()
    }
  }

  @Test func `a new certificate is for new connections, and the old ones stay`() async throws {
    let identity = try Self.identity()
    try await StreamWorld.run(tls: identity) { world in
      let old = try await TLSClient(world.server)
      old.send(framed(try query("www.test.", id: 1)))
      #expect(old.receiveFrame().prefix(2) == [0, 1])
      identity.adopt(
        try TestIdentities.identity(
          certificate: TestIdentities.two.certificate, key: TestIdentities.two.key))
      let new = try await TLSClient(world.server)
      for (id, client) in [(UInt8(2), new), (3, old)] {
        client.send(framed(try query("www.test.", id: id)))
        #expect(client.receiveFrame().prefix(2) == [0, id])
      }
      let one = try Self.certificate(TestIdentities.one.certificate)
      let two = try Self.certificate(TestIdentities.two.certificate)
      #expect(old.now.certificate == one && new.now.certificate == two)
      #expect(world.closed() == 0)
    }
  }

  @Test func `a pair that cannot be served with is refused, and it says which file it is`() throws {
    let one = TestIdentities.one
    let two = TestIdentities.two
    for (certificate, key, part) in [
      (one.certificate, two.key, TLSIdentityFault.Part.key), (one.certificate, "", .key),
      ("", one.key, .certificate), (one.key, one.key, .certificate),
      (one.certificate, one.certificate, .key),
    ] {
      let fault = #expect(throws: TLSIdentityFault.self) {
        try TestIdentities.identity(certificate: certificate, key: key)
      }
      #expect(fault?.part == part, "\(certificate.prefix(30)) \(key.prefix(30))")
    }
    let missing = #expect(throws: TLSIdentityFault.self) {
      try TLSIdentity(certificateFile: "/tmp/azimuth-none.pem", keyFile: "/tmp/azimuth-none.pem")
    }
    #expect(missing?.part == .certificate)
  }

  @Test func `what is no handshake is closed, and one that does not come has a deadline`()
    async throws
  {
    let limits = StreamLimits(idleTimeout: .seconds(600), receiveTimeout: .milliseconds(100))
    try await StreamWorld.run(limits, tls: try Self.identity()) { world in
      let plain = Client(world.server, isStream: true)
      plain.send(framed(try query("www.test.", id: 1)))
      // An alert at most.
      #expect(plain.receive().count < 20)
      eventually("the count") { world.closed("handshake") == 1 }
      let silent = Client(world.server, isStream: true)
      let half = Client(world.server, isStream: true)
      half.send([22, 3, 1, 1])
      #expect(silent.receive().isEmpty && half.receive().isEmpty)
      eventually("the counts") { world.closed("slow") == 2 }
    }
  }

  @Test func `a proxy's header comes before the handshake`() async throws {
    let limits = StreamLimits(maximumConnectionsPerClient: 1, idleTimeout: .seconds(600))
    try await StreamWorld.run(limits, trusted: ["127.0.0.1/32"], tls: try Self.identity()) {
      world in
      var clients: [TLSClient] = []
      for last in [UInt8(1), 2, 2] {
        let client = try await TLSClient(
          world.server, header: proxyHeader(from: [192, 0, 2, last]))
        client.send(framed(try query("www.test.", id: last)))
        let isFirst = clients.count < 2
        #expect(client.receiveFrame().prefix(2) == (isFirst ? [0, last] : []))
        clients.append(client)
      }
      eventually("the count") { world.closed("client_limit") == 1 }
      let bare = try await TLSClient(world.server)
      #expect(bare.receiveFrame().isEmpty)
      eventually("the count") { world.closed("proxy_header") == 1 }
      for client in clients { client.close() }
    }
  }

  @Test func `after a half-close what was asked is answered, then it ends`() async throws {
    try await StreamWorld.run(tls: try Self.identity()) { world in
      let client = try await TLSClient(world.server)
      client.send(
        framed(try query("www.test.", id: 1)) + framed(try query("big.test.", id: 2, type: .txt)))
      client.endSending()
      #expect(client.receiveFrame().prefix(2) == [0, 1])
      #expect(client.receiveFrame().prefix(2) == [0, 2])
      #expect(client.receiveFrame().isEmpty)
    }
  }

  @Test func `a peer that does not read its answers is closed`() async throws {
    let limits = StreamLimits(idleTimeout: .seconds(600), sendTimeout: .milliseconds(200))
    try await StreamWorld.run(limits, tls: try Self.identity()) { world in
      let client = try await TLSClient(world.server)
      client.send(framed(try query("www.test.", id: 1)))
      #expect(client.receiveFrame().prefix(2) == [0, 1])
      try await client.stopReading()
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<400).flatMap { _ in one })
      eventually("the end") { world.closed("stalled") == 1 }
      client.close()
    }
  }
}
