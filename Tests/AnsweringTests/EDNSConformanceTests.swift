import Answering
import DNSWire
import Editions
import Testing

/// EDNS, sizes and the client subnet: see docs/conformance.md.
@Suite struct `Conformance of EDNS` {
  private func asker(_ rules: AnswerRules = AnswerRules()) throws -> Asker {
    Asker(edition: try World.edition(rules: rules))
  }

  /// Of type, class, TTL and length; its owner and data are others'.
  private static let opt: [UInt8] = [0, 41, 4, 208, 0, 0, 0, 0, 0, 0]

  @Test(
    arguments: [
      ("two", [0] + opt + [0] + opt, [0, 0, 2]),
      ("of another owner", [1, 97, 0] + opt, [0, 0, 1]),
      ("in the answer section", [0] + opt, [1, 0, 0]), ("in authority", [0] + opt, [0, 1, 0]),
    ] as [(String, [UInt8], [UInt8])])
  func `RFC 6891 §6.1.1, §6.1.2: one OPT, of the root, in the additional section`(
    description: String, records: [UInt8], counts: [UInt8]
  ) throws {
    var packet = try query("www.example.org.", edns: nil) + records
    (packet[7], packet[9], packet[11]) = (counts[0], counts[1], counts[2])
    #expect(try Reply(asker().ask(packet)).code == 1)
  }

  @Test(arguments: [0, 511, 512, 700, 1_232, 4_096, 65_535] as [UInt16])
  func `RFC 6891 §6.2.3: the size that the client can take; below 512 is 512`(
    payload: UInt16
  ) throws {
    for (name, byteCount) in [("big", 1_060), ("huge", 2_100)] {
      let packet = try query("\(name).example.org.", .txt, payload: payload)
      let answer = try asker(AnswerRules(maximumUDPBytes: 4_096)).ask(packet)
      #expect(answer.count <= max(512, payload))
      #expect(try Reply(answer).isTruncated == (byteCount > payload), "\(answer.count)")
    }
  }

  @Test func `RFC 6891 §7: who speaks no EDNS gets no OPT, and 512 bytes at most`() throws {
    for name in ["www", "no", "big", "huge", "x.child"] {
      let answer = try asker().ask(query("\(name).example.org.", .txt, edns: nil))
      #expect(try Reply(answer).options == nil && answer.count <= 512)
    }
  }

  @Test func `RFC 9715 §3.1: 1232 bytes are the most over UDP, unless the operator says more`()
    throws
  {
    let packet = try query("huge.example.org.", .txt, payload: 4_096)
    let short = try Reply(asker().ask(packet))
    #expect(short.isTruncated && short.sections == [[], [], []] && short.options == [:])
    let whole = try Reply(asker(AnswerRules(maximumUDPBytes: 4_096)).ask(packet))
    #expect(!whole.isTruncated && whole.sections[0].count == 1)
  }

  @Test(arguments: [1, 2, 255] as [UInt8])
  func `RFC 6891 §6.1.3: another version of EDNS is BADVERS, and version 0 is told`(
    version: UInt8
  ) throws {
    var packet = try query("www.example.org.")
    packet[packet.count - 5] = version
    let answer = try asker().ask(packet)
    let reply = try Reply(answer)
    #expect(reply.code == 16 && reply.sections == [[], [], []])
    // The upper bits of the code, the version, the flags and the length of OPT.
    #expect(answer.suffix(6) == [1, 0, 0, 0, 0, 0])
  }

  @Test func `RFC 6891 §6.1.4, RFC 3225 §3: DO is copied, unknown flags are not`() throws {
    var packet = try query("www.example.org.")
    for flags: (UInt8, UInt8) in [(0, 0), (0x80, 0), (0x7F, 0xFF), (0xFF, 0xFF)] {
      (packet[packet.count - 4], packet[packet.count - 3]) = flags
      let answer = try asker().ask(packet)
      #expect(answer.suffix(4) == [flags.0 & 0x80, 0, 0, 0])
      #expect(try Reply(answer).code == 0)
    }
  }

  // MARK: the client subnet

  @Test(
    arguments: [
      ("a scope", [0, 1, 24, 24, 10, 1, 2]), ("an unknown family", [0, 3, 8, 0, 10]),
      ("33 bits of IPv4", [0, 1, 33, 0, 10, 1, 2, 3, 0]),
      ("129 bits of IPv6", [0, 2, 129, 0] + Array(repeating: 1, count: 17)),
      ("an octet too few", [0, 1, 24, 0, 10, 1]),
      ("an octet too many", [0, 1, 24, 0, 10, 1, 2, 0]),
      ("bits behind the prefix", [0, 1, 23, 0, 10, 1, 3]), ("three octets in all", [0, 1, 0]),
    ] as [(String, [UInt8])])
  func `RFC 7871 §7.1.2: a client subnet that is wrong is FORMERR, and is not repeated`(
    description: String, data: [UInt8]
  ) throws {
    let reply = try asker().reply("www.example.org.", edns: [0, 8, 0, UInt8(data.count)] + data)
    #expect(reply.code == 1 && reply.options == [:] && reply.sections == [[], [], []])
  }

  @Test func `RFC 7871 §7.1.2: two client subnets are FORMERR`() throws {
    let edns = ecs(10, 1, 2, bits: 24) + ecs(10, 1, 2, bits: 24)
    #expect(try asker().reply("www.example.org.", edns: edns).code == 1)
  }

  @Test func `RFC 7871 §7.2.2: who sends no client subnet gets none`() throws {
    for name in ["www", "no", "ns1", "x.child"] {
      #expect(try asker().reply("\(name).example.org.").options == [:])
    }
  }

  @Test
  func `RFC 7871 §7.2.1: of a chain the scope is the steered name's, and it may exceed the source`()
    throws
  {
    for name in ["www", "alias", "chain"] {
      let reply = try asker().reply("\(name).example.org.", edns: ecs(10, bits: 8))
      #expect(reply.options?[8] == [0, 1, 8, 16, 10])
    }
  }

  @Test(
    arguments: [
      ("not public", ecs(192, 168, 1, bits: 24)), ("loopback", ecs(127, 0, 0, bits: 24)),
      ("link-local", ecs(169, 254, 1, bits: 24)),
      ("IPv6 of a site", ecs(0xFD, 0, bits: 16, family: 2)),
    ])
  func `RFC 7871 §11.1: addresses that are nobody's are answered, and repeated`(
    description: String, option: [UInt8]
  ) throws {
    let reply = try asker().reply("www.example.org.", edns: option)
    #expect(reply.code == 0 && reply.sections[0].count == 1)
    var repeated = try #require(reply.options?[8])
    repeated[3] = 0
    #expect(repeated == Array(option[4...]))
  }
}
