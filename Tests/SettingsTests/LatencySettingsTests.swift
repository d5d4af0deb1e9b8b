import Testing

@testable import Settings

@Suite struct `The section latency` {
  private func latency(_ text: String) throws -> Settings.Latency {
    try SettingsReader.read(text: "latency: \(text)\n", name: "a.yaml", folder: "/etc").latency
  }

  @Test func `has defaults`() throws {
    #expect(try SettingsReader.read(text: "log: {}\n", name: "a.yaml").latency == .init())
    #expect(try latency("{}").halfLife == .seconds(6 * 3600))
    #expect(try latency("{}").maximumNetworks == 100_000)
  }

  @Test func `reads all of its keys`() throws {
    let read = try latency(
      """
      {tables: passwd, region_tables: [group], half_life: 1h, networks: 5000, interval: 5s,
      max_age: 1d}
      """)
    #expect(read.tables.map(\.path) == ["/etc/passwd"])
    #expect(read.regionTables.map(\.path) == ["/etc/group"])
    #expect(read.halfLife == .seconds(3600) && read.maximumNetworks == 5_000)
    #expect(read.interval == .seconds(5) && read.maximumAge == .seconds(86_400))
  }

  @Test(arguments: [
    ("{tables: nowhere.csv}", "latency.tables"), ("{half_life: 1s}", "latency.half_life"),
    ("{networks: 10}", "latency.networks"), ("{network: 5000}", "latency.network"),
    ("{region: atlantis}", "latency.region"), ("{interval: 0s}", "latency.interval"),
  ])
  func `faults have their path`(text: String, path: String) {
    let found = faults(of: "latency: \(text)\n")
    #expect(found.count == 1 && found.first?.hasPrefix("a.yaml:1: \(path): ") == true, "\(found)")
  }

  @Test func `a policy of type latency reads as one of type proximity does`() throws {
    let text = """
      regions: {a: {location: [1, 2]}, b: {location: [3, 4]}}
      policies: {fast: {type: latency, regions: [b, a], bias: {a: -20}, unknown: [a]}}
      """
    let policies = try SettingsReader.read(text: text, name: "a.yaml").policies
    #expect(policies[0].kind == .latency(regions: [1, 0], bias: [0: -20], unknown: [0]))
  }
}
