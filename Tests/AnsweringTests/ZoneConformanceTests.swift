import Answering
import DNSWire
import Testing

/// Negative answers, wildcards, delegations and aliases: see docs/conformance.md.
@Suite struct `Conformance of answers from zones` {
  private func asker() throws -> Asker { Asker(edition: try World.edition()) }

  @Test(arguments: [("no.example.org.", 3), ("ns1.example.org.", 0), ("_tcp.example.org.", 0)])
  func `RFC 2308 §3: a negative answer has SOA, its TTL the lower of its own and its minimum`(
    name: String, code: Int
  ) throws {
    let reply = try asker().reply(name, .mx)
    #expect(reply.code == code && reply.isAuthoritative && reply.sections[0].isEmpty)
    #expect(reply.sections[1].map(\.owner) == ["example.org."])
    #expect(reply.sections[1].map(\.ttlSeconds) == [60])
  }

  @Test(
    arguments: [
      ("_tcp", 0), ("wild", 0), ("cdn", 0), ("x._tcp", 3), ("x.ns1", 3), ("a.b.c", 3),
      ("x.host.wild", 3),
    ])
  func `RFC 8020 §2: NXDOMAIN only where there is nothing below`(name: String, code: Int) throws {
    let reply = try asker().reply("\(name).example.org.", .mx)
    #expect(reply.code == code && reply.sections[0].isEmpty)
  }

  @Test(
    arguments: [
      ("x.wild", 1, 0), ("a.b.c.wild", 1, 0),
      ("wild", 0, 0), ("host.wild", 0, 0), ("x.host.wild", 0, 3), ("*.wild", 1, 0),
    ])
  func `RFC 4592 §3.3.1: a wildcard stands for names of its closest encloser that are not there`(
    name: String, count: Int, code: Int
  ) throws {
    let reply = try asker().reply("\(name).example.org.", .txt)
    #expect(reply.sections[0].count == count && reply.code == code)
    #expect(reply.sections[0].allSatisfy { $0.owner == "\(name).example.org." })
  }

  @Test func `RFC 4592 §2.2.1: of a type that the wildcard has not there is NODATA`() throws {
    let reply = try asker().reply("x.wild.example.org.", .a)
    #expect(reply.code == 0 && reply.sections.map(\.count) == [0, 1, 0])
  }

  @Test func `RFC 4592 §3.3: a steered wildcard is decided for each query`() throws {
    let asker = try asker()
    for (option, region) in [(ecs(10, 1, 3, bits: 24), 2), (ecs(10, 2, 3, bits: 24), 1)] {
      for name in ["x.cdn.example.org.", "a.b.cdn.example.org."] {
        let reply = try asker.reply(name, edns: option)
        #expect(reply.sections[0].map(\.data) == [[192, 0, 2, UInt8(region)]])
        #expect(reply.sections[0].map(\.owner) == [name])
      }
    }
  }

  @Test func `RFC 6604 §3: the code is that of the last name of a chain`() throws {
    let gone = try asker().reply("gone.example.org.")
    #expect(gone.code == 3 && gone.isAuthoritative)
    #expect(gone.sections[0].map(\.type) == [5] && gone.sections[1].map(\.type) == [6])
    let found = try asker().reply("chain.example.org.")
    #expect(found.code == 0 && found.sections[0].map(\.type) == [5, 5, 1])
    let leaving = try asker().reply("far.example.org.")
    #expect(leaving.code == 0 && leaving.sections.map(\.count) == [1, 0, 0])
  }

  @Test(arguments: ["child.example.org.", "x.child.example.org.", "a.b.child.example.org."])
  func `RFC 1034 §4.3.2: a referral has the servers in authority, glue, and no AA`(
    name: String
  ) throws {
    for type in [RecordType.a, .ns, .soa, .any] {
      let reply = try asker().reply(name, type)
      #expect(reply.code == 0 && !reply.isAuthoritative)
      #expect(reply.sections.map(\.count) == [0, 1, 1])
      #expect(reply.sections[1].map(\.owner) == ["child.example.org."])
    }
  }

  @Test func `RFC 9471 §3.1: glue that does not fit means TC, and over TCP it is all there`() throws
  {
    var asker = try asker()
    let short = try asker.reply("x.wide.example.org.")
    #expect(short.isTruncated && short.sections == [[], [], []] && short.options != nil)
    asker.transport = .tcp
    let whole = try asker.reply("x.wide.example.org.")
    #expect(!whole.isTruncated && whole.sections.map(\.count) == [0, 30, 30])
  }

  @Test(arguments: [("a", "inner.example.org."), ("ds", "example.org.")])
  func `RFC 4035 §3.1.4.1: of a zone inside another one, DS is the outer one's matter`(
    type: String, zone: String
  ) throws {
    let reply = try asker().reply("inner.example.org.", type == "a" ? .a : .ds)
    #expect(reply.code == 0 && reply.isAuthoritative)
    #expect(reply.sections[1].map(\.owner) == [zone])
    #expect(try asker().reply("no.inner.example.org.").sections[1].map(\.ttlSeconds) == [5])
  }

  @Test(arguments: ["expired.example.", "www.expired.example."])
  func `RFC 1034 §4.3.5: of a zone that has expired there is SERVFAIL, not that it is empty`(
    name: String
  ) throws {
    let reply = try asker().reply(name)
    #expect(reply.code == 2 && !reply.isAuthoritative && reply.sections == [[], [], []])
  }

  // MARK: DNAME

  @Test func `RFC 6672 §2.2, §3.2: below a DNAME names are found elsewhere, by a CNAME like it`()
    throws
  {
    let reply = try asker().reply("a.B.moved.example.org.", .txt)
    #expect(reply.code == 0 && reply.isAuthoritative)
    #expect(reply.sections[0].map(\.type) == [39, 5, 16])
    #expect(
      reply.sections[0].map(\.owner)
        == ["moved.example.org.", "a.B.moved.example.org.", "a.B.wild.example.org."])
    #expect(Set(reply.sections[0].prefix(2).map(\.ttlSeconds)).count == 1)
    let through = try asker().reply("through.example.org.", .txt)
    #expect(through.sections[0].map(\.type) == [5, 39, 5, 16])
    let leaving = try asker().reply("x.away.example.org.")
    #expect(leaving.code == 0 && leaving.sections.map(\.count) == [2, 0, 0])
  }

  @Test func `RFC 6672 §2.3: the owner of a DNAME is not redirected`() throws {
    let reply = try asker().reply("moved.example.org.", .txt)
    #expect(reply.code == 0 && reply.sections.map(\.count) == [0, 1, 0])
    #expect(try asker().reply("moved.example.org.", .dname).sections[0].map(\.type) == [39])
  }

  @Test func `RFC 6672 §3.2: behind a DNAME steering decides, with its scope`() throws {
    let reply = try asker().reply("x.steered.example.org.", edns: ecs(10, 1, 3, bits: 24))
    #expect(reply.sections[0].map(\.type) == [39, 5, 1])
    #expect(reply.sections[0].last?.data == [192, 0, 2, 2] && reply.options?[8]?[3] == 16)
  }

  @Test func `RFC 6672 §2.2: a name that becomes too long is YXDOMAIN`() throws {
    #expect(try asker().reply("x.long.example.org.").code == 0)
    let reply = try asker().reply("abcdefghijkl.long.example.org.")
    #expect(reply.code == 6 && reply.sections[0].map(\.type) == [39])
  }

  @Test func `RFC 6672 §3.2: a DNAME that leads in a circle ends`() throws {
    let reply = try asker().reply("x.round.example.org.")
    #expect((1...20).contains(reply.sections[0].count))
  }
}
