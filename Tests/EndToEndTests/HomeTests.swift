import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// Tenants of `*.tenants.example.org`, each at home in one region.
  @Suite struct `Tenants with a home` {
    private struct Route: Decodable {
      struct Home: Decodable, Equatable {
        var key: String
        var rule: String
        var region: String?
        var moving_from: String?
      }
      struct Outcome: Decodable { var reason: String }
      var home: Home
      var outcome: Outcome
    }

    private let overrides: URL
    private let world: World

    init() throws {
      let overrides = try temporaryFolder().appending(path: "homes.csv")
      try Data("key,region\nhooli,dublin\n".utf8).write(to: overrides, options: .atomic)
      world = try World { configuration in
        configuration
          .replacing(
            "policies:\n",
            with: """
              policies:
                tenants:
                  type: home
                  keys: {acme: tokyo}
                  prefixes: {eu-: frankfurt}
                  ranges: [{from: 0, home: virginia}, {from: 50%, home: sydney}]
                  overrides: \(overrides.path)

              """
          )
          .replacing(
            "services:\n",
            with: "services:\n  tenants: {policy: tenants, pool: web, on_all_down: fail_closed}\n"
          )
          .replacing("      www: web\n", with: "      www: web\n      \"*.tenants\": tenants\n")
      }
      self.overrides = overrides
    }

    private func dig(_ name: String, _ more: String = "+short") throws -> String {
      try Program.shell(
        "dig @127.0.0.1 -p \(world.ports.dns) \(name).tenants.example.org \(more)"
      ).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func route(_ name: String) throws -> Route {
      let response = try world.admin(
        "GET", "/v1/route?ip=133.11.0.1&name=\(name).tenants.example.org")
      return try JSONDecoder().decode(Route.self, from: Data(response.text.utf8))
    }

    private func write(_ text: String) throws {
      try Data(text.utf8).write(to: overrides, options: .atomic)
    }

    @Test(.timeLimit(.minutes(2)))
    func `are found by dig, move when the file of overrides says so, and are nowhere else`() throws
    {
      // 0xA4392CD0 is acme's hash; 0x40217C5A that of globex.
      for (name, region) in [
        ("acme", "tokyo"), ("www.ACME", "tokyo"), ("eu-bank", "frankfurt"), ("hooli", "dublin"),
        ("globex", "virginia"), ("tenant-000001", "sydney"),
      ] {
        #expect(try dig(name) == world.address(of: region), "\(name)")
      }
      // The same for every client.
      let subnet = try dig("acme", "+subnet=133.11.0.0/24")
      #expect(subnet.contains("CLIENT-SUBNET: 133.11.0.0/24/0"))

      try write("hooli,dublin,saopaulo\nacme,osaka\n")
      eventually("the refusal") {
        self.world.process.all.contains("homes.csv:2: there is no region \"osaka\"")
      }
      #expect(try dig("hooli") == world.address(of: "dublin"))

      try write("hooli,dublin,saopaulo\n")
      eventually("the move") { try self.dig("hooli") == self.world.address(of: "saopaulo") }
      let moving = try route("hooli")
      #expect(
        moving.home
          == .init(key: "hooli", rule: "override", region: "saopaulo", moving_from: "dublin"))
      #expect(moving.outcome.reason == "home_moving")

      world.regions["saopaulo"]?.stop()
      eventually("the way back") { try self.dig("hooli") == self.world.address(of: "dublin") }
      world.regions["tokyo"]?.stop()
      eventually("no answer") { try self.dig("acme", "").contains("status: SERVFAIL") }
      #expect(try route("acme").outcome.reason == "last_resort")
      try world.regions["tokyo"]?.start()
      eventually("the return") { try self.dig("acme") == self.world.address(of: "tokyo") }
      let metrics = try HTTPConnection(port: world.ports.admin).request("GET", "/metrics").text
      #expect(metrics.contains("region=\"saopaulo\",reason=\"home_moving\"} "))
    }
  }
}
