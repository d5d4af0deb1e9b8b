import Places
import Testing

@testable import Settings

@Suite struct `Settings of transfers` {
  private static let secret = "xvKZBtI8dFkjnJ1MKyVLPrBNiqOI5tWPo5TKMHJAWxg="

  private func settings(_ text: String) throws -> Settings {
    try SettingsReader.read(text: text, name: "a.yaml", folder: "/etc/azimuth")
  }

  @Test func `keys, zones out, zones in, limits and the folder are read`() throws {
    let settings = try settings(
      """
      keys:
        one.example: {secret: "\(Self.secret)"}
        two.example: {algorithm: hmac-sha512, secret: "\(Self.secret)"}
      state: state
      transfers: {max_in: 2, max_zone_size: 1MiB, timeout: 5m}
      zones:
        example.org:
          soa: {primary: ns1}
          transfer:
            allow: [192.0.2.0/24, "2001:db8::1", "key:two.example"]
            notify: [192.0.2.1, "[2001:db8::1]:5300 key:one.example"]
        example.net:
          primary: {from: [192.0.2.9, "192.0.2.10:5300"], key: two.example}
      """)
    #expect(settings.keys.map(\.name) == ["one.example.", "two.example."])
    #expect(settings.keys.map(\.algorithm) == [.sha256, .sha512])
    #expect(settings.keys[0].secret.count == 32)
    #expect(settings.stateFolder == "/etc/azimuth/state")
    #expect(settings.transfers.maximumIn == 2 && settings.transfers.maximumZoneBytes == 1 << 20)
    #expect(settings.transfers.timeout == .seconds(300) && settings.transfers.maximumOut == 16)
    let own = settings.zones[0]
    #expect(own.primary == nil)
    #expect(
      own.transfer.allow == [
        .prefix(AddressPrefix(ipv4: 0xC000_0200, length: 24)),
        .prefix(AddressPrefix(ipv6: 0x2001_0DB8 << 96 | 1, length: 128)), .key(1),
      ])
    #expect(
      own.transfer.notify.map(\.address.description) == ["192.0.2.1:53", "[2001:db8::1]:5300"])
    #expect(own.transfer.notify.map(\.key) == [nil, 0])
    let foreign = settings.zones[1]
    #expect(foreign.primary?.from.map(\.description) == ["192.0.2.9:53", "192.0.2.10:5300"])
    #expect(foreign.primary?.key == 1)
    #expect(foreign.transfer == Settings.ZoneTransfer.nobody)
  }

  @Test func `nobody may have a zone, and nothing is kept, unless it is said`() throws {
    let settings = try settings("zones: {example.org: {soa: {primary: ns1}}}")
    #expect(settings.zones[0].transfer == Settings.ZoneTransfer.nobody)
    #expect(settings.keys.isEmpty && settings.stateFolder == nil)
  }

  @Test(arguments: [
    ("keys: {a: {secret: AAAA}}", "keys.a.secret"),
    ("keys: {a: {secret: \"not base64 but long enough to be\"}}", "keys.a.secret"),
    ("keys: {a: {}}", "keys.a.secret"),
    ("keys: {a: {algorithm: hmac-md5, secret: \"\(secret)\"}}", "keys.a.algorithm"),
    ("zones: {x.: {primary: {}}}", "zones.x..primary.from"),
    ("zones: {x.: {primary: {from: []}}}", "zones.x..primary.from"),
    ("zones: {x.: {primary: {from: [ns1.example.org]}}}", "zones.x..primary.from[0]"),
    ("zones: {x.: {primary: {from: [192.0.2.1], key: none}}}", "zones.x..primary.key"),
    (
      "zones: {x.: {primary: {from: [192.0.2.1]}, records: [\"a A 192.0.2.1\"]}}",
      "zones.x..records"
    ),
    ("zones: {x.: {primary: {from: [192.0.2.1]}, soa: {primary: a}}}", "zones.x..soa"),
    (
      "zones: {x.: {soa: {primary: a}, transfer: {allow: [\"key:none\"]}}}",
      "zones.x..transfer.allow[0]"
    ),
    (
      "zones: {x.: {soa: {primary: a}, transfer: {allow: [anybody]}}}",
      "zones.x..transfer.allow[0]"
    ),
    (
      "zones: {x.: {soa: {primary: a}, transfer: {notify: [\"192.0.2.1 none\"]}}}",
      "zones.x..transfer.notify[0]"
    ),
    ("transfers: {max_in: 0}", "transfers.max_in"),
    ("state: []", "state"),
  ])
  func `what cannot be is told at its place`(text: String, path: String) throws {
    let error = #expect(throws: Faults.self) { try settings(text) }
    #expect(error?.faults.map(\.origin.path) == [path], "\(error?.description ?? "")")
    // Nobody's secret stands in a fault.
    #expect(error?.description.contains(Self.secret) == false)
  }
}
