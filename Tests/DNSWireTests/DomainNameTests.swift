import DNSWire
import Testing

@Suite struct DomainNameTests {
  @Test(
    arguments: [
      (".", [0]),
      ("a.", [1, 97, 0]),
      ("Www.Example.", [3, 87, 119, 119, 7, 69, 120, 97, 109, 112, 108, 101, 0]),
      (#"a\.b.c."#, [3, 97, 46, 98, 1, 99, 0]),
      (#"\000\255."#, [2, 0, 255, 0]),
      (#"*.x."#, [1, 42, 1, 120, 0]),
    ] as [(String, [UInt8])])
  func `presentation form becomes wire form and comes back`(text: String, wire: [UInt8]) throws {
    let name = try DomainName(text)
    #expect(name.wire == wire)
    #expect(try DomainName(name.description).wire == wire)
    #expect(DomainName(wire: wire)?.wire == wire)
  }

  @Test(arguments: ["a..b.", ".a.", #"\256.a."#, #"a\"#, String(repeating: "a", count: 64) + "."])
  func `text that is no name is refused`(text: String) {
    #expect(throws: RecordDataFault.self) { try DomainName(text) }
  }

  @Test func `a name of 255 bytes is the longest`() throws {
    let label = String(repeating: "a", count: 63) + "."
    let longest = label + label + label + String(repeating: "b", count: 61) + "."
    #expect(try DomainName(longest).wire.count == 255)
    #expect(throws: RecordDataFault.self) { try DomainName("b" + longest) }
  }

  @Test func `relative names stand under the origin`() throws {
    let origin = try DomainName("example.org.")
    #expect(try DomainName("www", origin: origin).description == "www.example.org.")
    #expect(try DomainName("@", origin: origin) == origin)
    #expect(try DomainName("www.", origin: origin).description == "www.")
  }

  @Test func `names are equal without case`() throws {
    #expect(try DomainName("WWW.example.") == DomainName("www.EXAMPLE."))
    #expect(try DomainName("[x.") != DomainName("{x."))
    #expect(try Set([DomainName("A."), DomainName("a.")]).count == 1)
  }

  @Test func `a name is within itself and its ancestors by labels`() throws {
    let zone = try DomainName("Example.org.")
    #expect(try DomainName("a.example.ORG.").isWithin(zone))
    #expect(zone.isWithin(zone))
    #expect(zone.isWithin(.root))
    #expect(try !DomainName("badexample.org.").isWithin(zone))
    #expect(try !DomainName("org.").isWithin(zone))
  }

  @Test(
    arguments: [
      [], [1], [1, 97], [0, 0], [64] + Array(repeating: 97, count: 64) + [0], [0xC0, 0],
    ]
      as [[UInt8]])
  func `bytes that are no name are refused`(wire: [UInt8]) {
    #expect(DomainName(wire: wire) == nil)
  }
}

@Suite struct LoweringTests {
  @Test func `exactly the letters are lowered, eight bytes at a time`() {
    for byte in UInt64(0)...255 {
      let expected = (65...90).contains(byte) ? byte + 32 : byte
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        #expect(lowered(byte << shift) == expected << shift)
      }
      let everywhere = byte &* 0x0101_0101_0101_0101
      #expect(lowered(everywhere) == expected &* 0x0101_0101_0101_0101)
    }
  }
}
