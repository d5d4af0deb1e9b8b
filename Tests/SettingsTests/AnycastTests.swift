import DNSWire
import Places
import Testing

@testable import Settings

private func read(_ anycast: String, other: String = "") throws -> Settings.Anycast? {
  try SettingsReader.read(
    text: """
      zones: {example.org: {soa: {primary: ns1}, ns: [ns1]}}
      dns: {listen: ["127.0.0.1:0"]}
      anycast: \(anycast)
      \(other)
      """, name: "a.yaml"
  ).anycast
}

@Suite struct `Anycast in the configuration` {
  @Test func `without the section there is none, and with its prefixes the defaults hold`() throws {
    #expect(try SettingsReader.read(text: "log: {}\n", name: "a.yaml").anycast == nil)
    let anycast = try #require(try read("{prefixes: [192.0.2.53/32, \"2001:db8::53\"]}"))
    #expect(anycast.prefixes.map(\.description) == ["192.0.2.53/32", "2001:db8::53/128"])
    #expect(anycast.question.name == (try DomainName("example.org.")))
    #expect(anycast.question.type == .soa && anycast.followsRegion)
    #expect(anycast.holdUp == .seconds(10) && anycast.fall == 3 && anycast.drain == .seconds(5))
    #expect(anycast.med == 100 && anycast.degradedMED == 200)
    #expect(anycast.staleAfter == .seconds(3600))
  }

  @Test func `each of them can be said`() throws {
    let anycast = try #require(
      try read(
        """
        {prefixes: [192.0.2.0/24], name: www.example.org, hold_up: 1m, fall: 5, drain: 0s, \
        med: 7, stale_after: 2h, follows_region: false}
        """))
    #expect(anycast.question.name == (try DomainName("www.example.org.")))
    #expect(anycast.question.type == .a && !anycast.followsRegion)
    #expect(anycast.holdUp == .seconds(60) && anycast.fall == 5 && anycast.drain == .zero)
    #expect(anycast.med == 7 && anycast.degradedMED == 107)
    #expect(anycast.staleAfter == .seconds(7200))
    #expect(try read("{prefixes: [192.0.2.0/24], degraded_med: 101}")?.degradedMED == 101)
  }

  @Test(arguments: [
    ("{}", "anycast.prefixes"), ("{prefixes: []}", "anycast.prefixes"),
    ("{prefixes: [192.0.2.1/24]}", "anycast.prefixes[0]"),
    ("{prefixes: [192.0.2.1, 192.0.2.1/32]}", "anycast.prefixes[1]"),
    ("{prefixes: [192.0.2.1], name: \"a..b\"}", "anycast.name"),
    ("{prefixes: [192.0.2.1], hold_up: 10}", "anycast.hold_up"),
    ("{prefixes: [192.0.2.1], fall: 0}", "anycast.fall"),
    ("{prefixes: [192.0.2.1], drain: 2h}", "anycast.drain"),
    ("{prefixes: [192.0.2.1], med: -1}", "anycast.med"),
    ("{prefixes: [192.0.2.1], degraded_med: 99}", "anycast.degraded_med"),
    ("{prefixes: [192.0.2.1], stale_after: x}", "anycast.stale_after"),
    ("{prefixes: [192.0.2.1], follows_region: x}", "anycast.follows_region"),
    ("{prefixes: [192.0.2.1], prefix: x}", "anycast.prefix"),
  ])
  func `a bad value names its key`(anycast: String, path: String) {
    #expect {
      try read(anycast)
    } throws: {
      ($0 as? Faults)?.faults.contains { $0.origin.path == path } == true
    }
  }

  @Test func `without a zone there must be a name, and without an admin server nobody can ask`() {
    #expect {
      try SettingsReader.read(
        text: "anycast: {prefixes: [192.0.2.53]}\nadmin: {listen: off}\n", name: "a.yaml")
    } throws: {
      ($0 as? Faults)?.faults.filter { $0.origin.path == "anycast" }.count == 2
    }
    #expect(throws: Never.self) {
      try SettingsReader.read(
        text: "anycast: {prefixes: [192.0.2.53], name: example.org}\n", name: "a.yaml")
    }
  }
}
