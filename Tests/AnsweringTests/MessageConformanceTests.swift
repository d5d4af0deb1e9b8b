import Answering
import DNSWire
import Testing

/// Messages as such: docs/conformance.md says which rule is tested where.
@Suite struct `Conformance of messages` {
  private func asker() throws -> Asker { Asker(edition: try World.edition()) }

  /// - Parameter name: in wire form.
  private func question(_ name: [UInt8], type: UInt8 = 1, flags: UInt16 = 0) -> [UInt8] {
    [0, 9, UInt8(flags >> 8), UInt8(flags & 255), 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, type, 0, 1]
  }

  @Test(arguments: UInt8(0)..<16)
  func `RFC 1035 §4.1.1: a response is never answered, whatever its opcode`(opcode: UInt8) throws {
    var packet = try query("www.example.org.")
    packet[2] = 0x80 | opcode << 3
    #expect(try asker().disposal(packet) == .silence)
  }

  @Test(arguments: [
    ("www.example.org.", true), ("no.example.org.", true), ("x.child.example.org.", false),
    ("www.example.net.", false),
  ])
  func `RFC 1035 §4.1.1: RD is copied, RA and Z are clear, AA is set for our zones only`(
    name: String, isOurs: Bool
  ) throws {
    var packet = try query(name)
    for flags: (UInt8, UInt8) in [(0, 0), (1, 0), (1, 0xF0), (0x07, 0xCF)] {
      (packet[2], packet[3]) = flags
      let answer = try asker().ask(packet)
      #expect(answer[2] & 1 == flags.0 & 1, "RD")
      #expect((answer[2] & 4 != 0) == isOurs, "AA")
      #expect(answer[3] & 0xE0 == 0, "RA, Z and AD")
    }
  }

  @Test(arguments: [false, true])
  func `RFC 4035 §3.1.6: CD is copied and AD is clear`(isSet: Bool) throws {
    var packet = try query("www.example.org.")
    packet[3] = isSet ? 0x30 : 0x20
    #expect(try asker().ask(packet)[3] & 0x30 == (isSet ? 0x10 : 0))
  }

  @Test func `RFC 1035 §2.3.4: a label has 63 bytes and a name 255, and not one more`() throws {
    let label: [UInt8] = [63] + Array(repeating: 0x78, count: 63)
    let longest = label + label + label + [61] + Array(repeating: 0x78, count: 61) + [0]
    #expect(longest.count == 255)
    #expect(try asker().ask(question(longest))[3] & 15 == 5, "read, and of nobody's zones")
    let tooLong = label + label + label + [62] + Array(repeating: 0x78, count: 62) + [0]
    #expect(try asker().ask(question(tooLong))[3] & 15 == 1)
    let tooWide = [64] + Array(repeating: UInt8(0x78), count: 64) + [0]
    #expect(try asker().ask(question(tooWide))[3] & 15 == 1)
  }

  @Test(
    arguments: [
      ("to itself", [0xC0, 12]), ("forward", [0xC0, 14]), ("into the header", [0xC0, 0]),
      ("behind a label", [1, 0x61, 0xC0, 12]), ("of a reserved kind", [0x80, 0]),
      ("of another reserved kind", [0x41, 0]),
    ] as [(String, [UInt8])])
  func `RFC 1035 §4.1.4: a pointer in the question leads nowhere`(
    description: String, name: [UInt8]
  ) throws {
    let answer = try asker().ask(question(name))
    #expect(answer.count == 12 && answer[3] & 15 == 1)
  }

  @Test func `RFC 1035 §4.1: bytes behind the message change nothing`() throws {
    for edns in [nil, []] as [[UInt8]?] {
      let packet = try query("www.example.org.", edns: edns)
      #expect(try asker().ask(packet + [1, 2, 3]) == asker().ask(packet))
    }
  }

  @Test(arguments: 0...16)
  func `RFC 1035 §4.1.1: what ends too early is answered by a header at most`(count: Int) throws {
    let packet = Array(try query("www.example.org.").prefix(count))
    let answer = try asker().ask(packet)
    #expect(answer.count == (count < 12 ? 0 : 12) && answer.count <= packet.count)
  }

  @Test func `RFC 4343 §4.1: names match without case, and the question comes back as it was`()
    throws
  {
    for name in ["www.example.org.", "WWW.EXAMPLE.ORG.", "wWw.eXaMpLe.OrG."] {
      let packet = try query(name)
      let answer = try asker().ask(packet)
      #expect(try Reply(answer).sections[0].map(\.owner) == [name])
      #expect(answer.dropFirst(12).starts(with: packet[12..<33]))
    }
  }

  @Test(arguments: [0, 2, 65_535])
  func `RFC 9619 §4: any number of questions but one is FORMERR`(count: Int) throws {
    var packet = try query("www.example.org.")
    (packet[4], packet[5]) = (UInt8(count >> 8), UInt8(count & 255))
    let answer = try asker().ask(packet)
    #expect(answer.count == 12 && answer[3] & 15 == 1)
  }

  @Test(arguments: (1..<16).filter { $0 != 4 })
  func `RFC 8906 §3.1.4: an opcode that nobody knows is NOTIMP, with the header alone`(
    opcode: Int
  ) throws {
    var packet = try query("www.example.org.")
    packet[2] = UInt8(opcode << 3) | 1
    let answer = try asker().ask(packet)
    #expect(answer.count == 12 && answer[3] & 15 == 4)
    #expect(answer[2] == 0x80 | packet[2], "opcode and RD are the query's")
  }

  @Test func `RFC 8490 §5.4: DSO, which we do not speak, is NOTIMP`() throws {
    // A keepalive TLV.
    let packet: [UInt8] = [
      0, 9, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 58, 152, 0, 0, 58, 152,
    ]
    var asker = try asker()
    asker.transport = .tcp
    #expect(asker.ask(packet) == [0, 9, 0xB0, 4, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: [99, 1_000, 65_279] as [UInt16])
  func `RFC 8906 §3.1.2: a type that nobody knows is NODATA`(type: UInt16) throws {
    for name in ["www.example.org.", "ns1.example.org.", "example.org."] {
      let reply = try asker().reply(name, RecordType(rawValue: type))
      #expect(reply.code == 0 && reply.isAuthoritative)
      #expect(reply.sections[0].isEmpty && reply.sections[1].map(\.type) == [6])
    }
  }

  @Test func `RFC 8906 §3.1.1: of a zone that is not ours we say so`() throws {
    let reply = try asker().reply("www.example.net.")
    #expect(reply.code == 5 && !reply.isAuthoritative && reply.sections == [[], [], []])
  }

  @Test func `RFC 3597 §4: of an unknown type the data go out as they are, uncompressed`() throws {
    let reply = try asker().reply("odd.example.org.", RecordType(rawValue: 65_280))
    // What looks like a pointer is none.
    #expect(reply.sections[0].map(\.data) == [[0xC0, 0, 0x0C, 0]])
  }

  @Test(arguments: ["example.org.", "ns1.example.org.", "big.example.org."])
  func `RFC 8482 §4.1, §4.4: ANY gets one of the sets, over TCP the same`(name: String) throws {
    var asker = try asker()
    let overUDP = try asker.reply(name, .any)
    #expect(overUDP.code == 0 && Set(overUDP.sections[0].map(\.type)).count == 1)
    asker.transport = .tcp
    #expect(try asker.reply(name, .any).sections == overUDP.sections)
  }

  @Test func `RFC 8482 §4.2: ANY of a name that is only steered gets HINFO`() throws {
    let reply = try asker().reply("www.example.org.", .any)
    #expect(reply.sections[0].map(\.type) == [13])
    let data = try #require(reply.sections[0].first?.data)
    #expect(data.starts(with: [7] + Array("RFC8482".utf8)))
  }

  @Test func `RFC 2181 §5.2: all records of a set have one TTL`() throws {
    for name in ["www.example.org.", "big.example.org.", "example.org."] {
      for type in [RecordType.a, .txt, .ns, .soa] {
        let records = try asker().reply(name, type).sections[0]
        #expect(Set(records.map(\.ttlSeconds)).count <= 1)
      }
    }
  }
}
