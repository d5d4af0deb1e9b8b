import Foundation
import Testing

extension EndToEnd {
  @Suite struct `Latencies that were measured` {
    static let world = Result {
      try World { configuration in
        configuration.replacing("    type: proximity", with: "    type: latency")
          .replacing("\npools:", with: "\nlatency: {region: tokyo, interval: 1s}\n\npools:")
      }
    }

    @Test func `and posted move the clients of their network`() throws {
      let world = try Self.world.get()
      #expect(try world.dnsRegion(of: "133.11.0.1") == "tokyo")
      let body = """
        {"samples": [
          {"prefix": "133.11.0.0/24", "region": "tokyo", "milliseconds": 300, "samples": 30},
          {"prefix": "133.11.0.0/24", "region": "singapore", "milliseconds": 40, "samples": 30}
        ]}
        """
      let refused = try world.admin("POST", "/v1/latency-samples", body: body)
      #expect(refused.status == 401)
      let posted = try world.admin(
        "POST", "/v1/latency-samples", body: body, token: World.token)
      #expect(posted.status == 200)
      #expect(posted.text.contains("\"taken\" : 2"))
      eventually("the maps follow") { try world.dnsRegion(of: "133.11.0.1") == "singapore" }
      let route = try world.route("133.11.0.1")
      #expect(route.scope == 24)
      #expect(route.candidates.first { $0.region == "singapore" }?.latencyMs ?? 0 < 60)
    }

    @Test func `by the proxy are taken once for each of its connections`() throws {
      let world = try Self.world.get()
      func taken() throws -> Double {
        let text = try world.admin("GET", "/metrics").text
        let line = text.split(separator: "\n").first {
          $0.hasPrefix("azimuth_latency_samples_total{result=\"taken\"}")
        }
        return line.flatMap { Double($0.split(separator: " ").last ?? "") } ?? 0
      }
      let before = try taken()
      for _ in 0..<5 { _ = try world.proxyRegion(from: "127.49.0.1") }
      eventually("they are counted") { try taken() >= before + 5 }
    }
  }
}
