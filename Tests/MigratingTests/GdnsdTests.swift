import Migrating
import Places
import Settings
import Testing

private typealias World = MigratedWorld

@Suite struct `Migrating from gdnsd` {
  /// As its manuals show maps and resources, in our own words.
  private static let config = """
    # Two kinds of comments,
    ; and this is the other one.
    options => { listen => [ 127.0.0.1, "[::1]:5301" ], dns_port = 5300, zones_default_ttl = 7200 }
    service_types => {
      web_check => {
        plugin => http_status, vhost => www.example.org, url_path => "/ok", port => 8080
        ok_codes => [ 200, 301 ], interval => 4, timeout => 3, up_thresh => 5, down_thresh => 2
      }
      smtp_check => { plugin => tcp_connect, port => 25, interval => 1 }
    }
    plugins => {
      geoip => {
        maps => {
          world => {
            geoip2_db => City.mmdb
            datacenters => [ iad, fra, nrt ]
            map => {
              EU => { CH => [ iad, fra ], default => [ fra, iad ] }
              NA => { US => { CA => [ nrt, iad ] }, MX => [ iad ], default => [ iad, fra ] }
              AS => { JP => { Osaka => [ fra ], default => [ nrt ] } }
            }
            nets => { 127.0.1.33/32 => nrt, 127.0.1.32/31 => iad }
          }
          near => {
            datacenters => [ iad, fra, nrt ]
            auto_dc_coords => { iad => [ 38.95, -77.45 ], fra => [ 50.11, 8.68 ], nrt => [ 35.68, 139.69 ] }
            map => { SA => [ fra ] }
          }
        }
        resources => {
          www => {
            map => world, service_types => [ web_check, smtp_check ]
            dcmap => {
              iad => 192.0.2.1
              fra => [ 192.0.2.11, 192.0.2.12 ]
              nrt => { lb1 => 192.0.2.21, lb2 => 192.0.2.22 }
            }
          }
          near => { map => near, dcmap => { iad => 192.0.2.1, fra => 192.0.2.11, nrt => 192.0.2.21 } }
          cdn => {
            map => world
            dcmap => { iad => us.cdn.example.net., fra => eu.cdn.example.net., nrt => as.cdn.example.net. }
          }
        }
      }
      multifo => {
        both => { addrs_v4 => [ 192.0.2.31, 192.0.2.32 ], addrs_v6 => { a => 2001:db8::31, b => 2001:db8::32 } }
      }
      simplefo => { pair => { primary => 192.0.2.41, secondary => 192.0.2.42 } }
      weighted => {
        split => { lb1 = [ 192.0.2.51, 90 ], lb2 = [ 192.0.2.52, 10 ] }
        groups => { left => { a = [ 192.0.2.61, 1 ], b = [ 192.0.2.62, 1 ] }, right => { a = [ 192.0.2.63, 2 ] } }
      }
      metafo => {
        resources => {
          layers => {
            datacenters => [ first, second ]
            dcmap => { first => %simplefo!pair, second => { plugin => weighted, lb1 => [ 192.0.2.71, 1 ], lb2 => [ 192.0.2.72, 1 ] } }
          }
        }
      }
      static => { one = 192.0.2.81 }
    }
    """

  private static let zone = """
    $TTL 600
    @ SOA ns1 dns-admin ( 7 2H 30M 3D
        900 ) ; negative
    @ NS ns1
    @ NS ns.example.net.
    ns1 A 192.0.2.53
    www 300/30 DYNA geoip!www
    www MX 10 mail
    near 120 DYNA geoip!near
    cdn DYNC geoip!cdn
    tokyo.www 300/30 DYNA geoip!www/nrt
    both DYNA multifo!both
    pair DYNA simplefo!pair
    split DYNA weighted!split
    groups DYNA weighted!groups
    layers DYNA metafo!layers
    one 42 DYNA static!one
    odd DYNA reflect
    $ORIGIN sub
    mail A 192.0.2.25
    alias CNAME mail
    top.@Z TXT "a ; b" "c\\"d"
    """

  private static func migrated() throws -> World {
    let source = Migration.Gdnsd(
      config: SourceText(name: "config", text: config),
      zones: [("example.org", SourceText(name: "zones/example.org", text: zone))])
    return try World(Migration.gdnsd(source))
  }

  @Test func `clients go where the map sent them, and on when a datacenter fails`() throws {
    let world = try Self.migrated()
    let name = "www.example.org."
    #expect(try world.regions(name, World.germany) == ["fra"])
    #expect(try world.regions(name, World.germany, down: ["fra"]) == ["iad"])
    #expect(try world.regions(name, World.switzerland) == ["iad"])
    #expect(try world.regions(name, World.newYork) == ["iad"])
    #expect(try world.regions(name, World.newYork, down: ["iad"]) == ["fra"])
    #expect(try world.regions(name, World.california) == ["nrt"])
    #expect(try world.regions(name, World.quebec) == ["iad"])
    #expect(try world.regions(name, World.japan) == ["nrt"])
    // The order of datacenters is the default's.
    #expect(try world.regions(name, World.brazil) == ["iad"])
    #expect(try world.regions(name, World.nobody, down: ["iad"]) == ["fra"])
  }

  @Test func `the longest network wins over the map`() throws {
    let world = try Self.migrated()
    #expect(try world.regions("www.example.org.", World.france) == ["nrt"])
  }

  @Test func `a list that ends is not gone on with`() throws {
    let world = try Self.migrated()
    // Fails open, as gdnsd does: the first of the list.
    #expect(try world.regions("www.example.org.", World.mexico, down: ["iad"]) == ["iad"])
  }

  @Test func `distance decides where the map says auto, and the list where nothing is known`()
    throws
  {
    let world = try Self.migrated()
    let name = "near.example.org."
    #expect(try world.regions(name, World.japan) == ["nrt"])
    #expect(try world.regions(name, World.switzerland) == ["fra"])
    #expect(try world.regions(name, World.mexico) == ["iad"])
    #expect(try world.regions(name, World.mexico, down: ["iad"]) == ["fra"])
    #expect(try world.regions(name, World.brazil) == ["fra"])
    #expect(try world.regions(name, World.nobody) == ["iad"])
  }

  @Test func `names are answered where datacenters are names`() throws {
    let world = try Self.migrated()
    #expect(
      try world.answers("cdn.example.org.", World.germany) == ["eu.cdn.example.net."])
    #expect(
      try world.answers("cdn.example.org.", World.japan) == ["as.cdn.example.net."])
  }

  @Test func `a datacenter can be named alone`() throws {
    let world = try Self.migrated()
    #expect(
      try world.answers("tokyo.www.example.org.", World.germany) == ["192.0.2.21", "192.0.2.22"])
  }

  @Test func `the other plugins answer what they answered`() throws {
    let world = try Self.migrated()
    func answers(_ name: String, down: [String] = []) throws -> [String] {
      try world.answers("\(name).example.org.", World.germany, down: down)
    }
    #expect(
      try answers("both") == ["192.0.2.31", "192.0.2.32", "2001:db8::31", "2001:db8::32"])
    #expect(try answers("pair") == ["192.0.2.41"])
    #expect(try answers("pair", down: ["pair-primary"]) == ["192.0.2.42"])
    #expect(try answers("split", down: ["split-lb1"]) == ["192.0.2.52"])
    #expect(try answers("groups", down: ["groups-right"]) == ["192.0.2.61", "192.0.2.62"])
    #expect(try answers("layers") == ["192.0.2.41"])
    #expect(try answers("layers", down: ["first-primary"]) == ["192.0.2.42"])
    #expect(
      try answers("layers", down: ["first-primary", "first-secondary", "second-lb1"])
        == ["192.0.2.72"])
    let weights = try #require(
      world.migration.text.split(separator: "\n").first { $0.contains("split-lb1: 90") })
    #expect(weights.contains("split-lb2: 10"))
  }

  @Test func `service types become monitors`() throws {
    let world = try Self.migrated()
    let pool = try #require(world.settings.pools.first { $0.name == "www" })
    let monitor = try #require(pool.monitor.map { world.settings.monitors[$0] })
    #expect(monitor.name == "web_check-and-smtp_check")
    for line in [
      "expect: {status: [200, 301]}", "host: www.example.org", "path: /ok", "interval: 4s",
      "timeout: 3s", "rise: 5", "fall: 2", "timeout: 500ms",
    ] { #expect(world.migration.text.contains(line), "\(line)") }
    #expect(pool.endpoints.allSatisfy { $0.port == 8080 })
  }

  @Test func `the zone keeps its records, TTLs and times`() throws {
    let world = try Self.migrated()
    let zone = try #require(world.settings.zones.first)
    #expect(zone.nameServers == ["ns1.example.org.", "ns.example.net."])
    let start = try #require(zone.soa)
    #expect(start.primary == "ns1.example.org.")
    #expect(start.mailbox == "dns-admin.example.org.")
    #expect(
      [start.serial, start.refreshSeconds, start.retrySeconds, start.expireSeconds]
        == [7, 7200, 1800, 259_200])
    #expect(start.minimumSeconds == 900)
    #expect(
      try world.records("example.org.") == [
        "ns1.example.org. 600 A 192.0.2.53",
        "www.example.org. 600 MX 10 mail.example.org.",
        "mail.sub.example.org. 600 A 192.0.2.25",
        "alias.sub.example.org. 600 CNAME mail.sub.example.org.",
        #"top.example.org. 600 TXT "a ; b" "c\"d""#,
        "one.example.org. 42 A 192.0.2.81",
      ])
    let service = try world.service("www.example.org.")
    #expect(service.ttlSeconds == 300)
    #expect(service.changingTTLSeconds == 30)
    #expect(try world.service("near.example.org.").changingTTLSeconds == 60)
  }

  @Test func `it listens where gdnsd did`() throws {
    let world = try Self.migrated()
    #expect(world.settings.dns.listen.map(\.description) == ["127.0.0.1:5300", "[::1]:5301"])
  }

  @Test func `what has no counterpart is told with its line`() throws {
    let world = try Self.migrated()
    #expect(world.hasFinding(line: 20, "cities"))
    #expect(world.hasFinding(line: 15, "--database"))
    #expect(
      world.migration.findings.contains {
        $0.origin == Origin(file: "zones/example.org", line: 18) && $0.message.contains("reflect")
      })
    #expect(world.migration.text.contains("#   zones/example.org:18: reflect"))
  }
}
