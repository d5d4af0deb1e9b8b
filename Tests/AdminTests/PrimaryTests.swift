import Admin
import Compiling
import Counters
import HTTPTypes
import Publishing
import Routing
import Settings
import Testing

/// The small world with an active-passive service in place of `web`.
private func world() throws -> AdminWorld {
  let text = AdminWorld.configuration
    .replacing(
      "policies:",
      with: "policies:\n  ledger: {type: primary, order: [frankfurt, tokyo], fail_hold: 0s}"
    )
    .replacing("web: {policy: nearest,", with: "web: {policy: ledger,")
  return try AdminWorld(configuration: text)
}

@Suite struct `Primaries over the admin API` {
  @Test func `are listed with their epochs`() async throws {
    let world = try world()
    await world.heal()
    let reply = try await world.get("/v1/primaries")
    let primary = reply.json["primaries"][0]
    #expect(primary["service"].string == "web" && primary["region"].string == "frankfurt")
    #expect(primary["state"].string == "primary" && primary["epoch"].number ?? 0 > 0)
    #expect(primary["order"][1]["health"].string == "healthy")
    let route = try await world.get("/v1/route?ip=10.1.0.1&name=www.example.org")
    #expect(route.json["primary"]["region"].string == "frankfurt")
    #expect(route.json["primary"]["epoch"].number == primary["epoch"].number)
    let other = try await world.get("/v1/route?ip=10.1.0.1&name=eu.example.org")
    #expect(other.json["primary"]["region"].string == nil)
  }

  @Test func `are promoted and given back`() async throws {
    let world = try world()
    await world.heal()
    let promoted = try await world.change(
      .post, "/v1/primaries/web/promote", body: #"{"region": "tokyo", "reason": "drill"}"#)
    #expect(promoted.status == 200 && promoted.json["region"].string == "tokyo")
    #expect(promoted.json["chosen"].bool == true)
    #expect(promoted.json["state"].string == "awaiting_failback")
    let back = try await world.change(.post, "/v1/primaries/web/failback")
    #expect(back.status == 200 && back.json["region"].string == "frankfurt")
    #expect(back.json["epoch"].number == promoted.json["epoch"].number.map { $0 + 1 })
  }

  @Test(arguments: [
    ("/v1/primaries/nothing/failback", nil, 404), ("/v1/primaries/web", nil, 404),
    ("/v1/primaries/web/failback", nil, 409), ("/v1/primaries/web/promote", "{}", 422),
    ("/v1/primaries/web/promote", #"{"region": "frankfurt"}"#, 409),
    ("/v1/primaries/web/promote", #"{"region": "virginia"}"#, 409),
    ("/v1/primaries/web/promote", #"{"region": "tokyo", "epoch": 3}"#, 409),
    ("/v1/primaries/web/promote", #"{"region": "tokyo", "accept_data_loss": 40}"#, 422),
    ("/v1/primaries/web/promote", #"{"region": "tokyo", "force": true}"#, 422),
    ("/v1/primaries/web/promote", "tokyo", 400),
  ])
  func `refuse what cannot be`(path: String, body: String?, status: Int) async throws {
    let world = try world()
    await world.heal()
    let reply = try await world.change(.post, path, body: body)
    #expect(reply.status == status, "\(reply.text)")
    #expect(reply.headers[.contentType]?.hasPrefix("application/problem+json") == true)
  }

  @Test func `are not promoted while unhealthy, and not without the token`() async throws {
    let world = try world()
    await world.heal()
    await world.report(.unhealthy, of: "tokyo")
    let reply = try await world.change(
      .post, "/v1/primaries/web/promote", body: #"{"region": "tokyo"}"#)
    #expect(reply.status == 409 && reply.json["detail"].string == "tokyo is unhealthy")
    #expect(try await world.ask(.post, "/v1/primaries/web/failback").status == 401)
  }
}
