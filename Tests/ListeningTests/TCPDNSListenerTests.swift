import DNSWire
import Editions
import Listening
import Testing

/// What a connection asks and gets (RFC 7766).
@Suite(.timeLimit(.minutes(1))) struct TCPDNSListenerTests {
  /// Of the answer to `big.test. TXT`.
  static let bigByteCount = 12 + 14 + 12 + 255 * 201

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func `RFC 7766 §6.2.1: queries in one segment are answered`(address: String) async throws {
    try await StreamWorld.run(address: address) { world in
      let client = Client(world.server, isStream: true)
      let ids = UInt8(0)..<50
      client.send(try ids.flatMap { framed(try query("www.test.", id: $0)) })
      for id in ids { #expect(client.receiveFrame().prefix(2) == [0, id]) }
    }
  }

  @Test func `a question waits for the first edition`() async throws {
    let desk = EditionDesk(try edition(isReady: false))
    try await StreamWorld.run(desk: desk) { world in
      let client = Client(world.server, isStream: true, timeoutMilliseconds: 300)
      client.send(framed(try query("www.test.", id: 7)))
      #expect(client.receive().isEmpty)
      desk.publish(try edition(2))
      var answer: [UInt8] = []
      eventually("the answer") {
        answer = client.receiveFrame()
        return !answer.isEmpty
      }
      #expect(answer.suffix(4) == [192, 0, 2, 2])
    }
  }

  @Test func `more queries than a turn has are all answered`() async throws {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      let one = framed(try query("www.test.", id: 3))
      for _ in 0..<20 { client.send((0..<100).flatMap { _ in one }) }
      for _ in 0..<2_000 { #expect(client.receiveFrame().count == 42) }
    }
  }

  @Test func `RFC 7766 §8: a query in single bytes, its length split too, is answered`()
    async throws
  {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      for byte in framed(try query("www.test.", id: 9)) { client.send([byte]) }
      #expect(client.receiveFrame().suffix(4) == [192, 0, 2, 1])
    }
  }

  @Test func `a long answer is whole`() async throws {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      client.send(framed(try query("big.test.", id: 1, type: .txt)))
      #expect(client.receiveFrame().count == Self.bigByteCount)
    }
  }

  @Test func `RFC 7766 §6.2.4: after a half-close what was asked is answered, then it ends`()
    async throws
  {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      client.send(
        framed(try query("www.test.", id: 1)) + framed(try query("big.test.", id: 2, type: .txt)))
      client.endSending()
      #expect(client.receiveFrame().prefix(2) == [0, 1])
      #expect(client.receiveFrame().prefix(2) == [0, 2])
      #expect(client.receive().isEmpty)
    }
  }

  @Test func `a half-closed connection whose peer reads slowly gets all its answers`() async throws
  {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true, receiveBufferBytes: 4_096)
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<20).flatMap { _ in one })
      client.endSending()
      for _ in 0..<20 { #expect(client.receiveFrame().count == Self.bigByteCount) }
      #expect(client.receive().isEmpty)
    }
  }

  @Test func `half a query, then no more, ends the connection`() async throws {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      client.send(framed(try query("www.test.", id: 1)).dropLast())
      client.endSending()
      #expect(client.receive().isEmpty)
    }
  }

  @Test func `a reader that is slow gets everything in the end, and stalls nobody`() async throws {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true, receiveBufferBytes: 4_096)
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<100).flatMap { _ in one })
      // Another client is served meanwhile.
      _ = try world.client(id: 5)
      for _ in 0..<100 { #expect(client.receiveFrame().count == Self.bigByteCount) }
    }
  }

  @Test(
    arguments: [
      [0, 3, 1, 2, 3], [0, 0], [0, 1, 7], [0, 12] + Array(repeating: 0xFF, count: 12),
    ] as [[UInt8]])
  func `what is no query closes the connection, a frame of no bytes too`(bytes: [UInt8])
    async throws
  {
    try await StreamWorld.run { world in
      let client = Client(world.server, isStream: true)
      client.send(framed(try query("www.test.", id: 1)) + bytes)
      #expect(client.receiveFrame().prefix(2) == [0, 1])
      #expect(client.receive().isEmpty)
      eventually("the count") { world.closed("unreadable") == 1 }
    }
  }
}
