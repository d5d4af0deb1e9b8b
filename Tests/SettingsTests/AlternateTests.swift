import Testing

@testable import Settings

@Suite struct `Servers with two addresses in the settings` {
  @Test func `are two endpoints, of which the first knows the second`() throws {
    let settings = try SettingsReader.read(
      text: """
        regions: {tokyo: {}}
        pools:
          web:
            endpoints:
              tokyo:
                - 192.0.2.9:80
                - {address: "[2001:db8::1]:80", alternate: 192.0.2.1:80, weight: 3, zone: a}
        """, name: "a.yaml")
    let endpoints = settings.pools[0].endpoints
    #expect(endpoints.map { "\($0.address)" } == ["192.0.2.9", "2001:db8::1", "192.0.2.1"])
    #expect(endpoints.map(\.alternate) == [nil, 2, nil])
    #expect(endpoints[1...].allSatisfy { $0.weight == 3 && $0.availabilityZone == "a" })
  }

  @Test func `have one of each family, and no address stands twice`() {
    func faults(ofAlternate address: String) -> [String] {
      SettingsTests.faults(
        of: """
          regions: {tokyo: {}}
          pools:
            web:
              endpoints:
                tokyo: [192.0.2.9:80, {address: "[2001:db8::1]:80", alternate: "\(address)"}]
          """)
    }
    #expect(
      faults(ofAlternate: "[2001:db8::2]:80") == [
        "a.yaml:5: pools.web.endpoints.tokyo[1].alternate: wants the server's IPv4 address, for "
          + "[2001:db8::1]:80 is of the same family"
      ])
    #expect(faults(ofAlternate: "192.0.2.9:80").count == 1)
    #expect(faults(ofAlternate: "192.0.2.1:80").isEmpty)
  }
}
