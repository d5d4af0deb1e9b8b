import DNSWire
import Editions
import Places
import Routing
import Testing

@Suite struct `Steered CNAMEs (RFC 1034 §3.6.2)` {
  @Test(arguments: [
    RecordType.a, .aaaa, .cname, .mx, .txt, .https, .any, RecordType(rawValue: 65_280),
  ])
  func `are the answer to every type, with an exact scope`(type: RecordType) throws {
    let reply = try Asker(edition: try NamesWorld.edition())
      .reply("cdn.example.org.", type, edns: clients[0])
    #expect(reply.code == 0 && reply.isAuthoritative)
    #expect(reply.sections[0].map(\.type) == [5])
    #expect(reply.sections[0][0].data == (try DomainName("a.cdn.example.net.").wire))
    #expect(reply.sections[0][0].ttlSeconds == 30)
    #expect(reply.sections[1].isEmpty)
    #expect(reply.options?[8]?[3] == 15)
  }

  @Test func `are followed through static names of our zones`() throws {
    let asker = Asker(edition: try NamesWorld.edition())
    let reply = try asker.reply("cdn.example.org.", .a, edns: clients[1])
    #expect(reply.sections[0].map(\.type) == [5, 5, 1])
    #expect(
      reply.sections[0].map(\.owner) == [
        "cdn.example.org.", "chain.example.org.", "fixed.example.org.",
      ])
    #expect(reply.sections[0][2].data == [192, 0, 2, 99])
    #expect(reply.options?[8]?[3] == 16)
    #expect(try asker.reply("cdn.example.org.", .cname, edns: clients[1]).sections[0].count == 1)
  }

  @Test func `are not followed into another policy, whose scope is its own (RFC 7871 §7.2.1)`()
    throws
  {
    let reply = try Asker(edition: try NamesWorld.edition())
      .reply("cdn.example.org.", .a, edns: clients[2])
    #expect(reply.sections[0].map(\.type) == [5])
    #expect(reply.sections[0][0].data == (try DomainName("web.example.org.").wire))
  }

  @Test(arguments: [
    ("no such type", "svc.example.org.", RecordType.aaaa), ("no such name", "no.example.org.", .a),
    ("not ours", "example.net.", .a),
  ])
  func `never make a name or type missing for some clients only (RFC 7871 §7.4)`(
    description: String, target: String, type: RecordType
  ) throws {
    let edition = try NamesWorld.edition(cname: [target, target, target])
    let reply = try Asker(edition: edition).reply("cdn.example.org.", type, edns: clients[0])
    #expect(reply.code == 0)
    #expect(reply.sections[0].map(\.type) == [5])
    #expect(reply.sections[1].isEmpty)
  }

  @Test func `stand under wildcards and behind static aliases`() throws {
    let asker = Asker(edition: try NamesWorld.edition())
    let wild = try asker.reply("x.wild.example.org.", .a, edns: clients[0])
    #expect(wild.sections[0].map(\.owner) == ["x.wild.example.org."])
    let behind = try asker.reply("alias.example.org.", .a, edns: clients[1])
    #expect(behind.sections[0].map(\.type) == [5, 5, 5, 1])
    #expect(behind.options?[8]?[3] == 16)
  }

  @Test func `heed an operator's word on a region without endpoints`() throws {
    let edition = try NamesWorld.edition(regionOverrides: [.down])
    let reply = try Asker(edition: edition).reply("cdn.example.org.", .cname, edns: clients[0])
    #expect(reply.sections[0][0].data != (try DomainName("a.cdn.example.net.").wire))
    #expect(reply.options?[15] == nil)
  }

  @Test(arguments: [(LastResort.failClosed, 2), (.failOpen, 2), (.noData, 0)])
  func `fail by what on_all_down says, with the reason (RFC 8914 §4.1)`(
    resort: LastResort, code: Int
  ) throws {
    let edition = try NamesWorld.edition(
      onAllDown: resort, regionOverrides: [.down, .drain, .down])
    let reply = try Asker(edition: edition).reply("cdn.example.org.", .a, edns: clients[1])
    #expect(reply.code == code)
    #expect(reply.sections[0].isEmpty)
    #expect(reply.options?[15] == [0, 0] + Array("no healthy region".utf8))
    #expect(reply.options?[8]?[3] == 16)
  }
}

@Suite struct `The addresses of names that serve` {
  @Test func `are answered in their place, at the apex too, with what is left of their life`()
    throws
  {
    let asker = Asker(edition: try NamesWorld.edition())
    for name in ["own.example.org.", "example.org."] {
      let reply = try asker.reply(name, .a, edns: clients[0])
      #expect(reply.sections[0].map(\.data) == [[198, 51, 100, 1], [198, 51, 100, 2]])
      #expect(reply.sections[0].allSatisfy { $0.ttlSeconds == 20 && $0.type == 1 })
      #expect(reply.options?[8]?[3] == 15)
      #expect(reply.options?[15] == nil)
    }
    let none = try asker.reply("own.example.org.", .aaaa, edns: clients[0])
    #expect(none.code == 0 && none.sections[0].isEmpty && none.sections[1].map(\.type) == [6])
  }

  @Test func `are read from our own zones where they are ours, aliases followed`() throws {
    let asker = Asker(edition: try NamesWorld.edition(resolved: .none))
    let ipv4 = try asker.reply("own.example.org.", .a, edns: clients[1])
    #expect(ipv4.sections[0].map(\.data) == [[192, 0, 2, 99]])
    #expect(ipv4.sections[0].map(\.ttlSeconds) == [30], "the service's, which is shorter")
    let ipv6 = try asker.reply("own.example.org.", .aaaa, edns: clients[1])
    #expect(ipv6.sections[0][0].data.suffix(1) == [0x99])
  }

  @Test func `that are stale are served and said to be (RFC 8914 §4.4)`() throws {
    let reply = try Asker(edition: try NamesWorld.edition())
      .reply("own.example.org.", .a, edns: clients[2])
    #expect(reply.sections[0].map(\.data) == [[198, 51, 100, 3]])
    #expect(
      reply.options?[15] == [0, 3] + Array("older than it should be".utf8))
  }

  @Test func `that are not known yet are SERVFAIL and not ready (RFC 8914 §4.15)`() throws {
    let reply = try Asker(edition: try NamesWorld.edition())
      .reply("own.example.org.", .aaaa, edns: clients[2])
    #expect(reply.code == 2 && reply.sections.allSatisfy { $0.isEmpty } && !reply.isAuthoritative)
    #expect(reply.options?[15] == [0, 14] + Array("not known yet".utf8))
  }

  @Test func `are wanted from elsewhere only where they are not ours`() throws {
    let edition = try NamesWorld.edition()
    let names = Set(edition.wantedNames.map { DomainName(wire: $0.name)?.description })
    #expect(names == ["a.example.net.", "c.example.net."])
    #expect(edition.wantedNames.count == 4)
  }
}
