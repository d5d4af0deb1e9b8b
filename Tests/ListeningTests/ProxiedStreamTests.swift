import DNSWire
import Listening
import TestSupport
import Testing

/// A header of version 2 for a query from an IPv4 address and port.
func proxyHeader(from source: [UInt8], command: UInt8 = 0x21, transport: UInt8 = 0x11) -> [UInt8] {
  [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8) + [command, transport, 0, 12] + source
    + [198, 51, 100, 7, 0x9C, 0x40, 0, 53]
}

/// The PROXY protocol in front of DNS over TCP.
@Suite(.timeLimit(.minutes(1))) struct ProxiedStreamTests {
  private static let trusted = ["127.0.0.0/30"]

  @Test(arguments: [
    proxyHeader(from: [192, 0, 2, 1]), proxyHeader(from: [192, 0, 2, 1], command: 0x20),
    Array("PROXY TCP4 192.0.2.1 198.51.100.7 40000 53\r\n".utf8), Array("PROXY UNKNOWN\r\n".utf8),
  ])
  func `a trusted proxy's header comes first, whole or in single bytes`(header: [UInt8])
    async throws
  {
    try await StreamWorld.run(trusted: Self.trusted) { world in
      let bytes = header + framed(try query("www.test.", id: 1))
      let whole = Client(world.server, isStream: true)
      whole.send(bytes)
      #expect(whole.receiveFrame().prefix(2) == [0, 1])
      let split = Client(world.server, isStream: true)
      for byte in bytes { split.send([byte]) }
      #expect(split.receiveFrame().prefix(2) == [0, 1])
      // And the connection goes on as any other.
      split.send(framed(try query("www.test.", id: 2)))
      #expect(split.receiveFrame().prefix(2) == [0, 2])
    }
  }

  @Test func `a trusted proxy without a header, or with a damaged one, is closed`() async throws {
    try await StreamWorld.run(trusted: Self.trusted) { world in
      var damaged = proxyHeader(from: [192, 0, 2, 1])
      damaged[12] = 0x31
      let asked = framed(try query("www.test.", id: 1))
      for bytes in [asked, damaged + asked] {
        let client = Client(world.server, isStream: true)
        client.send(bytes)
        #expect(client.receive().isEmpty)
      }
      let half = Client(world.server, isStream: true)
      half.send(Array(damaged.prefix(9)))
      half.endSending()
      #expect(half.receive().isEmpty)
      eventually("the counts") { world.closed("proxy_header") == 3 }
    }
  }

  @Test func `from everybody else a header is no header, and no answer to it`() async throws {
    try await StreamWorld.run(trusted: Self.trusted) { world in
      let asked = framed(try query("www.test.", id: 1))
      let plain = Client(world.server, isStream: true, from: "127.0.0.9")
      plain.send(asked)
      #expect(plain.receiveFrame().prefix(2) == [0, 1])
      let forged = Client(world.server, isStream: true, from: "127.0.0.9")
      // 13 × 256 + 10 bytes are taken for one message.
      forged.send(proxyHeader(from: [192, 0, 2, 1]) + asked + Array(repeating: 0, count: 4_000))
      #expect(forged.receive().isEmpty || forged.receive().isEmpty)
    }
  }

  @Test func `a header that does not come has a deadline`() async throws {
    let limits = StreamLimits(idleTimeout: .seconds(600), receiveTimeout: .milliseconds(50))
    try await StreamWorld.run(limits, trusted: Self.trusted) { world in
      #expect(Client(world.server, isStream: true).receive().isEmpty)
      eventually("the count") { world.closed("slow") == 1 }
    }
  }

  @Test func `connections are counted by the client that the header names`() async throws {
    let limits = StreamLimits(maximumConnectionsPerClient: 2, idleTimeout: .seconds(600))
    try await StreamWorld.run(limits, trusted: Self.trusted) { world in
      let asked = framed(try query("www.test.", id: 1))
      func client(_ header: [UInt8]) -> Client {
        let client = Client(world.server, isStream: true)
        client.send(header + asked)
        return client
      }
      var clients: [Client] = []
      for last in UInt8(1)...3 {
        clients += (0..<2).map { _ in client(proxyHeader(from: [192, 0, 2, last])) }
      }
      // The proxy speaks for itself: as often as it likes.
      clients += (0..<5).map { _ in
        client(proxyHeader(from: [192, 0, 2, 9], command: 0x20))
      }
      for client in clients { #expect(client.receiveFrame().prefix(2) == [0, 1]) }
      #expect(client(proxyHeader(from: [192, 0, 2, 1])).receiveFrame().isEmpty)
      eventually("the count") { world.closed("client_limit") == 1 }
    }
  }
}
