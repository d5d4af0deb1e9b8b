import DNSWire
import Testing

@Suite struct RecordDataTests {
  private static let origin = "example.org."
  private static let host: [UInt8] = [1, 97] + [7] + "example".utf8 + [3] + "org".utf8 + [0]

  @Test(
    arguments: [
      ("A", "192.0.2.1", [192, 0, 2, 1]),
      ("AAAA", "2001:db8::1", [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
      ("AAAA", "::", Array(repeating: 0, count: 16)),
      ("AAAA", "::ffff:1.2.3.4", Array(repeating: 0, count: 10) + [255, 255, 1, 2, 3, 4]),
      ("NS", "a", host), ("CNAME", "a.example.org.", host), ("PTR", "a", host),
      ("MX", "10 a", [0, 10] + host),
      ("TXT", #""v=spf1 -all" b"#, [11] + Array("v=spf1 -all".utf8) + [1, 98]),
      ("TXT", #""a\"b\065""#, [4, 97, 34, 98, 65]),
      ("TXT", #""""#, [0]),
      ("SPF", "x", [1, 120]),
      ("SRV", "1 2 443 a", [0, 1, 0, 2, 1, 0xBB] + host),
      ("CAA", #"0 issue "ca.org""#, [0, 5] + Array("issueca.org".utf8)),
      ("TLSA", "3 1 1 AB CD", [3, 1, 1, 0xAB, 0xCD]),
      ("SSHFP", "4 2 abcd", [4, 2, 0xAB, 0xCD]),
      ("DS", "258 8 2 00ff", [1, 2, 8, 2, 0, 255]),
      ("DNSKEY", "257 3 8 AQID", [1, 1, 3, 8, 1, 2, 3]),
      (
        "NAPTR", #"1 2 "u" "E2U+sip" "" ."#,
        [0, 1, 0, 2, 1, 117, 7] + Array("E2U+sip".utf8) + [0, 0]
      ),
      ("URI", #"1 2 "ftp://x""#, [0, 1, 0, 2] + Array("ftp://x".utf8)),
      ("HINFO", "a b", [1, 97, 1, 98]),
      ("RP", "a a", host + host),
      ("DNAME", "a", host),
      ("TYPE65280", ##"\# 3 01 02 03"##, [1, 2, 3]),
      ("TYPE1", ##"\# 4 01020304"##, [1, 2, 3, 4]),
      ("HTTPS", "0 a", [0, 0] + host),
      (
        "HTTPS", "1 . alpn=h2,h3 port=443",
        [0, 1, 0, 0, 1, 0, 6, 2, 104, 50, 2, 104, 51, 0, 3, 0, 2, 1, 0xBB]
      ),
      (
        "SVCB", #"1 . ipv4hint="1.2.3.4" alpn=h2"#,
        [0, 1, 0, 0, 1, 0, 3, 2, 104, 50, 0, 4, 0, 4, 1, 2, 3, 4]
      ),
      ("SVCB", "1 . mandatory=port port=1", [0, 1, 0, 0, 0, 0, 2, 0, 3, 0, 3, 0, 2, 0, 1]),
      ("SVCB", "1 . key667=hello", [0, 1, 0, 2, 155, 0, 5] + Array("hello".utf8)),
      ("SVCB", "1 . ech=AQID", [0, 1, 0, 0, 5, 0, 3, 1, 2, 3]),
      (
        "LOC", "42 21 54 N 71 06 18 W -24m 30m",
        [0, 0x33, 0x16, 0x13, 0x89, 0x17, 0x2D, 0xD0, 0x70, 0xBE, 0x15, 0xF0, 0, 0x98, 0x8D, 0x20]
      ),
    ] as [(String, String, [UInt8])])
  func `presentation form becomes record data`(type: String, text: String, data: [UInt8]) throws {
    let type = try #require(RecordType(type))
    let origin = try DomainName(Self.origin)
    #expect(try RecordData.encode(type, text: text, origin: origin) == data)
  }

  @Test(arguments: [
    ("A", "192.0.2.256", "“192.0.2.256” is not an IPv4 address"),
    ("A", "192.0.2.01", "“192.0.2.01” is not an IPv4 address"),
    ("A", "", "A data has no address"),
    ("A", "192.0.2.1 x", "A data goes on after its end: “x”"),
    ("AAAA", "1::2::3", "“1::2::3” is not an IPv6 address"),
    ("AAAA", "12345::", "“12345::” is not an IPv6 address"),
    ("MX", "65536 a", "the preference of MX is “65536”, not a number of 0 to 65535"),
    ("TXT", "\"abc", "a quote is not closed"),
    ("CAA", "0 is-sue x", "the tag “is-sue” has other than letters and digits"),
    ("TLSA", "3 1 1 ABC", "the certificate data of TLSA is not in pairs of hexadecimal digits"),
    ("HTTPS", "0 a port=1", "a record of priority 0 is an alias and has no parameters"),
    ("HTTPS", "1 a port=1 port=2", "the parameter port stands twice"),
    ("HTTPS", "1 a mandatory=alpn", "mandatory names alpn, which is missing"),
    ("HTTPS", "1 a color=red", "“color” is not a parameter of HTTPS, nor keyNNNNN"),
    ("HTTPS", "1 a ipv4hint=::1", "ipv4hint has “::1”, which is not an IPv4 address"),
    ("HTTPS", "1 a ech=A", "ech is not in base 64"),
    (
      "TYPE700", "x",
      ##"TYPE700 has no presentation form here: write its data as \# length hex (RFC 3597)"##
    ),
    ("TYPE700", ##"\# 2 01"##, "the data has 1 bytes, the length says 2"),
    ("A", ##"\# 0"##, "the data is not that of A"),
    ("NS", ##"\# 2 0361"##, "the data is not that of NS"),
    ("LOC", "91 N 0 E 0m", "the latitude of LOC is not right at “91”"),
  ])
  func `data that is not right is refused with what was found`(
    type: String, text: String, message: String
  ) throws {
    let type = try #require(RecordType(type))
    let origin = try DomainName(Self.origin)
    #expect(throws: RecordDataFault(message)) {
      try RecordData.encode(type, text: text, origin: origin)
    }
  }

  @Test func `a string of more than 255 bytes is refused`() throws {
    let text = String(repeating: "a", count: 256)
    #expect(throws: RecordDataFault.self) {
      try RecordData.encode(.txt, text: text, origin: .root)
    }
  }

  @Test func `types have mnemonics or numbers`() {
    #expect(RecordType("https") == .https)
    #expect(RecordType("TYPE65535")?.rawValue == 65_535)
    #expect(RecordType("NONSENSE") == nil)
    #expect(RecordType(rawValue: 1_234).description == "TYPE1234")
  }
}
