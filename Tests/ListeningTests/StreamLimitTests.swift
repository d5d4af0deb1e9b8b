import DNSWire
import Listening
import Testing

/// What a connection may take (RFC 7766 §6.2, RFC 9210 §4.2).
@Suite(.serialized, .timeLimit(.minutes(2))) struct StreamLimitTests {
  private static let long = Duration.seconds(600)

  private func limits(
    connections: Int = 100, perClient: Int = 100, idle: Duration = long, receive: Duration = long,
    send: Duration = long
  ) -> StreamLimits {
    StreamLimits(
      maximumConnections: connections, maximumConnectionsPerClient: perClient, idleTimeout: idle,
      receiveTimeout: receive, sendTimeout: send)
  }

  @Test func `one connection too many closes the one that was quiet for the longest`() async throws
  {
    try await StreamWorld.run(limits(connections: 3)) { world in
      let clients = try (UInt8(0)..<3).map { try world.client(id: $0) }
      // The first is no longer the quietest.
      clients[0].send(framed(try query("www.test.", id: 7)))
      #expect(clients[0].receiveFrame().prefix(2) == [0, 7])
      _ = try world.client(id: 8)
      #expect(clients[1].receive().isEmpty)
      for client in [clients[0], clients[2]] {
        client.send(framed(try query("www.test.", id: 9)))
        #expect(client.receiveFrame().prefix(2) == [0, 9])
      }
      eventually("the count") { world.closed("evicted") == 1 }
    }
  }

  @Test func `one connection too many of a client is closed, and other clients are served`()
    async throws
  {
    try await StreamWorld.run(limits(perClient: 2), threads: 2) { world in
      var clients = try (UInt8(0)..<2).map { try world.client(id: $0) }
      let refused = Client(world.server, isStream: true)
      #expect(refused.receive().isEmpty)
      eventually("the count") { world.closed("client_limit") == 1 }
      _ = try world.client(id: 3, from: "127.0.0.2")
      // When one has gone there is room again.
      clients.removeLast()
      eventually("room") { world.closed("peer") >= 2 }
      _ = try world.client(id: 4)
    }
  }

  @Test func `RFC 7766 §6.2.3: a quiet connection is closed`() async throws {
    try await StreamWorld.run(limits(idle: .milliseconds(500))) { world in
      let client = try world.client()
      let silent = Client(world.server, isStream: true)
      #expect(client.receive().isEmpty)
      #expect(silent.receive().isEmpty)
      eventually("the counts") { world.closed("idle") == 2 }
    }
  }

  @Test
  func `RFC 7828 §3.3.2: clients are told less as connections use up what there is, and it holds`()
    async throws
  {
    // An OPT with an empty edns-tcp-keepalive.
    let option: [UInt8] = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0]
    try await StreamWorld.run(limits(connections: 4, idle: .seconds(30))) { world in
      /// In units of 100 ms.
      func told(_ client: Client) throws -> Int? {
        var asked = try query("www.test.", id: 1)
        asked[11] = 1
        client.send(framed(asked + option))
        let answer = client.receiveFrame()
        guard answer.suffix(6).prefix(4) == [0, 11, 0, 2] else { return nil }
        return answer.suffix(2).reduce(0) { $0 << 8 | Int($1) }
      }
      let client = try world.client()
      #expect(try told(client) == 300)
      let others = (0..<3).map { _ in Client(world.server, isStream: true) }
      eventually("a tenth") { (try? told(client)) == 30 }
      // Now all four are open: a quiet one goes long before 30 s are over.
      let clock = ContinuousClock()
      let start = clock.now
      eventually("the end of a quiet one") { world.closed("idle") > 0 }
      #expect(clock.now - start < .seconds(25))
      withExtendedLifetime(others) {}
      eventually("the whole again") { (try? told(world.client())) == 300 }
    }
  }

  @Test func `a message that has begun has a deadline, and single bytes do not move it`()
    async throws
  {
    try await StreamWorld.run(limits(receive: .milliseconds(100))) { world in
      let client = Client(world.server, isStream: true, timeoutMilliseconds: 10)
      let bytes = framed(try query("big.test.", id: 1)) + Array(repeating: 0, count: 60_000)
      var position = 0
      // One byte every 10 ms: the connection is never quiet for 100 ms.
      repeat {
        client.send([position < 2 ? 0xFF : bytes[position]])
        position += 1
      } while !client.seesEnd() && position < bytes.count
      #expect(position < 1_000)
      eventually("the count") { world.closed("slow") == 1 }
    }
  }

  @Test func `whole messages move the deadline of the next one`() async throws {
    try await StreamWorld.run(limits(receive: .milliseconds(500))) { world in
      let client = Client(world.server, isStream: true)
      let one = framed(try query("www.test.", id: 1))
      let clock = ContinuousClock()
      let end = clock.now + .milliseconds(1_500)
      client.send([one[0]])
      // There is always the first byte of a next message.
      while clock.now < end {
        client.send(one.dropFirst() + [one[0]])
        #expect(client.receiveFrame().count == 42)
      }
      #expect(world.closed() == 0)
      #expect(client.receive().isEmpty)
      eventually("the count") { world.closed("slow") == 1 }
    }
  }

  @Test func `a peer that does not read is closed`() async throws {
    try await StreamWorld.run(limits(send: .milliseconds(200))) { world in
      let client = Client(world.server, isStream: true, receiveBufferBytes: 4_096)
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<200).flatMap { _ in one })
      eventually("the end") { world.closed("stalled") == 1 }
      withExtendedLifetime(client) {}
    }
  }

  @Test func `a peer that reads slowly, but reads, is not closed`() async throws {
    try await StreamWorld.run(limits(send: .seconds(1))) { world in
      let client = Client(world.server, isStream: true, receiveBufferBytes: 16_384)
      let one = framed(try query("big.test.", id: 1, type: .txt))
      client.send((0..<40).flatMap { _ in one })
      let clock = ContinuousClock()
      // A piece now and then, twice as long as a peer may read nothing.
      for piece in 1...20 {
        let next = clock.now + .milliseconds(100)
        try #require(client.receiveAll(60_000).count == 60_000, "piece \(piece)")
        try await clock.sleep(until: next)
      }
      #expect(world.closed() == 0)
    }
  }
}
