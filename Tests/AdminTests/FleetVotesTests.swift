import Admin
import Testing

@Suite struct `GET /v1/fleet/votes` {
  @Test func `tells who says what, and what it comes to`() async throws {
    var world = try AdminWorld()
    world.sources.fleetVotes = {
      FleetVotesReport(
        standing: "voting", isIsolated: false,
        endpoints: [
          .init(
            id: "oslo/web/192.0.2.1:80", region: "oslo", health: "healthy", basis: "own_region",
            voices: 2, voicesDown: 1,
            votes: [
              .init(
                node: "edge-1", region: "tokyo", isIsolated: true, health: "unhealthy", since: 7,
                share: 100, roundTripMilliseconds: nil)
            ])
        ])
    }
    let reply = try await world.get("/v1/fleet/votes")
    #expect(reply.status == 200)
    #expect(
      reply.text.filter { !$0.isWhitespace } == """
        {"endpoints":[{"basis":"own_region","health":"healthy","id":"oslo/web/192.0.2.1:80",\
        "region":"oslo","voices":2,"voices_down":1,"votes":[{"health":"unhealthy",\
        "isolated":true,"node":"edge-1","region":"tokyo","share":100,"since":7}]}],\
        "isolated":false,"standing":"voting"}
        """)
    #expect(try await world.get("/v1/fleet/votes?node=edge-1").status == 400)
  }

  @Test func `is not there for a node by itself`() async throws {
    #expect(try await AdminWorld().get("/v1/fleet/votes").status == 404)
  }
}
