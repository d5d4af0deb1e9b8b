import HTTPTypes
import Publishing
import TestSupport
import Testing

@Suite struct `A safety rule` {
  private static let down = #"{"state": "down", "reason": "maintenance"}"#

  private static func configuration(_ safety: String = "") -> String {
    """
    regions: {tokyo: {}, oslo: {capacity: {connections_per_second: 300}}, lima: {dial: 50%}}
    pools:
      web:
        endpoints:
          tokyo: ["192.0.2.1:80", "192.0.2.2:80"]
          oslo: ["192.0.2.3:80"]
          lima: ["192.0.2.4:80"]
    policies: {near: {type: failover, order: [tokyo, oslo, lima]}}
    services: {web: {pool: web, policy: near}}
    \(safety)
    """
  }

  private func put(
    _ target: String, _ body: String, in world: AdminWorld
  ) async throws -> (status: Int, detail: String) {
    let reply = try await world.change(.put, "/v1/overrides/\(target)", body: body)
    return (reply.status, reply.json["detail"].string ?? "")
  }

  @Test(arguments: [
    down, #"{"state": "drain", "reason": "x"}"#, #"{"dial": "0%", "reason": "x"}"#,
  ])
  func `keeps the last region of a service on, unless an operator names the rule`(
    body: String
  ) async throws {
    let world = try AdminWorld(configuration: Self.configuration())
    #expect(try await put("tokyo", Self.down, in: world).status == 201)
    #expect(try await put("oslo/web", Self.down, in: world).status == 201)
    let refused = try await put("lima", body, in: world)
    #expect(refused.status == 409)
    #expect(
      refused.detail.hasPrefix(
        "the safety rule minimum_regions stands against it: 0 of at least 1 regions of web"),
      "\(refused.detail)")
    #expect(await world.publisher.overrides.count == 2)
    // Nor by its only endpoint.
    if body.contains("state") {
      #expect(try await put("lima/web/192.0.2.4:80", body, in: world).status == 409)
    }
    #expect(try await put("lima?override_rule=minimum_regions", body, in: world).status == 201)
    // What is broken already may be said again, and mended.
    #expect(try await put("lima", body, in: world).status == 200)
    #expect(try await world.change(.delete, "/v1/overrides/lima").status == 204)
  }

  @Test func `is named in the body as well, and only by its name`() async throws {
    let world = try AdminWorld(configuration: Self.configuration("safety: {minimum_regions: 3}"))
    let other = #"{"state": "down", "reason": "x", "override_rule": "minimum_capacity"}"#
    #expect(try await put("tokyo", other, in: world).status == 409)
    let wrong = #"{"state": "down", "reason": "x", "override_rule": "all"}"#
    #expect(try await put("tokyo", wrong, in: world).status == 422)
    #expect(try await put("tokyo?override_rule=all", Self.down, in: world).status == 422)
    let right = #"{"state": "down", "reason": "x", "override_rule": "minimum_regions"}"#
    #expect(try await put("tokyo", right, in: world).status == 201)
  }

  @Test func `keeps so much capacity on, by endpoints where not all regions say theirs`()
    async throws
  {
    let world = try AdminWorld(
      configuration: Self.configuration("safety: {minimum_capacity: 60%}"))
    // 4 endpoints, of which Lima's counts half: 3.5 of 4 are on.
    #expect(try await put("tokyo/web/192.0.2.1:80", Self.down, in: world).status == 201)
    let refused = try await put("oslo", Self.down, in: world)
    #expect(refused.status == 409)
    #expect(
      refused.detail.contains("minimum_capacity stands against it: 37% of at least 60%"),
      "\(refused.detail)")
    #expect(
      try await put("oslo", #"{"dial": "50%", "reason": "x"}"#, in: world).status == 409)
    #expect(try await put("lima", #"{"dial": "40%", "reason": "x"}"#, in: world).status == 201)
  }

  @Test func `is off where its minimum is 0`() async throws {
    let world = try AdminWorld(configuration: Self.configuration("safety: {minimum_regions: 0}"))
    for region in ["tokyo", "oslo", "lima"] {
      #expect(try await put(region, Self.down, in: world).status == 201)
    }
  }
}
