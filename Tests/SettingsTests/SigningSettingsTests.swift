import Testing

@testable import Settings

@Suite struct `Settings of signed zones` {
  private func settings(_ text: String) throws -> Settings {
    try SettingsReader.read(text: text, name: "a.yaml", folder: "/etc/azimuth")
  }

  @Test func `keys, times and the cache are read`() throws {
    let settings = try settings(
      """
      zones:
        example.org:
          soa: {primary: ns1}
          dnssec:
            keys: [keys/Kexample.org.+013+00001, /k/Kexample.org.+013+00002.private]
            publish: Kexample.org.+013+00003.key
            validity: 7d
            dnskey_ttl: 2h
      dns: {signatures: 1000}
      """)
    let signing = try #require(settings.zones[0].dnssec)
    #expect(
      signing.keys.map(\.path) == [
        "/etc/azimuth/keys/Kexample.org.+013+00001", "/k/Kexample.org.+013+00002.private",
      ])
    #expect(signing.keys[1].origin.path == "zones.example.org.dnssec.keys[1]")
    #expect(signing.published.map(\.path) == ["/etc/azimuth/Kexample.org.+013+00003.key"])
    #expect(signing.validitySeconds == 7 * 86_400 && signing.keyTTLSeconds == 7200)
    #expect(settings.answers.signatureCount == 1000)
  }

  @Test func `no zone is signed unless it has keys; two weeks, one hour, 65536 are the defaults`()
    throws
  {
    let settings = try settings(
      """
      zones:
        example.net: {soa: {primary: ns1}}
        example.org: {soa: {primary: ns1}, dnssec: {keys: [K]}}
        example.com: {primary: {from: [192.0.2.1]}, dnssec: {keys: [K]}}
      """)
    #expect(settings.zones.map { $0.dnssec != nil } == [false, true, true])
    let signing = try #require(settings.zones[1].dnssec)
    #expect(signing.validitySeconds == 14 * 86_400 && signing.keyTTLSeconds == 3600)
    #expect(signing.published.isEmpty)
    #expect(settings.answers.signatureCount == 65_536)
  }

  private static let zone = "soa: {primary: a}, dnssec: {keys: [K]}"

  @Test(arguments: [
    ("zones: {x.: {soa: {primary: a}, dnssec: {}}}", "zones.x..dnssec.keys"),
    ("zones: {x.: {soa: {primary: a}, dnssec: {keys: []}}}", "zones.x..dnssec.keys"),
    ("zones: {x.: {soa: {primary: a}, dnssec: {keys: [[]]}}}", "zones.x..dnssec.keys[0]"),
    (
      "zones: {x.: {soa: {primary: a}, dnssec: {keys: [K], validity: 1h}}}",
      "zones.x..dnssec.validity"
    ),
    (
      "zones: {x.: {soa: {primary: a}, dnssec: {keys: [K], dnskey_ttl: 1s}}}",
      "zones.x..dnssec.dnskey_ttl"
    ),
    ("zones: {x.: {\(zone), transfer: {allow: [192.0.2.0/24]}}}", "zones.x..transfer"),
    ("zones: {x.: {\(zone), transfer: {notify: [192.0.2.1]}}}", "zones.x..transfer"),
    ("zones: {x.: {\(zone), records: [\"@ DNSKEY 257 3 13 AAAA\"]}}", "zones.x..records[0]"),
    ("zones: {x.: {\(zone), records: [\"a NSEC b A\"]}}", "zones.x..records[0]"),
    ("dns: {signatures: 1}", "dns.signatures"),
  ])
  func `what cannot be is told at its place`(text: String, path: String) throws {
    let error = #expect(throws: Faults.self) { try settings(text) }
    #expect(error?.faults.map(\.origin.path) == [path], "\(error?.description ?? "")")
  }
}
