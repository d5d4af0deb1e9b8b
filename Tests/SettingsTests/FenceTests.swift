import Settings
import Testing

@Suite struct `What a fence says of when it is empty` {
  private func read(_ whenEmpty: String, tags: String = "[eu]") throws -> Settings {
    try SettingsReader.read(
      text: """
        regions:
          tokyo: {location: [35.68, 139.69], tags: [jp]}
          frankfurt: {location: [50.11, 8.68], tags: [eu]}
          dublin: {location: [53.35, -6.26], tags: [eu]}
        pools:
          web: {endpoints: {tokyo: [192.0.2.1:80], frankfurt: [192.0.2.2:80]}}
        policies: {nearest: {type: proximity}}
        services: {web: {policy: nearest, pool: web}}
        fences:
          eu:
            clients: {eu: true}
            regions: {tags: \(tags)}
            when_empty: \(whenEmpty)
        """, name: "a.yaml")
  }

  @Test(arguments: [
    ("on_all_down", Settings.Fence.WhenEmpty.onAllDown), ("", .onAllDown), ("refuse", .refuse),
    ("serve_unhealthy_inside", .serveUnhealthyInside),
    ("{static: [dublin, frankfurt]}", .fixed([2, 1])),
    ("{static: frankfurt}", .fixed([1])),
  ])
  func `is a word, or a list of regions`(text: String, wish: Settings.Fence.WhenEmpty) throws {
    #expect(try read(text).fences[0].whenEmpty == wish)
  }

  @Test(arguments: [
    ("serve-unhealthy-inside", "did you mean \"serve_unhealthy_inside\"?"),
    ("{static: []}", "wants at least one region"),
    ("{static: [frankfurt, tokyo]}", "region \"tokyo\" is outside the fence"),
    ("{static: [dublin]}", "pool \"web\" has no endpoint in any of these regions"),
    ("{static: [paris]}", "there is no region \"paris\""),
  ])
  func `is a fault otherwise`(text: String, message: String) {
    #expect { try read(text) } throws: { error in
      let faults = (error as? Faults)?.faults ?? []
      return faults.count == 1 && faults[0].description.contains(message)
        && faults[0].origin.line == 13
    }
  }

  @Test func `its static regions have the same types of addresses as the others`() {
    let text = """
      regions:
        frankfurt: {location: [50.11, 8.68], tags: [eu]}
        sorry: {location: [50.11, 8.68], tags: [eu]}
      pools:
        web: {endpoints: {frankfurt: ["192.0.2.2:80", "[2001:db8::2]:80"], sorry: [192.0.2.3:80]}}
      policies: {near: {type: proximity, regions: [frankfurt]}}
      services: {web: {policy: near, pool: web}}
      fences: {eu: {clients: {eu: true}, regions: {tags: [eu]}, when_empty: {static: sorry}}}
      zones: {example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}}
      dns: {listen: ["127.0.0.1:5353"]}
      """
    #expect { try SettingsReader.read(text: text, name: "a.yaml") } throws: { error in
      "\(error)".contains("no AAAA in sorry")
    }
  }
}
