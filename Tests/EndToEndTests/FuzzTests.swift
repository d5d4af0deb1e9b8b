import TestSupport
import Testing

extension EndToEnd {
  /// Bytes that nobody should send.
  @Suite struct `Under a rain of bad packets` {
    static let seed: UInt64 = .random(in: 0...UInt64.max)

    private static let good = [
      DNSQuestion("www.example.org", subnet: "133.11.0.1"),
      DNSQuestion("example.org", type: RecordType.txt), DNSQuestion("docs.example.org"),
      DNSQuestion("nothing.example.org", type: RecordType.aaaa),
      DNSQuestion("a.b.c.geo.example.org", subnet: "200.144.248.41", bits: 24),
    ]

    /// A question with some of its bytes changed, lost, doubled or made up.
    private func mutated(using generator: inout SeededGenerator) -> [UInt8] {
      var bytes = Self.good.randomElement(using: &generator)?.bytes ?? []
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        guard !bytes.isEmpty else { break }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = .random(in: 0...255, using: &generator)
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes.remove(at: place)
        case 4: bytes.insert(contentsOf: bytes.suffix(from: place), at: place)
        default: bytes.insert(0xC0, at: place)
        }
      }
      return bytes
    }

    @Test(.timeLimit(.minutes(2)))
    func `over UDP it stays up, answers the next question, and never answers an answer`() throws {
      let world = try World()
      var generator = SeededGenerator(seed: Self.seed)
      let socket = try Socket.udp(to: "127.0.0.1", port: world.ports.dns)
      for round in 0..<20_000 {
        var bad = mutated(using: &generator)
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
          try #require(reply.count <= 4096, comment)
          reply = try socket.receive()
        }
        let answer = try DNSReply(reply)
        try #require(
          answer.id == good.id && answer.addresses == [world.address(of: "tokyo")],
          "seed \(Self.seed), round \(round): \(bad)")
      }
      #expect(world.process.isRunning)
    }

    @Test(.timeLimit(.minutes(2)))
    func `over TCP it stays up and answers the next connection`() throws {
      let world = try World()
      var generator = SeededGenerator(seed: Self.seed)
      for round in 0..<1000 {
        let socket = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
        let bad = mutated(using: &generator)
        let length = Bool.random(using: &generator) ? bad.count : Int(bad.last ?? 0) << 4
        // The server may hang up at once; what it thinks of us shows in the next connection.
        try? socket.send(UInt16(truncatingIfNeeded: length).wire + bad)
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
    }
  }
}
