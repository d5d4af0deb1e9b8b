import DNSWire
import TestSupport
import Testing

@Suite struct `Record data as text` {
  /// Presentation forms as they are rendered, by the RFC that has them.
  static let forms: [(String, RecordType, String)] = [
    ("RFC 1035 §3.4.1", .a, "192.0.2.1"),
    ("RFC 3596 §2.4", .aaaa, "2001:db8::1:0:0:1"),
    ("RFC 5952 §4.2.2", .aaaa, "2001:db8:0:1:1:1:1:1"),
    ("RFC 5952 §4.2.3", .aaaa, "::"),
    ("RFC 1035 §3.3.11", .ns, "ns1.example.org."),
    ("RFC 1035 §3.3.1", .cname, "a\\.b.example.org."),
    ("RFC 6672 §2.1", .dname, "."),
    ("RFC 1035 §3.3.13", .soa, "ns1.e. mail.e. 1 2 3 4 5"),
    ("RFC 1035 §3.3.9", .mx, "10 mail.example.org."),
    ("RFC 1035 §3.3.14", .txt, "\"a;\\\"b\\\\\\000\" \"\""),
    ("RFC 1035 §3.3.2", .hinfo, "\"a\" \"b c\""),
    ("RFC 1183 §1", .afsdb, "1 a.e."),
    ("RFC 1183 §2.2", .rp, "a.e. ."),
    ("RFC 2230 §3", .kx, "1 a.e."),
    ("RFC 2782", .srv, "1 2 443 a.e."),
    ("RFC 3403 §4.1", .naptr, "1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@e!\" ."),
    ("RFC 1876 §3", .loc, "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
    ("RFC 3123 §5", .apl, "1:192.168.32.0/21 !2:2001:db8::/32"),
    ("RFC 4398 §2", .cert, "1 2 8 AQID"),
    ("RFC 4034 §5.3", .ds, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    ("RFC 8078 §4", .cds, "0 0 0 00"),
    ("RFC 4034 §2.2", .dnskey, "257 3 8 AQIDBA=="),
    ("RFC 8078 §4", .cdnskey, "0 3 0 AA=="),
    ("RFC 4034 §3.2", .rrsig, "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQI="),
    ("RFC 4034 §4.2", .nsec, "host.example.com. A MX RRSIG NSEC TYPE1234"),
    ("RFC 5155 §3.3", .nsec3, "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"),
    ("RFC 5155 §4.3", .nsec3param, "1 0 12 -"),
    ("RFC 4255 §3.2", .sshfp, "2 1 123456789abcdef67890123456789abcdef67890"),
    ("RFC 6698 §2.2", .tlsa, "3 1 1 d2abde240d7cd3ee"),
    ("RFC 8162 §2", .smimea, "3 0 0 00"),
    ("RFC 8005 §6", .hip, "2 200100107b1a74df365639cc39f1d578 AwEAAbdx rvs1.e. rvs2.e."),
    ("RFC 7929 §2.3", .openpgpkey, "AQID"),
    ("RFC 4701 §3.2", .dhcid, "AAIB"),
    ("RFC 7477 §2.1", .csync, "66 3 A NS AAAA"),
    ("RFC 8976 §2.2", .zonemd, "2018031500 1 1 feb75aaaa2fdb4ed"),
    (
      "RFC 9460 §2.1", .https, "1 . alpn=\"h2,h3\" port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1"
    ),
    (
      "RFC 9460 Appendix A", .svcb,
      "16 f.e. mandatory=alpn,port alpn=\"f\\\\\\\\oo\\\\,bar,h2\" port=1 key667=\"a b\""
    ),
    ("RFC 9460 §2.4.2", .https, "0 a.e."),
    ("RFC 6742 §2.1.2", .nid, "10 14:4fff:ff20:ee64"),
    ("RFC 6742 §2.2.2", .l32, "10 10.1.2.0"),
    ("RFC 6742 §2.3.2", .l64, "10 2001:db8:1140:1000"),
    ("RFC 6742 §2.4.2", .lp, "10 l64-subnet1.example.com."),
    ("RFC 7043 §3.2", .eui48, "00-00-5e-00-53-2a"),
    ("RFC 7043 §4.2", .eui64, "00-00-5e-ef-10-00-00-2a"),
    ("RFC 7553 §4.5", .uri, "10 1 \"ftp://ftp1.example.com/public\""),
    ("RFC 8659 §4.1.1", .caa, "0 issue \"ca1.example.net; policy=ev\""),
    ("RFC 3597 §5", RecordType(rawValue: 65_280), "\\# 2 abcd"),
    ("RFC 3597 §5", RecordType(rawValue: 65_280), "\\# 0"),
  ]

  @Test(arguments: forms)
  func `text becomes data and comes back`(rule: String, type: RecordType, text: String) throws {
    let data = try RecordData.encode(type, text: text, origin: .root)
    #expect(RecordData.text(type, data) == text, "\(rule)")
    #expect(RecordData.isWellFormed(type, data))
  }

  @Test(arguments: [
    (RecordType.hip, "1 \"\" \"\""), (.tlsa, "3 1 1 \"\""), (.openpgpkey, "\"\""), (.apl, ""),
    (.nsec, "a.e."), (.svcb, "1 . dohpath= ohttp"), (.csync, "1 2 TYPE0 TYPE65535"),
  ])
  func `what could be written is right in the unknown's form too`(
    type: RecordType, text: String
  ) throws {
    let data = try RecordData.encode(type, text: text, origin: .root)
    let again = try RecordData.encode(type, text: RecordData.text(type, data), origin: .root)
    #expect(RecordData.isWellFormed(type, data) && again == data)
  }

  @Test(arguments: UInt64(1)...8)
  func `whatever is well-formed comes back from text as it was`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for (_, type, text) in Self.forms {
      let whole = try RecordData.encode(type, text: text, origin: .root)
      for _ in 0..<100 {
        var data = whole
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          let index = Int.random(in: 0...data.count, using: &generator)
          let byte = UInt8.random(in: 0...255, using: &generator)
          switch Int.random(in: 0...2, using: &generator) {
          case 0 where index < data.count: data[index] = byte
          case 1 where index < data.count: data.remove(at: index)
          default: data.insert(byte, at: index)
          }
        }
        let text = RecordData.text(type, data)
        if RecordData.isWellFormed(type, data) {
          let again = try? RecordData.encode(type, text: text, origin: .root)
          #expect(again == data, "seed \(seed), \(type) \(text)")
        } else {
          #expect(text.hasPrefix("\\# "), "seed \(seed), \(type) \(text)")
        }
      }
    }
  }

  @Test(arguments: [
    (
      RecordType.nsec3param, "1 0 12 abc",
      "the salt of NSEC3PARAM is not in pairs of hexadecimal digits"
    ),
    (.nsec, "a.e. A WAT", "the types of NSEC names “WAT”, which is no type"),
    (
      .eui48, "00-00-5e-00-53",
      "the address of EUI48 is “00-00-5e-00-53”, not 6 pairs of digits with - between"
    ),
    (.l64, "1 1:2:3", "the locator of L64 is “1:2:3”, not four groups such as 1:2:3:4"),
    (
      .apl, "3:192.0.2.0/24",
      "“3:192.0.2.0/24” of APL is not such as 1:192.0.2.0/24 or !2:2001:db8::/32"
    ),
    (
      .rrsig, "A 5 3 1 2003 20031301000000 1 e. AQI=",
      "the inception of RRSIG is “20031301000000”, not YYYYMMDDHHmmSS or seconds"
    ),
    (.cert, "PKIX 1 8 AQID", "the certificate type of CERT is “PKIX”, not a number of 0 to 65535"),
  ])
  func `what is wrong is said`(type: RecordType, text: String, message: String) {
    #expect(throws: RecordDataFault(message)) {
      try RecordData.encode(type, text: text, origin: .root)
    }
  }
}
