import Testing

extension EndToEnd {
  /// A real resolver between the program and its clients: what people's devices see.
  @Suite struct `Behind unbound` {
    static let world = Result {
      try World { configuration in
        let strings = (0..<8).map { "\"\(String(repeating: "\($0)", count: 250))\"" }
        return configuration.replacing(
          "    records:  ",
          with: "    records:\n      - 'big TXT \(strings.joined(separator: " "))'\n  ",
          maxReplacements: 1)
      }
    }
    static let resolver = Result { try Resolver(world.get()) }

    /// How many queries the resolver sends for something to be done.
    private func upstreamQueries(_ body: () throws -> Void) throws -> Int {
      let world = try Self.world.get()
      let before = try world.queryCount(over: "udp")
      try body()
      return try world.queryCount(over: "udp") - before
    }

    private func region(of client: String) throws -> String? {
      let reply = try Self.resolver.get().ask(DNSQuestion("www.example.org"), from: client)
      return try reply.addresses.first.flatMap { try Self.world.get().region(of: $0) }
    }

    @Test func `RFC 7871 §7.3.1: each client gets its own region, from the cache by its scope`()
      throws
    {
      #expect(try region(of: "127.81.0.1") == "tokyo")
      #expect(try region(of: "127.55.0.1") == "saopaulo")
      var again: [String?] = []
      let queries = try upstreamQueries {
        // The last is of another /24, in the scope of the answer that the first has got.
        again = try ["127.81.0.1", "127.55.0.1", "127.81.9.1"].map { try region(of: $0) }
      }
      #expect(again == ["tokyo", "saopaulo", "tokyo"])
      #expect(queries == 0, "all of it was in the cache")
    }

    @Test func `RFC 7871 §7.2.1: the resolver passes on the scope that it was told`() throws {
      let reply = try Self.resolver.get().ask(
        DNSQuestion("www.example.org", subnet: "133.11.0.0", bits: 24))
      let world = try Self.world.get()
      #expect(reply.addresses == [world.address(of: "tokyo")])
      let told = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.0", bits: 24))
      #expect(reply.scope == told.scope)
    }

    @Test func `RFC 7871 §7.2.1: a static name is cached once for all clients`() throws {
      let resolver = try Self.resolver.get()
      _ = try resolver.ask(DNSQuestion("sip.example.org"), from: "127.44.0.1")
      let queries = try upstreamQueries {
        for client in ["127.81.0.1", "127.55.0.1", "127.1.0.1"] {
          let reply = try resolver.ask(DNSQuestion("sip.example.org"), from: client)
          #expect(reply.addresses == ["192.0.2.60"])
        }
      }
      #expect(queries == 0)
    }

    @Test(arguments: [
      "_sip._tcp.example.org": UInt16(33), "4.3.2.1.5.5.5.example.org": 35,
      "_443._tcp.www.example.org": 52, "a.b.c.geo.example.org": RecordType.a,
    ])
    func `RFC 9156 §3: names below empty ones are found label by label`(
      name: String, type: UInt16
    ) throws {
      let reply = try Self.resolver.get().ask(DNSQuestion(name, type: type))
      #expect(reply.code == 0 && reply.answers.map(\.type) == [type])
    }

    @Test(arguments: ["nothing.example.org": UInt16(3), "mail.example.org": 0])
    func `RFC 2308 §5: that there is nothing is cached`(name: String, code: UInt16) throws {
      let resolver = try Self.resolver.get()
      for isFirst in [true, false] {
        let queries = try upstreamQueries {
          let reply = try resolver.ask(DNSQuestion(name, type: RecordType.txt))
          #expect(reply.code == code && reply.answers.isEmpty)
          #expect(reply.authority.map(\.type) == [RecordType.soa])
        }
        #expect((queries > 0) == isFirst)
      }
    }

    @Test func `RFC 2181 §9: what is truncated comes over TCP`() throws {
      let before = try Self.world.get().queryCount(over: "tcp")
      var question = DNSQuestion("big.example.org", type: RecordType.txt)
      question.payloadBytes = 4096
      let reply = try Self.resolver.get().ask(question)
      #expect(reply.answers.map(\.data.count) == [8 * 251])
      #expect(try Self.world.get().queryCount(over: "tcp") > before)
    }

    @Test func `RFC 7766 §5: a resolver that speaks TCP alone gets the same answers`() throws {
      let world = try Self.world.get()
      let resolver = try Resolver(world, over: .tcp)
      let overUDP = try upstreamQueries {
        for (client, region) in [("127.81.0.1", "tokyo"), ("127.55.0.1", "saopaulo")] {
          let reply = try resolver.ask(DNSQuestion("docs.example.org"), from: client)
          #expect(reply.addresses == [world.address(of: region)])
        }
      }
      #expect(overUDP == 0)
    }
  }
}
