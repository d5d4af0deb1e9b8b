import Testing

@testable import Settings

@Suite struct `Policies of type home` {
  private typealias Homes = Settings.Policy.Homes

  private func text(_ policy: String, more: String = "") -> String {
    """
    regions: {frankfurt: {}, dublin: {}, tokyo: {}}
    policies:
      tenants: \(policy)
    \(more)
    """
  }

  private func homes(_ policy: String) throws -> Homes? {
    let read = try SettingsReader.read(text: text(policy), name: "a.yaml")
    guard case .home(let homes) = read.policies[0].kind else { return nil }
    return homes
  }

  @Test func `read keys, prefixes, a default and where keys move`() throws {
    let read = try homes(
      """
      {type: home, by: label, keys: {acme: tokyo, Globex: {from: dublin, to: frankfurt}},
          prefixes: {eu-: frankfurt}, default: dublin, fallback: [tokyo, dublin]}
      """)
    let homes = try #require(read)
    #expect(homes.keys.map(\.text) == ["acme", "Globex"])
    #expect(homes.keys.map(\.home) == [.init(region: 2), .init(region: 0, former: 1)])
    #expect(homes.prefixes.map(\.text) == ["eu-"] && homes.prefixes[0].home.region == 0)
    #expect(homes.otherwise == .init(region: 1) && homes.ranges.isEmpty)
    #expect(homes.fallback == .regions([2, 1]) && homes.overrides == nil)
  }

  @Test func `read ranges in percent and as hashes`() throws {
    let read = try homes(
      """
      {type: home, fallback: latency, ranges: [{from: 0, home: tokyo}, {from: 25%, home: dublin},
          {from: 0x80000000, home: frankfurt}, {from: 3221225472, home: tokyo}]}
      """)
    let homes = try #require(read)
    #expect(homes.ranges.map(\.start) == [0, 0x4000_0000, 0x8000_0000, 0xC000_0000])
    #expect(homes.ranges.map(\.home.region) == [2, 1, 0, 2])
    #expect(homes.fallback == .latency)
  }

  @Test func `fall back to nobody unless they say so`() throws {
    #expect(try homes("{type: home, default: tokyo}")?.fallback == .nobody)
    #expect(try homes("{type: home, default: tokyo, fallback: none}")?.fallback == .nobody)
  }

  @Test(arguments: [
    (
      "{type: home}",
      "a.yaml:3: policies.tenants: says of no key where it is at home; wants keys, prefixes or "
        + "ranges"
    ),
    (
      "{type: home, keys: {acme: osaka}}",
      "a.yaml:3: policies.tenants.keys.acme: there is no region \"osaka\"; known: frankfurt, "
        + "dublin, tokyo"
    ),
    (
      "{type: home, keys: {acme: tokyo, ACME: dublin}}",
      "a.yaml:3: policies.tenants.keys.ACME: the same key, in other letters, stands on line 3"
    ),
    (
      "{type: home, keys: {a.b: tokyo, c: tokyo}}",
      "a.yaml:3: policies.tenants.keys.a.b: wants a label: 1 to 63 bytes without a dot"
    ),
    (
      "{type: home, keys: {acme: {from: tokyo, to: tokyo}}}",
      "a.yaml:3: policies.tenants.keys.acme: moves to where it is"
    ),
    (
      "{type: home, keys: {acme: {from: tokyo}}}",
      "a.yaml:3: policies.tenants.keys.acme.to: is missing; wants the region that the data goes to"
    ),
    (
      "{type: home, ranges: [{from: 10%, home: tokyo}]}",
      "a.yaml:3: policies.tenants.ranges[0].from: leaves a gap: the first range starts at 0"
    ),
    (
      "{type: home, ranges: [{from: 0, home: tokyo}, {from: 50%, home: dublin}, "
        + "{from: 50%, home: tokyo}]}",
      "a.yaml:3: policies.tenants.ranges[2].from: overlaps: wants a start behind that of the range "
        + "before"
    ),
    (
      "{type: home, ranges: [{from: 0, home: tokyo}, {from: 100%, home: dublin}]}",
      "a.yaml:3: policies.tenants.ranges[1].from: wants 0, a percentage such as 25%, or a hash such "
        + "as 0x40000000, found \"100%\""
    ),
    (
      "{type: home, ranges: [{from: 0, home: tokyo}], default: dublin}",
      "a.yaml:3: policies.tenants.default: is never asked: the ranges cover every key"
    ),
    (
      "{type: home, default: tokyo, by: sni}",
      "a.yaml:3: policies.tenants.by: wants one of label, found \"sni\""
    ),
    (
      "{type: failover, order: [{type: home, default: tokyo}]}",
      "a.yaml:3: policies.tenants.order[0]: a policy of type home stands alone: what chooses is "
        + "the asked name, not the client"
    ),
  ])
  func `say what is wrong with them`(policy: String, fault: String) {
    let faults = #expect(throws: Faults.self) {
      try SettingsReader.read(text: text(policy), name: "a.yaml")
    }
    #expect(faults?.faults.map(\.description) == [fault])
  }

  @Test func `are in no other policy, serve where keys are, and answer no listener`() {
    let faults = #expect(throws: Faults.self) {
      try SettingsReader.read(
        text: text(
          "{type: home, keys: {acme: tokyo, globex: dublin}}",
          more: """
              outer: {type: failover, order: [tenants, dublin]}
            pools:
              web: {endpoints: {tokyo: ["192.0.2.1:80"]}}
            services:
              tenants: {policy: tenants, pool: web}
            proxy:
              listeners:
                front: {listen: ["127.0.0.1:8000"], service: tenants}
            """), name: "a.yaml")
    }
    #expect(
      faults?.faults.map(\.description) == [
        "a.yaml:4: policies.outer: a policy of type home stands alone: what chooses is the asked "
          + "name, not the client; this names \"tenants\"",
        "a.yaml:8: services.tenants.pool: pool \"web\" has no endpoint in dublin, where policy "
          + "\"tenants\" has keys at home",
        "a.yaml:11: proxy.listeners.front.service: service \"tenants\" goes by a name, and these "
          + "connections have none; name it under server_names, or use one whose policy is not of "
          + "type home",
      ])
  }
}
