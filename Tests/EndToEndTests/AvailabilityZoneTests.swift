import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `Availability zones` {
    /// The last parts of the addresses of Tokyo's endpoints, by zone.
    private static let hosts = ["apple": 1, "birch": 21, "cedar": 22]

    /// The demo, where Tokyo has an endpoint in each of three zones.
    private static func world(
      state: URL? = nil
    ) throws -> (world: World, zones: [String: RegionServer]) {
      let world = try World { configuration in
        let kept = state.map { "state: \($0.path)\n\npolicies:\n" } ?? "policies:\n"
        return configuration.replacing("policies:\n", with: kept).replacing(
          #/(?m)^      tokyo: +\[127\.0\.10\.1:(\d+)\]/#
        ) { match in
          let endpoints = hosts.sorted { $0.key < $1.key }.map { zone, host in
            "{address: 127.0.10.\(host):\(match.1), zone: \(zone)}"
          }
          return "      tokyo: [\(endpoints.joined(separator: ", "))]"
        }
      }
      let zones = try hosts.map { zone, host in
        (
          zone,
          try RegionServer(
            region: zone, address: "127.0.10.\(host)", port: world.ports.endpoints)
        )
      }
      eventually("Tokyo's three endpoints are healthy") {
        try world.route("133.11.0.1").outcome.addresses.count == 3
      }
      return (world, Dictionary(uniqueKeysWithValues: zones))
    }

    /// How many of a load's connections each zone had.
    private func counts(_ events: [Load.Event]) -> [String: Int] {
      Dictionary(grouping: events) { (try? $0.result.get())?.trimmed ?? "failed" }
        .mapValues(\.count)
    }

    @Test(.timeLimit(.minutes(2)))
    func `one is drained under load: nothing is lost, and the other two have all of it`() throws {
      let (world, zones) = try Self.world()
      defer { zones.values.forEach { $0.stop() } }
      let proxies = (0..<2).map { _ in
        Load { [unowned world] in try world.proxyRegion(from: "127.81.0.1") }
      }
      let dns = Load { [unowned world] in
        let reply = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.1"))
        guard let address = reply.addresses.first else { throw Load.Failure(text: "\(reply)") }
        return address
      }
      eventually("some load") { proxies.allSatisfy { $0.count > 200 } && dns.count > 200 }
      let clock = ContinuousClock()
      let began = clock.now
      #expect(try world.override("tokyo/@birch", state: "drain").status == 201)
      let drained = clock.now
      let counted = proxies.map(\.count)
      eventually("as much load again") {
        zip(proxies, counted).allSatisfy { $0.count > $1 + 400 }
      }
      let events = proxies.flatMap { $0.stop() }
      let answers = dns.stop()
      #expect(events.compactMap(\.failure).isEmpty && answers.compactMap(\.failure).isEmpty)
      let before = counts(events.filter { $0.ended < began })
      #expect(Set(before.keys) == ["apple", "birch", "cedar"])
      let after = counts(events.filter { $0.began > drained })
      #expect(Set(after.keys) == ["apple", "cedar"])
      let total = Double(after.values.reduce(0, +))
      #expect(abs(Double(after["apple"] ?? 0) / total - 0.5) < 0.1, "\(after)")
      let addresses = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.1")).addresses
      #expect(addresses.sorted() == ["127.0.10.1", "127.0.10.22"])
    }

    @Test(.timeLimit(.minutes(2)))
    func `one that is drained, and a region that is, stay so over a restart`() throws {
      let (world, zones) = try Self.world(state: try temporaryFolder())
      defer { zones.values.forEach { $0.stop() } }
      #expect(try world.override("tokyo/@birch", state: "drain").status == 201)
      #expect(try world.override("dublin", state: "drain").status == 201)
      let before = try world.admin("GET", "/v1/overrides").text
      #expect(before.contains("tokyo/@birch") && before.contains("dublin"))
      world.process.signal(SIGTERM)
      eventually("the end") { !world.process.isRunning }
      let again = try RunningProcess(Program.path, ["serve", world.file.path])
      eventually("the restart") { again.isRunning && world.isReady }
      let overrides = try world.admin("GET", "/v1/overrides").text
      for word in ["\"tokyo/@birch\"", "\"dublin\"", "\"end to end\"", "\"tests\""] {
        #expect(overrides.contains(word), "\(word) of \(overrides)")
      }
      #expect(
        try world.route("133.11.0.1").outcome.addresses.sorted() == ["127.0.10.1", "127.0.10.22"])
      for _ in 0..<50 {
        #expect(try world.proxyRegion(from: "127.81.0.1").trimmed != "birch")
      }
      again.signal(SIGTERM)
      eventually("the second end") { !again.isRunning }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a node prefers its own one, and leaves it for the others of the region alone`() throws {
      let (world, zones) = try Self.world()
      defer { zones.values.forEach { $0.stop() } }
      #expect(try world.override("tokyo/@birch", state: "drain").status == 201)
      let preferring = world.configuration
        .replacing("node: {id: demo-1}", with: "node: {id: demo-1, region: tokyo, zone: cedar}")
        .replacing(
          "\n    monitor: web\n", with: "\n    monitor: web\n    zone_sharing: prefer_same\n")
      try world.rewrite(preferring)
      #expect(try world.reload().status / 100 == 2)
      for _ in 0..<50 {
        #expect(try world.proxyRegion(from: "127.81.0.1").trimmed == "cedar")
      }
      zones["cedar"]?.stop()
      for _ in 0..<50 {
        #expect(try world.proxyRegion(from: "127.81.0.1").trimmed == "apple")
      }
    }
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
