import Testing

extension EndToEnd {
  /// A resolver that trusts nothing but the zone's DS record, and tells the subnets of its clients.
  @Suite struct `Behind a validating unbound` {
    static let signed = Result { try SignedWorld(.pair) }
    static let resolver = Result {
      let world = try Self.signed.get()
      return try Resolver(world.world, trusting: world.anchors)
    }

    private func ask(
      _ name: String, type: UInt16 = RecordType.a, from client: String? = nil
    ) throws -> DNSReply {
      var question = DNSQuestion(name, type: type)
      question.flags = 0x8000
      return try Self.resolver.get().ask(question, from: client)
    }

    private func upstreamQueries(_ body: () throws -> Void) throws -> Int {
      let world = try Self.signed.get().world
      let before = try world.queryCount(over: "udp")
      try body()
      return try world.queryCount(over: "udp") - before
    }

    @Test(arguments: [
      ("www.example.org", RecordType.a), ("docs.example.org", RecordType.a),
      ("x.geo.example.org", RecordType.a), ("a.wild.example.org", RecordType.txt),
      ("a.old.example.org", RecordType.a), ("mail.example.org", RecordType.aaaa),
      ("a.secure.example.org", RecordType.a), ("www.example.org", 65),
    ])
    func `RFC 4035 §3.2.3: what there is comes with AD`(name: String, type: UInt16) throws {
      let reply = try ask(name, type: type)
      #expect(reply.code == 0 && reply.answers.contains { $0.type == type })
      #expect(reply.isAuthentic, "\(reply)")
    }

    @Test(arguments: [
      "nothing.example.org", "mail.example.org", "_tcp.example.org", "www.example.org",
    ])
    func `RFC 9824 §3: that there is nothing comes with AD`(name: String) throws {
      let reply = try ask(name, type: RecordType.txt)
      #expect(reply.code == 0 && !reply.answers.contains { $0.type == RecordType.txt })
      #expect(reply.isAuthentic, "\(reply)")
    }

    @Test func `RFC 4035 §3.1.4: of a zone without keys it comes without AD`() throws {
      let reply = try ask("a.insecure.example.org")
      #expect(reply.addresses == ["192.0.2.79"])
      #expect(!reply.isAuthentic)
    }

    @Test func `RFC 7871 §7.3.1: signed answers are kept apart by their scope, each with AD`()
      throws
    {
      let world = try Self.signed.get().world
      let clients = ["127.81.0.1": "tokyo", "127.55.0.1": "saopaulo", "127.49.0.1": "frankfurt"]
      for (client, region) in clients {
        let reply = try ask("www.example.org", from: client)
        #expect(reply.addresses == [world.address(of: region)] && reply.isAuthentic, "\(client)")
      }
      let queries = try upstreamQueries {
        // The last bytes are other ones, in the scope of what the first have got.
        for (client, region) in clients {
          let reply = try ask("www.example.org", from: client.replacing(".0.1", with: ".9.1"))
          #expect(reply.addresses == [world.address(of: region)] && reply.isAuthentic, "\(client)")
        }
      }
      #expect(queries == 0, "all of it was in the cache")
    }
  }
}
