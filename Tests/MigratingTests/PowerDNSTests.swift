import Migrating
import Settings
import TestSupport
import Testing

private typealias World = MigratedWorld

@Suite struct `Migrating from PowerDNS` {
  private static let zones = #"""
    domains:
      - domain: geo.example.org
        ttl: 30
        records:
          geo.example.org:
            - soa: ns1.example.org hostmaster.example.org 2014090125 7200 3600 1209600 60
            - ns: {content: ns1.example.org, ttl: 600}
            - ns: ns2.example.org
            - mx: 10 mx.example.org
            - txt: hello "world"
          deu.eu.www.geo.example.org:
            - a: 192.0.2.1
            - aaaa: 2001:db8::1
          eu.www.geo.example.org:
            - a: 192.0.2.2
            - aaaa: 2001:db8::2
          na.www.geo.example.org:
            - a: {content: 192.0.2.3, weight: 50}
            - a: {content: 192.0.2.4, weight: 150}
            - aaaa: 2001:db8::3
            - aaaa: 2001:db8::4
          other.www.geo.example.org:
            - a: 192.0.2.9
            - aaaa: 2001:db8::9
          inside.geo.example.org:
            - a: 192.0.2.10
            - aaaa: 2001:db8::10
          west.map.geo.example.org:
            - a: 192.0.2.21
          rest.map.geo.example.org:
            - a: 192.0.2.22
          odd.geo.example.org:
            - txt: "you are %ip"
        services:
          www.geo.example.org:
            default: ['%co.%cn.www.geo.example.org', '%cn.www.geo.example.org', other.www.geo.example.org]
            127.0.1.33/32: inside.geo.example.org
          map.geo.example.org: '%mp.map.geo.example.org'
          cdn.geo.example.org: ['%ci.nowhere.example', cdn.example.net]
    mapping_lookup_formats: ['%cc-%re', '%cc']
    custom_mapping:
      us: rest
      us-ca: west
      de: rest
    """#

  private static func migrated() throws -> World {
    try World(
      Migration.powerDNS(
        SourceText(name: "zones.yaml", text: zones), databases: ["geodata/azimuth-city.mmdb"],
        folder: repository))
  }

  @Test func `clients get the first record that a format makes of their place`() throws {
    let world = try Self.migrated()
    func answers(_ client: String) throws -> [String] {
      try world.answers("www.geo.example.org.", client)
    }
    #expect(try answers(World.germany) == ["192.0.2.1", "2001:db8::1"])
    #expect(try answers(World.switzerland) == ["192.0.2.2", "2001:db8::2"])
    #expect(try answers(World.japan) == ["192.0.2.9", "2001:db8::9"])
  }

  @Test func `a network's own format wins`() throws {
    let world = try Self.migrated()
    #expect(
      try world.answers("www.geo.example.org.", World.france) == ["192.0.2.10", "2001:db8::10"])
  }

  @Test func `one of weighted records is drawn`() throws {
    let world = try Self.migrated()
    let name = "www.geo.example.org."
    let regions = ["na.www-1", "na.www-2"]
    #expect(regions.contains(try #require(world.regions(name, World.mexico).first)))
    #expect(
      try world.answers(name, World.mexico, down: [regions[0]]) == ["192.0.2.4", "2001:db8::4"])
    #expect(world.migration.text.contains("{na.www-1: 50, na.www-2: 150}"))
  }

  @Test func `a mapping of one's own counts what is finer first`() throws {
    let world = try Self.migrated()
    let name = "map.geo.example.org."
    #expect(try world.answers(name, World.california) == ["192.0.2.21"])
    #expect(try world.answers(name, World.newYork) == ["192.0.2.22"])
    #expect(try world.answers(name, World.germany) == ["192.0.2.22"])
    #expect(world.hasFinding(line: 38, "no record is for"))
  }

  @Test func `what is no record is answered as a name`() throws {
    let world = try Self.migrated()
    #expect(try world.answers("cdn.geo.example.org.", World.japan) == ["cdn.example.net."])
    #expect(world.hasFinding(line: 39, "no record is made by %ci"))
  }

  @Test func `the zone keeps its other records`() throws {
    let world = try Self.migrated()
    let zone = try #require(world.settings.zones.first)
    #expect(zone.nameServers == ["ns1.example.org.", "ns2.example.org."])
    #expect(zone.soa?.serial == 2_014_090_125)
    #expect(zone.soa?.mailbox == "hostmaster.example.org.")
    let records = try world.records("geo.example.org.")
    #expect(records.contains("geo.example.org. 30 MX 10 mx.example.org."))
    #expect(records.contains(#"geo.example.org. 30 TXT "hello \"world\"""#))
    #expect(records.contains("eu.www.geo.example.org. 30 A 192.0.2.2"))
    #expect(world.hasFinding(line: 33, "has no counterpart in records"))
    #expect(try world.service("www.geo.example.org.").ttlSeconds == 30)
  }
}
