import Answering
import Counters
import DNSWire
import Editions
import Places
import Routing
import Testing

@Suite struct ResponderTests {
  @Test func `a steered name's answer, byte by byte`() throws {
    let asker = Asker(edition: try World.edition())
    let question: [UInt8] =
      [3] + Array("WwW".utf8) + [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0]
      + [0, 1, 0, 1]
    let subnet: [UInt8] = [0, 8, 0, 7, 0, 1, 24, 0, 10, 2, 3]
    let answer = asker.ask(
      [0xAB, 0xCD, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 1] + question
        + [0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 11] + subnet)
    #expect(
      answer
        // id; QR AA RD; CD; one question, one answer, nothing, OPT
        == [0xAB, 0xCD, 0x85, 0x10, 0, 1, 0, 1, 0, 0, 0, 1] + question
        + [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1]
        // OPT: 1232 bytes, version 0, DO; the client subnet with its scope
        + [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 11] + [0, 8, 0, 7, 0, 1, 24, 15, 10, 2, 3])
  }

  @Test(
    arguments: [
      ("in 10/8, outside the exception", ecs(10, 2, 3, bits: 24), 1, 15),
      ("in the nested exception", ecs(10, 1, 3, bits: 24), 2, 16),
      ("beside 10/8", ecs(11, 0, 0, bits: 24), 3, 8),
      ("a source shorter than the scope", ecs(10, bits: 8), 1, 16),
      ("IPv6", ecs(0x20, 1, 0x0d, 0xb8, 0, 0, 0, bits: 56, family: 2), 1, 32),
      (
        "IPv4-mapped",
        ecs(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 1, bits: 120, family: 2), 2, 112
      ),
    ] as [(String, [UInt8], UInt8, UInt8)])
  func `the client subnet decides, and its scope is exact`(
    description: String, option: [UInt8], region: UInt8, scope: UInt8
  ) throws {
    let reply = try Asker(edition: try World.edition()).reply("www.example.org.", edns: option)
    #expect(reply.sections[0].map(\.data) == [[192, 0, 2, region]])
    var expected = Array(option[4...])
    expected[3] = scope
    #expect(reply.options?[8] == expected)
  }

  @Test func `with a source of 0 bits the source address decides, scope 0`() throws {
    var asker = Asker(edition: try World.edition())
    asker.source = .ipv4(0x0A01_0203)
    let reply = try asker.reply("www.example.org.", edns: ecs(bits: 0))
    #expect(reply.sections[0].map(\.data) == [[192, 0, 2, 2]])
    #expect(reply.options?[8] == [0, 1, 0, 0])
  }

  @Test func `without the use of client subnets they are ignored, even malformed ones`() throws {
    var asker = Asker(
      edition: try World.edition(rules: AnswerRules(usesClientSubnet: false)))
    asker.source = .ipv4(0x0A01_0203)
    for option in [ecs(10, 2, 3, bits: 24), ecs(10, bits: 24)] {
      let reply = try asker.reply("www.example.org.", edns: option)
      #expect(reply.sections[0].map(\.data) == [[192, 0, 2, 2]])
      #expect(reply.options == [:])
    }
  }

  @Test(arguments: [
    ("static", "ns1.example.org.", RecordType.a, 0),
    ("NXDOMAIN", "no.example.org.", .a, 3),
    ("NODATA", "ns1.example.org.", .aaaa, 0),
    ("another type of a steered name", "www.example.org.", .mx, 0),
    ("referral", "x.child.example.org.", .a, 0),
    ("REFUSED", "example.net.", .a, 5),
  ])
  func `what did not use the subnet says scope 0`(
    description: String, name: String, type: RecordType, code: Int
  ) throws {
    let asker = Asker(edition: try World.edition())
    let reply = try asker.reply(name, type, edns: ecs(10, 2, 3, bits: 24))
    #expect(reply.code == code)
    #expect(reply.options?[8] == [0, 1, 24, 0, 10, 2, 3])
    #expect(try asker.reply(name, type).options?[8] == nil)
    #expect(try asker.reply(name, type, edns: nil).options == nil)
  }

  @Test func `negative answers carry SOA with the lower of its TTL and its minimum`() throws {
    let asker = Asker(edition: try World.edition())
    for (name, type, code) in [
      ("a.b.example.org.", RecordType.a, 3), ("ns1.example.org.", .txt, 0),
    ] {
      let reply = try asker.reply(name, type)
      #expect(reply.code == code)
      #expect(reply.isAuthoritative)
      #expect(reply.sections[0].isEmpty)
      #expect(reply.sections[1].map(\.owner) == ["example.org."])
      #expect(reply.sections[1].map(\.type) == [6])
      #expect(reply.sections[1].map(\.ttlSeconds) == [60])
    }
    #expect(try asker.reply("example.org.", .soa).sections[0].map(\.ttlSeconds) == [3_600])
  }

  @Test func `aliases are followed, to steered names and out of the zone`() throws {
    let asker = Asker(edition: try World.edition())
    let steered = try asker.reply("Chain.example.org.", edns: ecs(10, 2, 3, bits: 24))
    #expect(
      steered.sections[0].map(\.owner)
        == ["Chain.example.org.", "alias.example.org.", "www.example.org."])
    #expect(steered.sections[0].map(\.type) == [5, 5, 1])
    #expect(steered.sections[0].last?.data == [192, 0, 2, 1])
    #expect(steered.options?[8]?[3] == 15)
    let gone = try asker.reply("gone.example.org.")
    #expect(gone.code == 3)
    #expect(gone.sections[0].map(\.type) == [5])
    #expect(gone.sections[1].map(\.owner) == ["example.org."])
    let far = try asker.reply("far.example.org.")
    #expect(far.code == 0)
    #expect(far.sections.map(\.count) == [1, 0, 0])
    #expect(try asker.reply("alias.example.org.", .cname).sections[0].count == 1)
  }

  @Test func `a referral has no AA, the servers and their glue`() throws {
    let reply = try Asker(edition: try World.edition()).reply("a.Child.example.org.")
    #expect(!reply.isAuthoritative)
    #expect(reply.sections[0].isEmpty)
    #expect(reply.sections[1].map(\.owner) == ["Child.example.org."])
    #expect(reply.sections[2].map(\.owner) == ["ns.child.example.org."])
  }

  @Test func `wildcards own their answers by the name that was asked`() throws {
    let asker = Asker(edition: try World.edition())
    #expect(
      try asker.reply("A.b.wild.example.org.", .txt).sections[0].map(\.owner) == [
        "A.b.wild.example.org."
      ])
    let steered = try asker.reply("x.CDN.example.org.", .aaaa, edns: ecs(10, 1, 0, bits: 24))
    #expect(steered.sections[0].map(\.owner) == ["x.CDN.example.org."])
    #expect(steered.sections[0].first?.data.last == 2)
    #expect(steered.options?[8]?[3] == 16)
  }

  @Test func `what is too long for UDP is truncated to nothing, OPT kept`() throws {
    var asker = Asker(edition: try World.edition())
    let packet = try query("big.example.org.", .txt, edns: [], payload: 512)
    let short = try Reply(asker.ask(packet))
    #expect(short.isTruncated)
    #expect(short.sections == [[], [], []])
    #expect(short.options == [:])
    #expect(try !asker.reply("big.example.org.", .txt).isTruncated)
    asker.edition = try World.edition(rules: AnswerRules(maximumUDPBytes: 600))
    #expect(try asker.reply("big.example.org.", .txt).isTruncated)
    asker.transport = .tcp
    #expect(try Reply(asker.ask(packet)).sections[0].count == 1)
  }

  @Test(
    arguments: [
      ("QR is set", [0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1], nil),
      ("eleven bytes", [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], nil),
      (
        "opcode 5", [0, 7, 0x29, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
        [0, 7, 0xA9, 4, 0, 0, 0, 0, 0, 0, 0, 0]
      ),
      (
        "no question", [0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 7, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0]
      ),
      (
        "class CH", [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 3],
        [0, 7, 0x81, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 3]
      ),
      (
        "AXFR", [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 252, 0, 1],
        [0, 7, 0x80, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 252, 0, 1]
      ),
      (
        "EDNS version 1",
        [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 41, 2, 0, 0, 1, 0, 0, 0, 0],
        [0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]
      ),
      (
        "a malformed client subnet",
        [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 8]
          + [0, 8, 0, 4, 0, 1, 24, 0],
        [0, 7, 0x80, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
      ),
    ] as [(String, [UInt8], [UInt8]?)])
  func `queries that are not looked up`(
    description: String, packet: [UInt8], answer: [UInt8]?
  ) throws {
    #expect(Asker(edition: try World.edition()).ask(packet) == answer ?? [])
  }

  @Test func `nothing is answered before the edition is ready`() throws {
    let asker = Asker(edition: try World.edition(isReady: false))
    #expect(asker.ask(try query("www.example.org.")).isEmpty)
  }

  @Test(
    arguments: [
      (LastResort.failOpen, 0, 1, [0, 0] + "no healthy region; serving last resort".utf8),
      (.failClosed, 2, 0, [0, 0] + "no healthy region".utf8),
      (.noData, 0, 0, [0, 0] + "no healthy region".utf8),
    ] as [(LastResort, Int, Int, [UInt8])])
  func `the last resort says so in an extended error`(
    onAllDown: LastResort, code: Int, answerCount: Int, error: [UInt8]
  ) throws {
    let asker = Asker(edition: try World.edition(health: .unhealthy, onAllDown: onAllDown))
    let reply = try asker.reply("www.example.org.", edns: ecs(10, 1, 3, bits: 24))
    #expect(reply.code == code)
    #expect(reply.sections[0].count == answerCount)
    #expect(reply.options?[15] == error)
    #expect(reply.options?[8]?[3] == 16)
    #expect(try asker.reply("www.example.org.", edns: nil).options == nil)
    #expect(
      try asker.reply("alias.example.org.").sections[0].count == (code == 2 ? 0 : 1 + answerCount))
  }

  @Test func `clients that the fences leave nothing get SERVFAIL and code 18`() throws {
    let reply = try Asker(edition: try World.edition()).reply("fenced.example.org.")
    #expect(reply.code == 2)
    #expect(reply.options?[15] == [0, 18] + Array("no region inside the fence".utf8))
  }

  @Test func `every query is counted by its outcome`() throws {
    let asker = Asker(edition: try World.edition())
    for name in ["www.example.org.", "www.example.org.", "no.example.org.", "x.net."] {
      _ = try asker.reply(name)
    }
    _ = asker.ask([1, 2, 3])
    let sums = asker.board.sums().reduce(into: [String: UInt64]()) { result, sum in
      let labels = sum.series.labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
      result["\(sum.series.name){\(labels)}"] = sum.value
    }
    #expect(sums["azimuth_dns_queries_total{transport=udp}"] == 5)
    #expect(sums["azimuth_dns_answers_total{transport=udp,rcode=NOERROR}"] == 2)
    #expect(sums["azimuth_dns_answers_total{transport=udp,rcode=NXDOMAIN}"] == 1)
    #expect(sums["azimuth_dns_answers_total{transport=udp,rcode=REFUSED}"] == 1)
    #expect(sums["azimuth_dns_dropped_total{transport=udp,reason=too_short}"] == 1)
    let steered = "service=web,policy=nearest,region=r2,reason=preferred"
    #expect(sums["azimuth_dns_steered_total{\(steered)}"] == 2)
  }
}
