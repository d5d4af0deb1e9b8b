import Foundation
import Testing

extension EndToEnd {
  @Suite struct `The admin API` {
    static let world = Result { try World() }

    @Test func `a drained region loses its clients, and gets them back`() throws {
      let world = try Self.world.get()
      #expect(try world.dnsRegion(of: "133.11.0.1") == "tokyo")
      #expect(try world.override("tokyo", state: "drain").status / 100 == 2)
      #expect(try world.dnsRegion(of: "133.11.0.1") != "tokyo")
      let route = try world.route("133.11.0.1")
      let tokyo = try #require(route.candidates.first { $0.region == "tokyo" })
      #expect(!tokyo.chosen && !tokyo.reason.isEmpty)
      let removed = try world.admin("DELETE", "/v1/overrides/tokyo", token: World.token)
      #expect(removed.status / 100 == 2)
      #expect(try world.dnsRegion(of: "133.11.0.1") == "tokyo")
    }

    @Test func `a decision comes with its ordered candidates and the reason of each`() throws {
      let route = try Self.world.get().route("133.11.0.1")
      #expect(route.candidates.map(\.region).count == World.names.count)
      let distances = route.candidates.compactMap(\.distanceKm)
      #expect(distances == distances.sorted() && distances.count == World.names.count)
      #expect(route.candidates.allSatisfy { !$0.reason.isEmpty && $0.health == "healthy" })
      #expect(route.candidates.filter(\.chosen).map(\.region) == ["tokyo"])
      #expect(route.ttl == 20)
    }

    @Test(arguments: [
      ("PUT", "/v1/overrides/tokyo"), ("DELETE", "/v1/overrides/tokyo"), ("POST", "/v1/reload"),
    ])
    func `whatever changes state wants the token`(method: String, path: String) throws {
      let world = try Self.world.get()
      let before = try world.route("133.11.0.1")
      for token in [nil, "wrong", ""] {
        let response = try world.admin(
          method, path, body: #"{"state": "down", "reason": "r", "author": "a"}"#, token: token)
        #expect(response.status == 401)
        #expect(response.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
        try expectProblem(response)
      }
      let after = try world.route("133.11.0.1")
      #expect(after.revision == before.revision && after.outcome == before.outcome)
    }

    @Test(arguments: ["/v1/reload", "/v1/overrides/tokyo?state=down", "/v1/overrides/tokyo"])
    func `GET changes nothing, not even with the token`(path: String) throws {
      let world = try Self.world.get()
      let before = try world.route("133.11.0.1")
      _ = try world.admin("GET", path, token: World.token)
      let after = try world.route("133.11.0.1")
      #expect(after.revision == before.revision && after.outcome == before.outcome)
    }

    @Test(arguments: [
      "/v1/route", "/v1/route?ip=nonsense&name=www.example.org", "/v1/route?ip=133.11.0.1",
      "/v1/route?ip=133.11.0.1&listener=nonsense", "/v1/nonsense",
      "/v1/route?ip=133.11.0.1&name=\(String(repeating: "a", count: 300))",
    ])
    func `what cannot be answered is a problem with its status`(path: String) throws {
      try expectProblem(try Self.world.get().admin("GET", path))
    }

    @Test(arguments: [
      ("nonsense", #"{"state": "down", "reason": "r", "author": "a"}"#),
      ("tokyo", #"{"state": "sideways", "reason": "r", "author": "a"}"#), ("tokyo", "{"),
      ("tokyo/nonsense", #"{"state": "down", "reason": "r", "author": "a"}"#),
    ])
    func `an override that means nothing is refused`(target: String, body: String) throws {
      let path = "/v1/overrides/\(target)"
      try expectProblem(
        try Self.world.get().admin("PUT", path, body: body, token: World.token))
    }

    @Test(arguments: ["/v1/status", "/v1/regions", "/v1/endpoints"])
    func `state is shown as JSON`(path: String) throws {
      let response = try Self.world.get().admin("GET", path)
      #expect(response.status == 200)
      #expect(response.headers["content-type"]?.hasPrefix("application/json") == true)
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(response.body))
      }
      if path != "/v1/status" { #expect(response.text.contains("tokyo")) }
    }

    @Test func `metrics count what was answered`() throws {
      let world = try Self.world.get()
      let client = try DNSClient(port: world.ports.dns)
      let before = try sum(of: "azimuth_dns", world)
      for _ in 0..<100 { _ = try client.ask(DNSQuestion("www.example.org")) }
      #expect(try sum(of: "azimuth_dns", world) >= before + 100)
      let response = try world.admin("GET", "/metrics")
      #expect(response.headers["content-type"]?.hasPrefix("text/plain") == true)
      for line in response.text.split(separator: "\n") where !line.hasPrefix("#") {
        #expect(line.contains(#/^[a-z_]+(\{[^}]*\})? -?[\d.e+]+$|(NaN|Inf)$/#), "\(line)")
      }
    }

    @Test func `it is alive and ready, and says of what`() throws {
      let world = try Self.world.get()
      #expect(try world.admin("GET", "/livez").status == 200)
      let ready = try world.admin("GET", "/readyz?verbose")
      #expect(ready.status == 200 && !ready.body.isEmpty)
    }

    @Test func `a node of no fleet has no shared configuration`() throws {
      let world = try Self.world.get()
      for (method, path) in [("GET", "/v1/config"), ("DELETE", "/v1/config/global")] {
        let answer = try world.admin(method, path, token: World.token)
        #expect(answer.status == 404 && answer.text.contains("in no fleet"))
      }
    }

    private func sum(of prefix: String, _ world: World) throws -> Double {
      try world.admin("GET", "/metrics").text.split(separator: "\n")
        .filter { $0.hasPrefix(prefix) && !$0.contains("_bucket") }
        .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    /// RFC 9457: the kind of the body, and the status in it.
    private func expectProblem(
      _ response: HTTPConnection.Response, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      struct Problem: Decodable {
        var status: Int
        var title: String
      }
      #expect((400..<500).contains(response.status), sourceLocation: sourceLocation)
      #expect(
        response.headers["content-type"]?.hasPrefix("application/problem+json") == true,
        "\(response.text)", sourceLocation: sourceLocation)
      let problem = try response.decoded(as: Problem.self)
      #expect(problem.status == response.status, sourceLocation: sourceLocation)
      #expect(!problem.title.isEmpty, sourceLocation: sourceLocation)
    }
  }
}
