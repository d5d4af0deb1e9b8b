import Testing

@testable import Settings

@Suite struct `Availability zones in the settings` {
  private func settings(_ text: String) throws -> Settings {
    try SettingsReader.read(text: text, name: "a.yaml")
  }

  @Test func `none are named unless they are said, and pools spread`() throws {
    let settings = try settings(
      "regions: {tokyo: {}}\npools: {web: {endpoints: {tokyo: [192.0.2.1:80]}}}")
    #expect(settings.node.site == nil)
    #expect(settings.pools[0].zoneSharing == .spread && settings.pools[0].zoneExcess == 0.5)
    #expect(settings.pools[0].endpoints[0].availabilityZone == nil)
  }

  @Test func `endpoints and the node name them, and the node's region is that of its latencies`()
    throws
  {
    let settings = try settings(
      """
      node: {id: n, region: osaka, zone: b}
      regions: {tokyo: {}, osaka: {}}
      pools:
        web:
          zone_sharing: prefer_same
          zone_excess: 20%
          endpoints:
            osaka: [{address: 192.0.2.1:80, zone: a}, {address: 192.0.2.2:80, zone: b}]
      """)
    #expect(settings.node.site.map { "\($0)" } == #"(region: 1, zone: "b")"#)
    #expect(settings.latency.region == 1)
    #expect(settings.pools[0].zoneSharing == .preferSame && settings.pools[0].zoneExcess == 0.2)
    #expect(settings.pools[0].endpoints.map(\.availabilityZone) == ["a", "b"])
  }

  static let mistakes: [(String, String)] = [
    (
      "node: {zone: a}\nregions: {tokyo: {}}",
      "a.yaml:1: node.region: is missing; wants the region of the zone"
    ),
    (
      """
      node: {region: tokyo, zone: aple}
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [{address: 192.0.2.1:80, zone: apple}]}}}
      """,
      "a.yaml:1: node.zone: no endpoint of region \"tokyo\" is in availability zone \"aple\"; "
        + "did you mean \"apple\"?"
    ),
    (
      """
      regions: {tokyo: {}}
      pools: {web: {zone_sharing: same, endpoints: {tokyo: [192.0.2.1:80]}}}
      """,
      "a.yaml:2: pools.web.zone_sharing: wants one of spread, prefer_same, found \"same\""
    ),
    (
      """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [{address: 192.0.2.1:80, zone: "a/b"}]}}}
      """,
      "a.yaml:2: pools.web.endpoints.tokyo[0].zone: wants the name of an availability zone, "
        + "of letters, digits, '-', '_' and '.', found \"a/b\""
    ),
    (
      """
      node: {region: tokyo}
      regions: {tokyo: {}}
      pools:
        web: {zone_sharing: prefer_same, endpoints: {tokyo: [{address: 192.0.2.1:80, zone: a}]}}
      policies: {p: {type: failover, order: [tokyo]}}
      services: {web: {policy: p, pool: web}}
      proxy: {listeners: {front: {listen: "127.0.0.1:1080", service: web}}}
      """,
      "a.yaml:1: node.zone: is missing; the proxy serves pool \"web\", whose zone_sharing is "
        + "prefer_same"
    ),
  ]

  @Test(arguments: mistakes)
  func `what cannot be meant is a fault`(text: String, fault: String) {
    #expect(faults(of: text) == [fault])
  }
}
