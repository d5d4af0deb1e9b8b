import Testing

extension EndToEnd {
  /// DNS as a resolver sees it.
  @Suite struct `Names` {
    /// More than fits into a UDP answer.
    static let world = Result {
      try World { configuration in
        let strings = (0..<8).map { "\"\(String(repeating: "\($0)", count: 250))\"" }
        return configuration.replacing(
          "    records:  ",
          with: "    records:\n      - 'big TXT \(strings.joined(separator: " "))'\n  ",
          maxReplacements: 1)
      }
    }

    private func dig(_ arguments: String) throws -> String {
      let port = try Self.world.get().ports.dns
      return try Program.shell("dig @127.0.0.1 -p \(port) \(arguments)").output
    }

    @Test(arguments: [
      ("ns1.example.org A", "192.0.2.53"),
      ("ns1.example.org AAAA", "2001:db8::53"),
      ("example.org MX", "10 mail.example.org."),
      ("example.org TXT", #""v=spf1 mx -all""#),
      ("example.org CAA", #"0 issue "letsencrypt.org""#),
      ("_sip._tcp.example.org SRV", "0 5 5060 sip.example.org."),
      ("example.org NS", "ns1.example.org.\nns2.example.org."),
      ("web.example.org CNAME", "www.example.org."),
      (
        "_443._tcp.www.example.org TLSA",
        "3 1 1 E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B 7852B855"
      ),
      (
        "4.3.2.1.5.5.5.example.org NAPTR",
        #"100 50 "u" "E2U+sip" "!^.*$!sip:info@example.org!" ."#
      ),
      ("svc.example.org HTTPS", #"1 www.example.org. alpn="h2""#),
      ("long.example.org TXT", #""a record may also be" "a mapping""#),
    ])
    func `a record of the configuration is answered`(question: String, answer: String) throws {
      let lines = try dig("\(question) +short").split(separator: "\n").sorted()
      #expect(lines.joined(separator: "\n") == answer)
    }

    @Test func `a chain of CNAMEs ends at a steered address`() throws {
      let world = try Self.world.get()
      let reply = try world.ask(DNSQuestion("docs.example.org", subnet: "133.11.0.1"))
      #expect(reply.answers.map(\.type) == [RecordType.cname, RecordType.cname, RecordType.a])
      #expect(reply.addresses == [world.address(of: "tokyo")])
    }

    @Test(arguments: [
      "example.org", "www.example.org", "any.geo.example.org", "a.b.geo.example.org",
    ])
    func `apex, name and wildcard are steered`(name: String) throws {
      let world = try Self.world.get()
      let reply = try world.ask(DNSQuestion(name, subnet: "133.11.0.1"))
      #expect(reply.code == 0 && reply.isAuthoritative)
      #expect(reply.addresses == [world.address(of: "tokyo")])
    }

    @Test func `a name that is not there is NXDOMAIN, with the SOA`() throws {
      let reply = try Self.world.get().ask(DNSQuestion("nothing.example.org"))
      #expect(reply.code == 3 && reply.isAuthoritative)
      #expect(reply.authority.map(\.type) == [RecordType.soa])
    }

    @Test(arguments: [("mail.example.org", RecordType.txt), ("www.example.org", RecordType.aaaa)])
    func `a type that is not there is NODATA, with the SOA`(name: String, type: UInt16) throws {
      let reply = try Self.world.get().ask(DNSQuestion(name, type: type))
      #expect(reply.code == 0 && reply.answers.isEmpty)
      #expect(reply.authority.map(\.type) == [RecordType.soa])
    }

    @Test func `a name outside the zones is refused`() throws {
      let reply = try Self.world.get().ask(DNSQuestion("www.example.com"))
      #expect(reply.code == 5 && reply.answers.isEmpty && !reply.isAuthoritative)
    }

    @Test func `a delegated name gets a referral`() throws {
      let reply = try Self.world.get().ask(DNSQuestion("www.partner.example.org"))
      #expect(reply.code == 0 && !reply.isAuthoritative && reply.answers.isEmpty)
      #expect(reply.authority.map(\.type) == [RecordType.ns])
    }

    @Test func `names are compared without case, and the question's case comes back`() throws {
      let world = try Self.world.get()
      let reply = try world.ask(DNSQuestion("wWw.EXAMPLE.oRg", subnet: "133.11.0.1"))
      #expect(reply.name == "wWw.EXAMPLE.oRg")
      #expect(reply.addresses == [world.address(of: "tokyo")])
    }

    @Test func `an answer that is too long is truncated, and whole over TCP`() throws {
      let cut = try dig("big.example.org TXT +ignore")
      #expect(cut.contains(#/flags: [a-z ]*\btc\b/#), "\(cut)")
      let whole = try dig("big.example.org TXT +short")
      #expect(whole.contains("0000") && whole.contains("7777"), "\(whole)")
    }

    @Test func `a resolver without EDNS gets no OPT and at most 512 bytes`() throws {
      var question = DNSQuestion("big.example.org", type: RecordType.txt)
      question.usesEDNS = false
      let world = try Self.world.get()
      let socket = try Socket.udp(to: "127.0.0.1", port: world.ports.dns)
      try socket.send(question.bytes)
      let bytes = try socket.receive()
      #expect(bytes.count <= 512)
      #expect(try DNSReply(bytes).isTruncated)
      #expect(bytes[10] == 0 && bytes[11] == 0, "additional records")
    }

    @Test func `many questions on one TCP connection are all answered`() throws {
      let world = try Self.world.get()
      let socket = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
      let ids = Array(UInt16(1)...100)
      try socket.send(
        ids.flatMap { id -> [UInt8] in
          var question = DNSQuestion("www.example.org", subnet: "133.11.0.1")
          question.id = id
          return UInt16(question.bytes.count).wire + question.bytes
        })
      var answered: Set<UInt16> = []
      for _ in ids {
        let length = try socket.receive(exactly: 2).reduce(0) { $0 << 8 | Int($1) }
        let reply = try DNSReply(socket.receive(exactly: length))
        #expect(reply.addresses == [world.address(of: "tokyo")])
        answered.insert(reply.id)
      }
      #expect(answered == Set(ids))
    }
  }
}
