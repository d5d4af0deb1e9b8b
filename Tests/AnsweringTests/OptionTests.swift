import Answering
import Cookies
import Counters
import DNSWire
import Editions
import Places
import RateLimiting
import Testing

/// What goes into OPT beside the client subnet, and the questions about this server itself.
@Suite struct `Options of EDNS` {
  static let secrets = CookieSecrets(active: CookieSecret(low: 1, high: 2))

  private func asker(
    identity: String = "", version: String = "", cookies: CookieSecrets? = secrets,
    rateLimits: RateLimits? = nil, unlimited: [AddressPrefix] = []
  ) throws -> Asker {
    Asker(
      edition: try World.edition(
        rules: AnswerRules(
          identity: Array(identity.utf8), version: Array(version.utf8), cookies: cookies,
          rateLimits: rateLimits, unlimited: unlimited)))
  }

  private func option(_ code: UInt8, _ data: [UInt8] = []) -> [UInt8] {
    [0, code, 0, UInt8(data.count)] + data
  }

  // MARK: NSID, id.server, version.bind

  @Test func `RFC 5001 §2.1: the identity is told who asks for it, and only if there is one`()
    throws
  {
    let asker = try asker(identity: "fra-1")
    #expect(try asker.reply("www.example.org.", edns: option(3)).options?[3] == Array("fra-1".utf8))
    #expect(try asker.reply("www.example.org.").options?[3] == nil)
    #expect(try self.asker().reply("www.example.org.", edns: option(3)).options == [:])
  }

  @Test(
    arguments: [
      ("id.server.", "fra-1"), ("ID.Server.", "fra-1"), ("hostname.bind.", "fra-1"),
      ("version.bind.", "Azimuth"), ("version.server.", "Azimuth"), ("authors.bind.", nil),
    ] as [(String, String?)])
  func `RFC 4892 §2: names of class CH`(name: String, text: String?) throws {
    var packet = try query(name, .txt)
    packet[12 + (try DNSWireName(name)) + 3] = 3
    let reply = try Reply(try asker(identity: "fra-1", version: "Azimuth").ask(packet))
    #expect(reply.code == (text == nil ? 5 : 0))
    #expect(
      reply.sections[0].map(\.data) == (text.map { [[UInt8($0.utf8.count)] + $0.utf8] } ?? []))
    #expect(reply.sections[0].allSatisfy { $0.ttlSeconds == 0 })
    #expect(try Reply(try asker().ask(packet)).code == 5, "nothing is told by default")
  }

  /// The length of a name.
  private func DNSWireName(_ name: String) throws -> Int { try DomainName(name).wire.count }

  // MARK: cookies

  @Test func `RFC 7873 §5.2.3: who sends a client cookie gets it back with one of ours`() throws {
    let client: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    let asker = try asker()
    let first = try #require(
      try asker.reply("www.example.org.", edns: option(10, client)).options?[10])
    #expect(first.count == 24 && Array(first[..<8]) == client)
    #expect(first[8..<12] == [1, 0, 0, 0])
    let second = try asker.reply("www.example.org.", edns: option(10, first))
    #expect(second.code == 0 && second.options?[10] == first)
  }

  @Test(arguments: [0, 7, 9, 15, 41])
  func `RFC 7873 §5.2.2: a cookie of a length that none has is FORMERR`(count: Int) throws {
    let edns = option(10, Array(repeating: 1, count: count))
    #expect(try asker().reply("www.example.org.", edns: edns).code == 1)
    #expect(try asker(cookies: nil).reply("www.example.org.", edns: edns).code == 0)
  }

  @Test(arguments: [16, 23, 25, 40])
  func `RFC 7873 §5.2.3: a server cookie that is not ours is replaced`(count: Int) throws {
    let reply = try asker().reply(
      "www.example.org.", edns: option(10, Array(repeating: 1, count: count)))
    #expect(reply.code == 0 && reply.options?[10]?.count == 24)
  }

  @Test func `RFC 7873 §5.2: of two cookies the second is ignored`() throws {
    let reply = try asker().reply(
      "www.example.org.", edns: option(10, Array(repeating: 1, count: 8)) + option(10, [1]))
    #expect(reply.code == 0 && reply.options?[10]?.prefix(8) == Array(repeating: 1, count: 8)[...])
  }

  @Test func `RFC 7873 §5.4: without a question, a cookie is renewed or confirmed`() throws {
    let head: [UInt8] = [0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    func packet(_ options: [UInt8]) -> [UInt8] {
      head + [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, UInt8(options.count)] + options
    }
    let asker = try asker()
    let client = Array(repeating: UInt8(7), count: 8)
    let first = try Reply(asker.ask(packet(option(10, client))))
    #expect(first.code == 0 && first.sections == [[], [], []])
    #expect(first.bytes[4..<6] == [0, 0])
    let cookie = try #require(first.options?[10])
    #expect(try Reply(asker.ask(packet(option(10, cookie)))).code == 0)
    let foreign = try Reply(asker.ask(packet(option(10, client + client + client))))
    #expect(foreign.code == 23 && foreign.options?[10]?.count == 24)
    #expect(try Reply(asker.ask(packet(option(3)))).code == 1, "no cookie: RFC 9619 §4")
    #expect(asker.ask(head[..<11] + [0])[3] == 1)
  }

  // MARK: keepalive, padding, the zone's version

  @Test func `RFC 7828 §3.2.2: the keepalive is told over TCP only, and only who asks`() throws {
    var asker = try asker()
    asker.keepaliveTenths = 100
    #expect(try asker.reply("www.example.org.", edns: option(11)).options?[11] == nil)
    asker.transport = .tcp
    #expect(try asker.reply("www.example.org.", edns: option(11)).options?[11] == [0, 100])
    #expect(try asker.reply("www.example.org.").options?[11] == nil)
  }

  @Test(arguments: [Responder.Transport.udp, .tcp, .tls])
  func `RFC 8467 §4.1: answers to padded queries are padded to 468 bytes, under TLS only`(
    transport: Responder.Transport
  ) throws {
    var asker = try asker()
    asker.transport = transport
    let padded = try asker.reply("www.example.org.", edns: option(12, [0, 0, 0]))
    #expect((padded.bytes.count == 468) == (transport == .tls))
    #expect(padded.options?[12]?.allSatisfy { $0 == 0 } ?? true)
    let long = try asker.reply("big.example.org.", .txt, edns: option(12))
    #expect((long.bytes.count % 468 == 0) == (transport == .tls))
    #expect(try asker.reply("www.example.org.").options?[12] == nil)
  }

  @Test func `RFC 9660 §3.2: the version is the serial of the zone that answers`() throws {
    let asker = try asker()
    for name in ["www.example.org.", "ns1.example.org.", "nothing.example.org."] {
      #expect(try asker.reply(name, edns: option(19)).options?[19] == [2, 0, 0, 0, 0, 1])
    }
    #expect(try asker.reply("www.example.net.", edns: option(19)).options?[19] == nil)
  }

  @Test func `RFC 6891 §6.1.2: options that nobody knows are passed over`() throws {
    let reply = try asker().reply("www.example.org.", edns: [0xFD, 0xE9, 0, 2, 1, 2])
    #expect(reply.code == 0 && reply.options == [:])
  }

  @Test func `RFC 6891 §7: all options stay when records go`() throws {
    let edns = option(3) + option(10, Array(repeating: 1, count: 8)) + option(19)
    var asker = try asker(identity: String(repeating: "n", count: 255))
    let packet = try query("big.example.org.", .txt, edns: edns, payload: 512)
    let reply = try Reply(asker.ask(packet))
    #expect(reply.isTruncated && reply.bytes.count <= 512)
    #expect(Set(reply.options?.keys ?? [:].keys) == [3, 10, 19])
    asker.transport = .tcp
    #expect(try !Reply(asker.ask(packet)).isTruncated)
  }

  // MARK: extended errors

  @Test(
    arguments: [
      ("a name of nobody's", "example.net.", RecordType.a, 5, 20),
      ("a transfer", "example.org.", .axfr, 5, 18), ("a meta type", "example.org.", .tsig, 1, 30),
      ("RFC 9824 §3.5", "example.org.", RecordType(rawValue: 128), 1, 30),
    ] as [(String, String, RecordType, Int, UInt8)])
  func `RFC 8914 §4: refusals say why, to those who speak EDNS`(
    description: String, name: String, type: RecordType, code: Int, error: UInt8
  ) throws {
    let reply = try asker().reply(name, type)
    #expect(reply.code == code)
    #expect(reply.options?[15]?.prefix(2) == [0, error])
    #expect(try asker().reply(name, type, edns: nil).options == nil)
  }

  // MARK: handing over

  @Test(arguments: ["AXFR", "IXFR", "NOTIFY", "TSIG"])
  func `what is for others is handed over as it came, or refused`(kind: String) throws {
    var packet = try query("example.org.", edns: nil)
    let type = 12 + 13
    switch kind {
    case "AXFR": packet[type + 1] = 252
    case "IXFR": packet[type + 1] = 251
    case "NOTIFY": packet[2] = 0x20
    default:
      packet[11] = 1
      packet += [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0]
    }
    var asker = try asker()
    #expect(asker.ask(packet)[3] & 15 == (kind == "NOTIFY" ? 4 : kind == "TSIG" ? 0 : 5))
    asker.handsOverUncommon = true
    #expect(asker.disposal(packet) == .uncommon)
  }

  @Test func `RFC 8945 §5.1: a signature that is not the last record is FORMERR`() throws {
    var packet = try query("example.org.", edns: nil)
    packet[11] = 2
    packet += [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0] + [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
    #expect(try asker().ask(packet)[3] & 15 == 1)
  }
}
