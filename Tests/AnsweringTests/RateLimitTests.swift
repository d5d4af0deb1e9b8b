import Answering
import Cookies
import Counters
import Editions
import Places
import RateLimiting
import Testing

/// What floods get: forged queries cannot bury whoever's address they bear, and a real client that
/// shares that address still gets through.
@Suite struct `Answers above the rate` {
  static let secrets = CookieSecrets(active: CookieSecret(low: 1, high: 2))

  private func asker(
    answers: Int = 10, nameErrors: Int = 10, errors: Int = 10, slip: Int = 0,
    isDryRun: Bool = false, cookies: CookieSecrets? = secrets, unlimited: [AddressPrefix] = []
  ) throws -> Asker {
    Asker(
      edition: try World.edition(
        rules: AnswerRules(
          identity: Array("fra-1".utf8), cookies: cookies,
          rateLimits: RateLimits(
            rates: .init(answers: answers, nameErrors: nameErrors, errors: errors), slip: slip,
            isDryRun: isDryRun),
          unlimited: unlimited)))
  }

  private func option(_ code: UInt8, _ data: [UInt8]) -> [UInt8] {
    [0, code, 0, UInt8(data.count)] + data
  }

  /// What a thread that goes on answering sends for each of so many equal queries, in one moment.
  private func flood(_ asker: Asker, _ packet: [UInt8], count: Int = 50) -> [[UInt8]] {
    var responder = asker.responder()
    return (0..<count).map { _ in
      var buffer = packet + Array(repeating: 0, count: 2_000)
      let byteCount = asker.answer(&buffer, packet.count, &responder)
      return Array(buffer[..<byteCount])
    }
  }

  private func sentCount(_ asker: Asker, _ packet: [UInt8]) -> Int {
    flood(asker, packet).count { !$0.isEmpty }
  }

  private func counted(_ asker: Asker, kind: String, action: String) -> UInt64 {
    asker.board.sums()
      .filter { sum in
        sum.series.name == "azimuth_dns_rate_limited_total"
          && sum.series.labels.contains(.init("kind", kind))
          && sum.series.labels.contains(.init("action", action))
      }
      .reduce(0) { $0 + $1.value }
  }

  @Test func `each class has its own rate: answers, names that do not exist, errors`() throws {
    let asker = try asker(answers: 10, nameErrors: 5, errors: 2)
    let classes: [(kind: String, packet: [UInt8], rate: Int)] = [
      ("answers", try query("www.example.org."), 10),
      ("nxdomain", try query("nothing.example.org."), 5),
      ("errors", try query("example.net."), 2),
    ]
    for (kind, packet, rate) in classes {
      let sent = sentCount(asker, packet)
      #expect((rate...rate + 1).contains(sent), "\(kind): \(sent)")
      #expect(counted(asker, kind: kind, action: "dropped") == UInt64(50 - sent))
    }
  }

  @Test(
    arguments: [
      ("a steered name", "www.example.org."), ("a record", "ns1.example.org."),
      ("no data", "big.example.org."), ("a referral", "x.child.example.org."),
    ])
  func `records, referrals and no data share the class of answers`(
    description: String, name: String
  ) throws {
    let asker = try asker(nameErrors: 0, errors: 0)
    #expect((10...11).contains(sentCount(asker, try query(name))))
    #expect(sentCount(asker, try query("alias.example.org.")) == 0)
  }

  @Test func `what cannot be read counts as an error, a response is never answered`() throws {
    let asker = try asker(errors: 3)
    var packet = try query("www.example.org.", edns: nil)
    packet[5] = 2
    #expect((3...4).contains(sentCount(asker, packet)))
    packet[2] |= 0x80
    #expect(sentCount(asker, packet) == 0)
    #expect(counted(asker, kind: "errors", action: "dropped") > 0)
  }

  @Test(arguments: [0, 1, 2, 3])
  func `every slip-th limited answer is an empty one with TC, 0 is none`(slip: Int) throws {
    let asker = try asker(slip: slip)
    let sent = flood(asker, try query("www.example.org.", edns: option(3, [])), count: 112)
    let full = try sent.filter { try !$0.isEmpty && !Reply($0).isTruncated }
    #expect((10...11).contains(full.count))
    let slipped = try sent.filter { try !$0.isEmpty && Reply($0).isTruncated }
    let limitedCount = 112 - full.count
    #expect(slipped.count == (slip == 0 ? 0 : limitedCount / slip))
    for bytes in slipped {
      let reply = try Reply(bytes)
      #expect(reply.sections == [[], [], []] && reply.code == 0)
      #expect(reply.options?[3] == Array("fra-1".utf8))
    }
    #expect(counted(asker, kind: "answers", action: "slipped") == UInt64(slipped.count))
  }

  @Test func `a slipped answer is no larger than its query but for the options asked for`() throws {
    let asker = try asker(answers: 1, slip: 1)
    let packet = try query("www.example.org.")
    let slipped = try #require(flood(asker, packet).last)
    #expect(!slipped.isEmpty && slipped.count <= packet.count)
  }

  /// RFC 7873 §5.2.3: the answer tells a real client its cookie, with which it asks again at once.
  @Test
  func `RFC 7873 §5.2.3: who sent a client cookie slips with BADCOOKIE, and then gets through`()
    throws
  {
    let asker = try asker(answers: 1, slip: 1)
    let client: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    let packet = try query("www.example.org.", edns: option(10, client))
    let refused = try Reply(try #require(flood(asker, packet).last))
    #expect(refused.code == 23 && !refused.isTruncated && refused.sections == [[], [], []])
    #expect(!refused.isAuthoritative)
    let cookie = try #require(refused.options?[10])
    let proven = try query("www.example.org.", edns: option(10, cookie))
    let answers = try flood(asker, proven, count: 1_000).map(Reply.init)
    #expect(answers.allSatisfy { $0.code == 0 && $0.sections[0].count == 1 })
  }

  @Test func `a cookie that is not ours exempts nobody`() throws {
    let asker = try asker(slip: 0)
    let forged = try query(
      "www.example.org.", edns: option(10, Array(repeating: 9, count: 24)))
    #expect((10...11).contains(sentCount(asker, forged)))
  }

  @Test func `without cookies the slip is TC whatever the client sends`() throws {
    let asker = try asker(slip: 1, cookies: nil)
    let packet = try query("www.example.org.", edns: option(10, [1, 2, 3, 4, 5, 6, 7, 8]))
    let last = try Reply(try #require(flood(asker, packet).last))
    #expect(last.isTruncated && last.code == 0 && last.options?[10] == nil)
  }

  @Test(arguments: [Responder.Transport.tcp, .tls])
  func `who has a connection is not limited`(transport: Responder.Transport) throws {
    var asker = try asker(answers: 1)
    asker.transport = transport
    #expect(sentCount(asker, try query("www.example.org.")) == 50)
  }

  @Test func `RFC 7871 §11.1: the client subnet is never the key, the sender is`() throws {
    var asker = try asker()
    let subnets = try (0..<50).map { index in
      try query("www.example.org.", edns: ecs(10, 1, UInt8(index), bits: 24))
    }
    var responder = asker.responder()
    let sent = subnets.count { packet in
      var buffer = packet + Array(repeating: 0, count: 2_000)
      return asker.answer(&buffer, packet.count, &responder) > 0
    }
    #expect((10...11).contains(sent))
    asker.source = .ipv4(0xCB00_7201)
    #expect(sentCount(asker, subnets[0]) > 0, "another /24 has its own rate")
  }

  @Test func `a dry run counts and limits nothing`() throws {
    let asker = try asker(isDryRun: true)
    #expect(sentCount(asker, try query("www.example.org.")) == 50)
    #expect((39...40).contains(counted(asker, kind: "answers", action: "dry_run")))
    #expect(counted(asker, kind: "answers", action: "dropped") == 0)
  }

  @Test func `who is on the list is never limited`() throws {
    var asker = try asker(unlimited: [AddressPrefix(ipv4: 0xCB00_7100, length: 24)])
    let packets = [try query("www.example.org."), Array(try query(".").prefix(12))]
    for packet in packets { #expect(sentCount(asker, packet) == 50) }
    asker.source = .ipv4(0xCB00_7201)
    for packet in packets { #expect(sentCount(asker, packet) < 50) }
  }

  @Test func `a second later there is room again`() throws {
    var asker = try asker()
    let packet = try query("www.example.org.")
    #expect((10...11).contains(sentCount(asker, packet)))
    asker.nowMicroseconds += 1_000_000
    #expect((9...11).contains(sentCount(asker, packet)))
  }

  @Test func `all threads together stay within one rate`() throws {
    let asker = try asker()
    let packet = try query("www.example.org.")
    #expect((10...11).contains(sentCount(asker, packet) + sentCount(asker, packet)))
  }
}
