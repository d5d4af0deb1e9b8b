import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `Balancing` {
    /// The demo, where Tokyo has three endpoints.
    ///
    /// - Parameter manner: of the second one.
    private static func world(
      _ balance: String, _ manner: RegionServer.Manner = .answers
    ) throws -> (world: World, servers: [RegionServer]) {
      let world = try World { configuration in
        configuration.replacing(#/(?m)^      tokyo: +\[127\.0\.10\.1:(\d+)\]/#) { match in
          let port = match.1
          return """
                  tokyo:
                    - {address: "127.0.10.21:\(port)", weight: 2}
                    - 127.0.10.22:\(port)
                    - 127.0.10.23:\(port)
            """
        }
        .replacing("\n    monitor: web\n", with: "\n    monitor: web\n    balance: \(balance)\n")
      }
      let servers = try zip(["apple", "birch", "cedar"], 21...23).map { name, host in
        try RegionServer(
          region: name, address: "127.0.10.\(host)", port: world.ports.endpoints,
          manner: host == 22 ? manner : .answers)
      }
      eventually("Tokyo's three endpoints are healthy") {
        try world.route("133.11.0.1").outcome.addresses.count == 3
      }
      return (world, servers)
    }

    /// How often each endpoint answers so many connections of one client.
    private func counts(_ world: World, _ count: Int, from source: String) throws -> [String: Int] {
      var counts: [String: Int] = [:]
      for _ in 0..<count {
        let answer = try world.proxyRegion(from: source)
        counts[answer.trimmingCharacters(in: .whitespacesAndNewlines), default: 0] += 1
      }
      return counts
    }

    @Test(.timeLimit(.minutes(2)))
    func `goes by turns and weights, then by the client, as a reload says`() throws {
      let (world, servers) = try Self.world("{method: round_robin, slow_start: 0s}")
      defer { servers.forEach { $0.stop() } }
      // A share of them is owed by each worker's own turns.
      let turns = try counts(world, 200, from: "127.81.0.1")
      #expect(abs((turns["apple"] ?? 0) - 100) <= 8, "\(turns)")
      #expect(abs((turns["birch"] ?? 0) - 50) <= 8, "\(turns)")
      try world.rewrite(
        world.configuration.replacing(
          "balance: {method: round_robin, slow_start: 0s}", with: "balance: hash"))
      #expect(try world.reload().status / 100 == 2)
      var chosen: Set<String> = []
      for client in 1...12 {
        let counts = try counts(world, 10, from: "127.81.0.\(client)")
        #expect(counts.count == 1, "\(client): \(counts)")
        chosen.formUnion(counts.keys)
      }
      #expect(chosen.count == 3)
      // The clients of a lost endpoint go to others, without a failure.
      servers[0].stop()
      for client in 1...12 {
        let counts = try counts(world, 5, from: "127.81.0.\(client)")
        #expect(counts["apple"] == nil && counts.values.reduce(0, +) == 5, "\(counts)")
      }
    }

    /// Nobody listens on the IPv6 address; where the machine has no IPv6 it cannot even be tried.
    @Test(.timeLimit(.minutes(2)))
    func `reaches a server by IPv4 where its IPv6 address is dead, and DNS names what lives`()
      throws
    {
      let world = try World {
        $0.replacing(#/\[(127\.0\.10\.\d):(\d+)\]/#) { match in
          #"[{address: "[::1]:\#(match.2)", alternate: "\#(match.1):\#(match.2)"}]"#
        }
      }
      let tokyo = try RegionServer(
        region: "tokyo", address: "127.0.10.1", port: world.ports.endpoints)
      defer { tokyo.stop() }
      for _ in 0..<20 { #expect(try world.proxyRegion(from: "127.81.0.1") == "tokyo") }
      eventually("the checks have seen it") {
        try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.1")).addresses
          == ["127.0.10.1"]
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `leaves out an endpoint that resets its clients while its checks pass, and says so`()
      throws
    {
      let (world, servers) = try Self.world("p2c", .resetsClients)
      defer { servers.forEach { $0.stop() } }
      var failures = 0
      for _ in 0..<300 where (try? world.proxyRegion(from: "127.81.0.1")) == nil { failures += 1 }
      // Five in a row of each ejection; the first is over after ten seconds at the earliest.
      #expect((5...6).contains(failures))
      eventually("the log tells of it") {
        world.process.all.contains("endpoint ejected") && world.process.all.contains("127.0.10.22")
      }
      let metrics = try world.admin("GET", "/metrics").text
      #expect(metrics.contains("azimuth_proxy_ejections_total{pool=\"web\",region=\"tokyo\"} 1"))
      let endpoint = try world.admin("GET", "/v1/endpoints").text
      #expect(endpoint.contains("\"ejection\"") && endpoint.contains("\"times\""))
      // Its checks pass all the while, so DNS goes on to name it.
      #expect(try world.route("133.11.0.1").outcome.addresses.count == 3)
    }
  }
}
