import Testing

extension EndToEnd {
  @Suite struct `Coverage of client subnets` {
    private struct Report: Decodable {
      struct Resolver: Decodable {
        var prefix: String
        var queries: Int
        var withEcs: Int
        var withoutEcs: Int
      }
      var sampledQueries: Int
      var resolvers: [Resolver]
    }

    private func report(_ world: World) throws -> Report {
      try HTTPConnection(port: world.ports.admin).request("GET", "/v1/ecs-coverage")
        .decoded(as: Report.self)
    }

    @Test func `is told by resolver`() throws {
      let world = try World {
        $0.replacing("\ndns:\n", with: "\ndns:\n  ecs_coverage: {sample: 1}\n")
      }
      for _ in 0..<3 {
        _ = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.0", bits: 24))
      }
      for _ in 0..<2 { _ = try world.ask(DNSQuestion("www.example.org")) }
      eventually("five sampled queries") { try report(world).sampledQueries >= 5 }
      let told = try report(world)
      #expect(told.resolvers.map(\.prefix) == ["127.0.0.0/24"])
      #expect(told.resolvers.first?.withEcs == 3 && told.resolvers.first?.withoutEcs == 2)
      let metrics = try HTTPConnection(port: world.ports.admin).request("GET", "/metrics").text
      #expect(metrics.contains("azimuth_ecs_sampled_queries_total{ecs=\"yes\"} 3\n"))
      #expect(
        metrics.contains("azimuth_ecs_resolver_queries{resolver=\"127.0.0.0/24\",ecs=\"no\"} 2\n"))
    }
  }
}
