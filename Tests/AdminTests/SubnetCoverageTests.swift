import Admin
import Places
import Testing

@Suite struct `GET /v1/ecs-coverage` {
  private func world() throws -> AdminWorld {
    var world = try AdminWorld()
    let prefix = try #require(AddressPrefix("192.0.2.0/24"))
    world.sources.subnetCoverage = { count in
      SubnetCoverageReport(
        sample: 100, capacity: 1000, sampledQueries: 8, withSubnet: 2,
        resolvers: (0..<min(count, 3)).map { _ in
          SubnetCoverageReport.Resolver(
            prefix: prefix, queries: 5, error: 1, withSubnet: 2, withoutSubnet: 2)
        })
    }
    return world
  }

  @Test func `tells of the resolvers and of all together`() async throws {
    let reply = try await world().get("/v1/ecs-coverage?limit=1")
    #expect(reply.status == 200)
    let text = reply.text.filter { !$0.isWhitespace }
    #expect(
      text == """
        {"capacity":1000,"resolvers":[{"error":1,"prefix":"192.0.2.0/24","queries":5,\
        "with_ecs":2,"without_ecs":2}],"sample":100,"sampled_queries":8,"share":0.25,"with_ecs":2}
        """)
    #expect(try await world().get("/v1/ecs-coverage").text.split(separator: "prefix").count == 4)
  }

  @Test(arguments: ["limit=0", "limit=many", "limit=100001", "count=1"])
  func `refuses what it does not understand`(query: String) async throws {
    #expect(try await world().get("/v1/ecs-coverage?\(query)").status == 400)
  }

  @Test func `is not there while it is off`() async throws {
    #expect(try await AdminWorld().get("/v1/ecs-coverage").status == 404)
  }
}
