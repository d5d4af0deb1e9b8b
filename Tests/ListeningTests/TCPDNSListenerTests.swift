import Answering
import Counters
import DNSWire
import Editions
import Listening
import NIOCore
import NIOPosix
import Places
import Testing

@Suite(.timeLimit(.minutes(1))) struct TCPDNSListenerTests {
  private func withListener(
    maximumConnections: Int = 100, idleTimeout: Duration = .seconds(60), isReady: Bool = true,
    _ body: (ServerAddress) throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let address = try #require(ServerAddress("127.0.0.1:0"))
    let listener = try await TCPDNSListener.start(
      TCPDNSListener.Settings(
        addresses: [address], maximumConnections: maximumConnections, idleTimeout: idleTimeout),
      group: group, parts: parts(EditionDesk(try edition()), CounterBoard()))
    let result = Result { try body(listener.boundAddresses[0]) }
    await listener.stop()
    try await group.shutdownGracefully()
    try result.get()
  }

  @Test func `queries in one segment are answered in order`() async throws {
    try await withListener { server in
      let client = Client(server, isStream: true)
      let ids = UInt8(0)..<50
      client.send(try ids.flatMap { framed(try query("www.test.", id: $0)) })
      for id in ids { #expect(client.receiveFrame().prefix(2) == [0, id]) }
    }
  }

  @Test func `a query in single bytes is answered`() async throws {
    try await withListener { server in
      let client = Client(server, isStream: true)
      for byte in framed(try query("www.test.", id: 9)) { client.send([byte]) }
      #expect(client.receiveFrame().suffix(4) == [192, 0, 2, 1])
    }
  }

  @Test func `a long answer is whole`() async throws {
    try await withListener { server in
      let client = Client(server, isStream: true)
      client.send(framed(try query("big.test.", id: 1, type: .txt)))
      #expect(client.receiveFrame().count == 12 + 14 + 12 + 255 * 201)
    }
  }

  @Test func `after a half-close what was asked is answered, then the connection ends`()
    async throws
  {
    try await withListener { server in
      let client = Client(server, isStream: true)
      client.send(
        framed(try query("www.test.", id: 1)) + framed(try query("big.test.", id: 2, type: .txt)))
      client.endSending()
      #expect(client.receiveFrame().prefix(2) == [0, 1])
      #expect(client.receiveFrame().prefix(2) == [0, 2])
      #expect(client.receive().isEmpty)
    }
  }

  @Test func `a reader that is slow gets everything in the end`() async throws {
    try await withListener { server in
      let client = Client(server, isStream: true, receiveBufferBytes: 4_096)
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<100).flatMap { _ in one })
      // Another client is served meanwhile.
      let other = Client(server, isStream: true)
      other.send(framed(try query("www.test.", id: 5)))
      #expect(other.receiveFrame().prefix(2) == [0, 5])
      for _ in 0..<100 { #expect(client.receiveFrame().count == 12 + 14 + 12 + 255 * 201) }
    }
  }

  @Test func `what is no query closes the connection`() async throws {
    try await withListener { server in
      let client = Client(server, isStream: true)
      client.send([0, 3, 1, 2, 3])
      #expect(client.receive().isEmpty)
    }
  }

  @Test func `one connection too many closes the one that was quiet for the longest`() async throws
  {
    try await withListener(maximumConnections: 2) { server in
      let clients = try (UInt8(0)..<3).map { id in
        let client = Client(server, isStream: true)
        client.send(framed(try query("www.test.", id: id)))
        #expect(client.receiveFrame().prefix(2) == [0, id])
        return client
      }
      #expect(clients[0].receive().isEmpty)
      clients[1].send(framed(try query("www.test.", id: 9)))
      #expect(clients[1].receiveFrame().prefix(2) == [0, 9])
    }
  }

  @Test func `a quiet connection is closed`() async throws {
    try await withListener(idleTimeout: .milliseconds(50)) { server in
      #expect(Client(server, isStream: true).receive().isEmpty)
    }
  }
}
