import Admin
import Testing

@Suite struct `GET /v1/latency` {
  @Test func `tells what is expected of a client, and who has measured it`() async throws {
    var world = try AdminWorld()
    world.sources.latency = { client in
      LatencyReport(
        networks: 2, isShared: true,
        nodes: [.init(node: "edge-2", regions: ["oslo"], figures: 7, ageSeconds: 12)],
        malformed: ["edge-9"],
        client: client.map { _ in
          .init(
            network: "192.0.2.0/24",
            regions: [
              .init(
                region: "oslo", milliseconds: 30.5, basis: "network", confidence: 0.99,
                sources: [
                  .init(node: "edge-2", milliseconds: 31, samples: 8, ageSeconds: 12),
                  .init(node: "edge-1", milliseconds: 30, samples: 8.5, ageSeconds: nil),
                ])
            ])
        })
    }
    let reply = try await world.get("/v1/latency?ip=192.0.2.7")
    #expect(reply.status == 200)
    #expect(
      reply.text.filter { !$0.isWhitespace } == """
        {"client":{"network":"192.0.2.0/24","regions":[{"basis":"network","confidence":0.99,\
        "milliseconds":30.5,"region":"oslo","sources":[{"age_seconds":12,"milliseconds":31,\
        "node":"edge-2","samples":8},{"milliseconds":30,"node":"edge-1","samples":8.5}]}]},\
        "malformed":["edge-9"],"networks":2,"nodes":[{"age_seconds":12,"figures":7,\
        "node":"edge-2","regions":["oslo"]}],"shared":true}
        """)
    #expect(try await !world.get("/v1/latency").text.contains("client"))
    #expect(try await world.get("/v1/latency?ip=tokyo").status == 400)
    #expect(try await world.get("/v1/latency?region=oslo").status == 400)
  }

  @Test func `is not there where nobody asks for latencies`() async throws {
    #expect(try await AdminWorld().get("/v1/latency").status == 404)
  }
}
