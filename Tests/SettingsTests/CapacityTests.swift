import Testing

@testable import Settings

@Suite struct `Capacities of regions` {
  private func regions(_ text: String) throws -> [Settings.Region] {
    try SettingsReader.read(text: text, name: "a.yaml").regions
  }

  @Test func `a capacity has a dead band, and none is declared unless it is said`() throws {
    let regions = try regions(
      """
      regions:
        tokyo: {}
        osaka: {capacity: {connections_per_second: 500}}
        nagoya: {capacity: {connections_per_second: 20, spill_at: 50%, return_at: 40%}}
        kobe: {capacity: {connections_per_second: 20, spill_at: 50%}}
      """)
    #expect(regions[0].capacity == nil)
    #expect(regions[1].capacity?.connectionsPerSecond == 500)
    #expect(regions[1].capacity?.spillAt == 0.9 && regions[1].capacity?.returnAt == 0.75)
    #expect(regions[2].capacity?.spillAt == 0.5 && regions[2].capacity?.returnAt == 0.4)
    #expect((regions[3].capacity?.returnAt ?? 1) < 0.5)
  }

  @Test func `open connections and a reported load are measures too, alone or together`() throws {
    let regions = try regions(
      """
      regions:
        tokyo: {capacity: {open_connections: 5000}}
        osaka:
          capacity:
            connections_per_second: 500
            open_connections: 20000
            reported_load: {url: "http://10.2.0.1:9100/load"}
        kobe:
          capacity:
            reported_load: {url: "https://kobe/cpu", full: 1, interval: 10s, timeout: 500ms}
      """)
    #expect(regions[0].capacity == Settings.Capacity(openConnections: 5000))
    #expect(
      regions[1].capacity
        == Settings.Capacity(
          connectionsPerSecond: 500, openConnections: 20_000,
          reportedLoad: Settings.ReportedLoad(
            url: "http://10.2.0.1:9100/load", full: 100, interval: .seconds(5),
            timeout: .seconds(2))))
    let kobe = try #require(regions[2].capacity?.reportedLoad)
    #expect(kobe.full == 1 && kobe.interval == .seconds(10))
    #expect(kobe.timeout == .milliseconds(500) && kobe.maximumAge == .milliseconds(21_500))
  }

  @Test(arguments: [
    (
      "{spill_at: 80%}",
      "a.yaml:1: regions.tokyo.capacity: says no capacity: wants at least one of "
        + "connections_per_second, open_connections, reported_load"
    ),
    (
      "{connections_per_second: 5, return_at: 95%}",
      "a.yaml:1: regions.tokyo.capacity.return_at: return_at must be below spill_at, or clients "
        + "would go to and fro"
    ),
    (
      "{open_connections: many}",
      "a.yaml:1: regions.tokyo.capacity.open_connections: wants open connections from 1.0 to "
        + "1000000000.0, found \"many\""
    ),
    (
      "{reported_load: {url: 10.2.0.1}}",
      "a.yaml:1: regions.tokyo.capacity.reported_load.url: wants a URL such as "
        + "http://10.2.0.1:9100/load, found something else, which is not shown; it begins with "
        + "http:// or https:// or tcp://"
    ),
    (
      "{reported_load: {full: 5}}",
      "a.yaml:1: regions.tokyo.capacity.reported_load.url: is missing; wants the URL of a number, "
        + "such as http://10.2.0.1:9100/load"
    ),
  ])
  func `what cannot be is a fault`(capacity: String, fault: String) {
    #expect(faults(of: "regions: {tokyo: {capacity: \(capacity)}}") == [fault])
  }
}
