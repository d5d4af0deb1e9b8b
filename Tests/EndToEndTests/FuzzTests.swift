import TestSupport
import Testing

extension EndToEnd {
  /// Bytes that nobody should send.
  @Suite struct `Under a rain of bad packets` {
    static let seed: UInt64 = .random(in: 0...UInt64.max)
    /// What the rain may add to what is in memory.
    static let growthByteCount = 32 << 20

    @Test(.timeLimit(.minutes(2)))
    func `over UDP it stays up, answers the next question, and never answers an answer`() throws {
      let world = try World()
      var packets = HostilePackets(seed: Self.seed)
      let socket = try Socket.udp(to: "127.0.0.1", port: world.ports.dns)
      var before = 0
      for round in 0..<30_000 {
        // By then every buffer has been used.
        if round == 3_000 { before = world.process.residentByteCount }
        var bad = packets.next()
        // The good question that follows has an id of its own, so that answers are told apart.
        if bad.count > 1 { bad[0] = 0xBA }
        var good = DNSQuestion("www.example.org", subnet: "133.11.0.1")
        good.id = UInt16(round & 0x7FFF)
        try socket.send(bad)
        try socket.send(good.bytes)
        var reply = try socket.receive()
        if bad.count > 1, reply.starts(with: bad.prefix(2)) {
          let isResponse = bad.count > 2 && bad[2] & 0x80 != 0
          let comment: Comment = "seed \(Self.seed), round \(round): \(bad) got \(reply)"
          try #require(!isResponse, comment)
          try #require(reply.count >= 12 && reply[2] & 0x80 != 0, comment)
          try #require(reply.count <= 1232, comment)
          _ = try DNSReply(reply)
          reply = try socket.receive()
        }
        let answer = try DNSReply(reply)
        try #require(
          answer.id == good.id && answer.addresses == [world.address(of: "tokyo")],
          "seed \(Self.seed), round \(round): \(bad)")
      }
      #expect(world.process.isRunning)
      #expect(world.process.residentByteCount - before < Self.growthByteCount)
    }

    @Test(.timeLimit(.minutes(2)))
    func `over TCP it stays up and answers the next connection`() throws {
      let world = try World()
      var packets = HostilePackets(seed: Self.seed)
      var before = 0
      for round in 0..<2_000 {
        if round == 500 { before = world.process.residentByteCount }
        let socket = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
        // The server may hang up at once; what it thinks of us shows in the next connection.
        for piece in pieces(&packets) { try? socket.send(piece) }
        if packets.chance(4) { continue }
        socket.finishSending()
        _ = try? socket.receiveAll()
        guard round % 10 == 0 else { continue }
        let next = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
        let good = DNSQuestion("www.example.org", subnet: "133.11.0.1").bytes
        try next.send(UInt16(good.count).wire + good)
        let size = try next.receive(exactly: 2).reduce(0) { $0 << 8 | Int($1) }
        let reply = try DNSReply(next.receive(exactly: size))
        try #require(
          reply.addresses == [world.address(of: "tokyo")], "seed \(Self.seed), round \(round)")
      }
      #expect(world.process.isRunning)
      #expect(world.process.residentByteCount - before < Self.growthByteCount)
    }

    @Test(.timeLimit(.minutes(2)))
    func `behind a trusted proxy it stays up and answers everybody else`() throws {
      let world = try World {
        $0.replacing(
          "  receive_buffer:",
          with: "  proxy_protocol: {trusted: [127.0.0.3/32]}\n  receive_buffer:")
      }
      var packets = HostilePackets(seed: Self.seed)
      let proxy = try Socket.udp(to: "127.0.0.1", port: world.ports.dns, from: "127.0.0.3")
      for round in 0..<5_000 {
        try proxy.send(packets.header() + packets.next())
        if round % 50 == 0 {
          let stream = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns, from: "127.0.0.3")
          try? stream.send(packets.header())
          for piece in pieces(&packets) { try? stream.send(piece) }
        }
        guard round % 100 == 0 else { continue }
        let reply = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.1"))
        try #require(
          reply.addresses == [world.address(of: "tokyo")], "seed \(Self.seed), round \(round)")
      }
      #expect(world.process.isRunning)
    }

    /// Some messages behind each other, their lengths right or wrong, cut anywhere.
    private func pieces(_ packets: inout HostilePackets) -> [[UInt8]] {
      var stream: [UInt8] = []
      for _ in 0..<packets.number(1...5) {
        let isGood = packets.chance(2)
        let message = isGood ? DNSQuestion("www.example.org").bytes : packets.next()
        let length = packets.chance(5) ? packets.number(0...65_535) : message.count
        stream += UInt16(length).wire + message
      }
      if packets.chance(10) { stream += packets.bytes(packets.number(1...3_000)) }
      var pieces: [[UInt8]] = []
      var rest = stream[...]
      while !rest.isEmpty {
        let piece = rest.prefix(pieces.count > 20 ? rest.count : packets.number(1...200))
        pieces.append(Array(piece))
        rest = rest.dropFirst(piece.count)
      }
      return pieces
    }
  }
}
