import Migrating
import Places
import Settings
import Testing

private typealias World = MigratedWorld

/// What is left out is told, and opens nothing.
@Suite struct `What PowerDNS's services do not answer` {
  private func migrated(_ services: String, records: String = "", more: String = "") throws -> World
  {
    let text = """
      domains:
        - domain: example.org
          ttl: 30
          records:
            example.org: [{soa: a b 1 2 3 4 5}, {ns: ns.example.net}]
            one.example.org: [{a: 192.0.2.1}]
            two.example.org: [{a: 192.0.2.2}]
      \(records)
          services:
      \(services)
      \(more)
      """
    return try World(Migration.powerDNS(SourceText(name: "zones.yaml", text: text)))
  }

  @Test func `a service by network without a default is not opened to everybody`() throws {
    let world = try migrated("      www.example.org: {10.0.0.0/8: one.example.org}")
    #expect(world.settings.services.isEmpty)
    #expect(world.hasFinding(line: 10, "answers some networks only"))
  }

  @Test func `nor one whose default answers nothing`() throws {
    for end in ["[]", "'%cc.none.example.org'"] {
      let world = try migrated(
        "      www.example.org: {10.0.0.0/8: one.example.org, default: \(end)}")
      #expect(world.settings.services.isEmpty, "\(end)")
      #expect(world.hasFinding(line: 10, "left out"), "\(end)")
    }
  }

  @Test func `a network that gets nothing does not get what all others do`() throws {
    let world = try migrated(
      "      www.example.org: {10.0.0.0/8: [], default: one.example.org}")
    #expect(world.settings.services.isEmpty)
    #expect(world.hasFinding(line: 10, "answers nothing to 10.0.0.0/8"))
  }

  @Test func `weights above ours are scaled, and that is told`() throws {
    let world = try migrated(
      "      www.example.org: big.example.org",
      records: """
              big.example.org:
                - a: {content: 192.0.2.3, weight: 9223372036854775807}
                - a: {content: 192.0.2.4, weight: 1}
                - a: {content: 192.0.2.5, weight: 4611686018427387904}
        """)
    #expect(world.migration.text.contains("{big-1: 1000, big-2: 1, big-3: 500}"))
    #expect(world.hasFinding(line: 9, "scaled to 1000"))
  }

  /// Aliases: four million records in some kilobytes.
  @Test func `a file that stands for more than it says is a fault`() {
    let list = String(repeating: "{a: 192.0.2.1}, ", count: 2000)
    let records = (0..<2000).map { "r\($0).e.org: *r" }.joined(separator: ", ")
    let text = "r: &r [\(list)]\ndomains: [{domain: e.org, records: {\(records)}}]\n"
    let faults = #expect(throws: Faults.self) {
      try Migration.powerDNS(SourceText(name: "zones.yaml", text: text))
    }
    #expect(faults?.description.contains("more values than anyone has") == true)
  }
}

@Suite struct `What gdnsd's resources do not answer` {
  private func migrated(_ plugins: String, _ names: [String]) throws -> World {
    let zone =
      "@ SOA ns hm 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"
      + names.map { "\($0)\n" }.joined()
    return try World(
      Migration.gdnsd(
        Migration.Gdnsd(
          config: SourceText(name: "config", text: "plugins => { \(plugins) }"),
          zones: [("example.org", SourceText(name: "zones/example.org", text: zone))])))
  }

  private static let map = """
    geoip => { maps => { m => { datacenters => [ a, b ], map => { EU => [ a ], default => [ b ] } } }
    """

  @Test func `a resource of which nothing is left is left out, and the others stay`() throws {
    let world = try migrated(
      Self.map + """
        resources => {
          gone => { map => m, dcmap => { a => !odd!x, b => { plugin => reflect } } }
          half => { map => m, dcmap => { a => 192.0.2.1, b => { plugin => reflect } } }
          none => { map => m }
        } }
        """, ["gone DYNA geoip!gone", "half DYNA geoip!half", "none DYNA geoip!none"])
    #expect(world.settings.zones[0].steered.map(\.owner) == ["half.example.org."])
    #expect(try world.regions("half.example.org.", World.japan) == ["a"])
    #expect(!world.migration.text.contains("order: []"))
    for (line, name) in [(4, "gone"), (6, "none")] {
      #expect(world.hasFinding(line: line, "\(name) is left out"))
    }
  }

  /// 3,000 names of 10 datacenters each are more than any one of them may have.
  @Test func `many names have room for their datacenters`() throws {
    let centres = (0..<10).map { "d\($0)" }
    let resources = (0..<3000).map { number in
      "r\(number) => { map => m, dcmap => { "
        + centres.map { "\($0) => 192.0.2.\($0.dropFirst())" }.joined(separator: ", ") + " } }"
    }
    let migration = try Migration.gdnsd(
      Migration.Gdnsd(
        config: SourceText(
          name: "config",
          text: "plugins => { geoip => { maps => { m => { datacenters => [ "
            + centres.joined(separator: ", ") + " ] } } resources => { "
            + resources.joined(separator: "\n") + " } } }"),
        zones: [
          (
            "example.org",
            SourceText(
              name: "zone",
              text: "@ SOA ns hm 1 2 3 4 5\n@ NS ns.example.net.\n"
                + (0..<3000).map { "n\($0) DYNA geoip!r\($0)\n" }.joined())
          )
        ]))
    #expect(migration.findings.isEmpty, "\(migration.findings.first.map { "\($0)" } ?? "")")
    #expect(migration.text.contains("n2999: r2999"))
  }

  /// Chains of few resources lead to very many datacenters: 15⁸, without a limit.
  @Test func `one name has an end`() throws {
    let levels = (0..<8).map { level in
      "l\(level) => { datacenters => [ x ], dcmap => { "
        + (0..<15).map { entry in
          "d\(entry) => \(level == 7 ? "192.0.2.1" : "%metafo!l\(level + 1)")"
        }.joined(separator: ", ") + " } }"
    }
    let world = try migrated(
      "metafo => { resources => { \(levels.joined(separator: "\n")) } }", ["n DYNA metafo!l0"])
    #expect(world.migration.findings.contains { $0.message.contains("than anyone has") })
  }
}

@Suite struct `Comments of a migration` {
  /// NEL, and the separators of lines and paragraphs, end a line for YAML.
  @Test func `stay on their lines, whatever is said in them`() throws {
    for sign in ["\u{85}", "\u{2028}", "\u{2029}", "\u{1B}", "\u{202E}", "\u{FEFF}", "\r"] {
      let text =
        "listen l\n  mode tcp\n  bind 127.0.0.1:81\n  odd\(sign)pools: {x: y}\n"
        + "  server s 192.0.2.1:80\n"
      let migration = try Migration.haproxy(SourceText(name: "h\(sign)pools: ", text: text))
      #expect(
        !migration.text.unicodeScalars.contains { String($0) == sign }, "\(sign.debugDescription)")
      _ = try SettingsReader.read(text: migration.text, name: "made")
      #expect(migration.text.contains("# ") && migration.text.contains("odd?pools"))
    }
  }
}
