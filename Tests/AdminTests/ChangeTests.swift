import Admin
import Editions
import HTTPTypes
import Publishing
import Routing
import Settings
import TestSupport
import Testing

@Suite struct `A change over the admin API` {
  static let down = #"{"state": "down", "reason": "maintenance"}"#

  static let changes: [(HTTPRequest.Method, String)] = [
    (.put, "/v1/overrides/tokyo"), (.delete, "/v1/overrides/tokyo"), (.post, "/v1/reload"),
  ]

  @Test(arguments: changes)
  func `is for nobody where no token is configured`(
    method: HTTPRequest.Method, path: String
  ) async throws {
    let reply = try await AdminWorld(token: nil).ask(
      method, path, headers: [.authorization: "Bearer "], body: Self.down)
    #expect(reply.status == 403)
    #expect(reply.json["detail"].string?.hasPrefix("no token configured") == true)
  }

  static let wrongTokens = [
    nil, "", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Bearer S3CRET", "s3cret",
    "Basic s3cret", "Bearer  s3cret", "Bearer s3crets3cret",
  ]

  @Test(arguments: wrongTokens)
  func `is not for those without the token`(authorization: String?) async throws {
    let world = try AdminWorld()
    for (method, path) in Self.changes {
      let headers: HTTPFields = authorization.map { [.authorization: $0] } ?? [:]
      let reply = try await world.ask(method, path, headers: headers, body: Self.down)
      #expect(reply.status == 401)
      #expect(reply.headers[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true)
      #expect(await world.publisher.overrides.isEmpty)
    }
  }

  @Test(arguments: ["Bearer s3cret", "bearer s3cret", "BEARER s3cret"])
  func `is for those with the token`(authorization: String) async throws {
    let reply = try await AdminWorld().ask(
      .post, "/v1/reload", headers: [.authorization: authorization])
    #expect(reply.status == 200)
    #expect(reply.json["revision"].number == 1)
  }

  @Test func `by an override takes a region out and shows everywhere`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let body =
      #"{"state": "down", "reason": "maintenance", "author": "ada", "expires_in": "30m"}"#
    let put = try await world.change(.put, "/v1/overrides/tokyo", body: body)
    #expect(put.status == 201)
    #expect(put.json["target"].string == "tokyo")
    #expect(put.json["set_at"].string == "2026-01-01T00:00:00.000Z")
    #expect(put.json["expires_at"].string == "2026-01-01T00:30:00.000Z")
    let list = try await world.get("/v1/overrides")
    #expect(list.json["overrides"] == .array([put.json]))
    #expect(try await world.get("/v1/overrides/tokyo").json == put.json)
    let route = try await world.get("/v1/route?ip=10.1.1.1&name=www.example.org")
    #expect(route.json["outcome"]["regions"].items.contains(.string("tokyo")) == false)
    #expect(route.json["candidates"][0]["health"].string == "removed")
    let region = try await world.get("/v1/regions").json["regions"].item("name", "tokyo")
    #expect(region["override"].string == "down")
    #expect(region["pools"][0]["health"].string == "removed")
    let endpoint = try await world.get("/v1/endpoints").json["endpoints"].item("region", "tokyo")
    #expect(endpoint["override"].string == "down")
    #expect(endpoint["health"].string == "healthy")
    #expect(endpoint["standing"].string == "removed")
  }

  @Test func `by an override ends with its time`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let body = #"{"state": "drain", "reason": "x", "expires_at": "2026-01-01T01:00:00+00:30"}"#
    let put = try await world.change(.put, "/v1/overrides/tokyo", body: body)
    #expect(put.json["expires_at"].string == "2026-01-01T00:30:00.000Z")
    world.clock.advance(1799)
    await world.publisher.advance()
    #expect(try await world.get("/v1/overrides").json["overrides"].items.count == 1)
    world.clock.advance(1)
    await world.publisher.advance()
    #expect(try await world.get("/v1/overrides").json["overrides"].items.isEmpty)
    let route = try await world.get("/v1/route?ip=10.1.1.1&name=www.example.org")
    #expect(route.json["outcome"]["regions"] == .array([.string("tokyo")]))
  }

  @Test func `by an override is replaced, and taken back`() async throws {
    let world = try AdminWorld()
    let path = "/v1/overrides/tokyo/web"
    #expect(try await world.change(.put, path, body: Self.down).status == 201)
    let again = try await world.change(.put, path, body: #"{"state": "up", "reason": "y"}"#)
    #expect(again.status == 200)
    #expect(again.json["author"].string == "admin")
    #expect(again.json["expires_at"] == .null)
    #expect(try await world.get("/v1/overrides").json["overrides"].items.count == 1)
    #expect(try await world.change(.delete, path).status == 204)
    #expect(try await world.change(.delete, path).status == 404)
    let auto = try await world.change(.put, path, body: #"{"state": "auto", "reason": "y"}"#)
    #expect(auto.status == 200)
    #expect(await world.publisher.overrides.isEmpty)
  }

  static let targets: [(path: String, target: String)] = [
    ("tokyo", "tokyo"), ("tokyo/web", "tokyo/web"),
    ("tokyo/web/127.0.10.1:8080", "tokyo/web/127.0.10.1:8080"),
    ("tokyo/web/127.0.10.1%3A8080", "tokyo/web/127.0.10.1:8080"),
    ("tokyo/web/%5B2001:DB8:ff:0::1%5d:8080", "tokyo/web/[2001:db8:ff::1]:8080"),
  ]

  @Test(arguments: targets)
  func `is for a region, its part of a pool, or an endpoint`(
    path: String, target: String
  ) async throws {
    let world = try AdminWorld()
    let put = try await world.change(.put, "/v1/overrides/\(path)", body: Self.down)
    #expect(put.status == 201)
    #expect(put.json["target"].string == target)
    let covered = world.publisher.desk.take().board.conditions.count { $0.override == .down }
    #expect(covered == (target == target.prefix { $0 != "/" } || target == "tokyo/web" ? 3 : 1))
  }

  @Test(arguments: ["oslo", "tokyo/eu", "tokyo/web/127.0.10.9:8080", "tokyo/web/x", "tok"])
  func `is not for what is not there`(path: String) async throws {
    let reply = try await AdminWorld().change(.put, "/v1/overrides/\(path)", body: Self.down)
    #expect(reply.status == 404)
    let detail = "there is no region, availability zone, pool or endpoint \(path)"
    #expect(reply.json["detail"].string?.hasPrefix(detail) == true)
  }

  struct Body: Sendable, CustomTestStringConvertible {
    var text: String
    var status = 422
    var pointers: [String] = []
    var testDescription: String { text }
  }

  static let wrongBodies: [Body] = [
    Body(text: "", status: 400), Body(text: "{", status: 400), Body(text: "\u{0}", status: 400),
    Body(text: "[]"), Body(text: "3"), Body(text: "{}", pointers: ["/state", "/reason"]),
    Body(text: #"{"state": "down"}"#, pointers: ["/reason"]),
    Body(text: #"{"state": "off", "reason": "x"}"#, pointers: ["/state"]),
    Body(text: #"{"state": 1, "reason": null}"#, pointers: ["/state", "/reason"]),
    Body(text: #"{"state": "down", "reason": "  "}"#, pointers: ["/reason"]),
    Body(text: #"{"state": "down", "reason": "a\nb"}"#, pointers: ["/reason"]),
    Body(text: #"{"state": "down", "reason": "x", "author": ""}"#, pointers: ["/author"]),
    Body(text: #"{"state": "down", "reason": "x", "a/~b": 1}"#, pointers: ["/a~1~0b"]),
    Body(text: #"{"state": "down", "reason": "x", "expires_in": 30}"#, pointers: ["/expires_in"]),
    Body(text: #"{"state": "down", "reason": "x", "expires_in": "30"}"#, pointers: ["/expires_in"]),
    Body(text: #"{"state": "down", "reason": "x", "expires_in": "0s"}"#, pointers: ["/expires_in"]),
    Body(
      text: #"{"state": "down", "reason": "x", "expires_in": "9999999d"}"#,
      pointers: ["/expires_in"]),
    Body(
      text: #"{"state": "down", "reason": "x", "expires_at": "tomorrow"}"#,
      pointers: ["/expires_at"]),
    Body(
      text: #"{"state": "down", "reason": "x", "expires_at": "2025-12-31T23:59:59Z"}"#,
      pointers: ["/expires_at"]),
    Body(
      text: #"{"state": "down", "reason": "x", "expires_in": "1m", "expires_at": "x"}"#,
      pointers: ["/expires_at"]),
  ]

  @Test(arguments: wrongBodies)
  func `with a wrong body changes nothing and hears why`(body: Body) async throws {
    let world = try AdminWorld()
    let reply = try await world.change(.put, "/v1/overrides/tokyo", body: body.text)
    #expect(reply.status == body.status)
    #expect(reply.type == "application/problem+json")
    #expect(reply.json["errors"].items.compactMap { $0["pointer"].string } == body.pointers)
    #expect(await world.publisher.overrides.isEmpty)
  }

  @Test(arguments: [nil, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
  func `must say that it is JSON`(type: String?) async throws {
    var headers: HTTPFields = [.authorization: "Bearer \(AdminWorld.token)"]
    headers[.contentType] = type
    let reply = try await AdminWorld().ask(
      .put, "/v1/overrides/tokyo", headers: headers, body: Self.down)
    #expect(reply.status == 415)
  }

  @Test func `may say which characters its JSON has`() async throws {
    let headers: HTTPFields = [
      .authorization: "Bearer \(AdminWorld.token)",
      .contentType: "Application/JSON; charset=utf-8",
    ]
    let reply = try await AdminWorld().ask(
      .put, "/v1/overrides/tokyo", headers: headers, body: Self.down)
    #expect(reply.status == 201)
  }

  @Test func `may not be of any length`() async throws {
    let long = String(repeating: "x", count: 20_000)
    let reply = try await AdminWorld().change(
      .put, "/v1/overrides/tokyo", body: #"{"state": "down", "reason": "\#(long)"}"#)
    #expect(reply.status == 413)
    #expect(reply.type == "application/problem+json")
  }

  @Test func `by a reload shows every fault`() async throws {
    var world = try AdminWorld()
    world.sources.reload = { _ in
      throw Faults([
        Fault(
          origin: Origin(file: "a.yaml", line: 3, path: "regions.tokyo.locaton"),
          message: "unknown key", suggestion: "did you mean \"location\"?"),
        Fault(origin: Origin(file: "b.mmdb"), message: "is no database"),
      ])
    }
    let reply = try await world.change(.post, "/v1/reload")
    #expect(reply.status == 422)
    let errors = reply.json["errors"]
    #expect(errors.items.count == 2)
    #expect(errors[0]["file"].string == "a.yaml")
    #expect(errors[0]["line"].number == 3)
    #expect(errors[0]["path"].string == "regions.tokyo.locaton")
    #expect(errors[0]["suggestion"].string == "did you mean \"location\"?")
    #expect(errors[1].keys == ["detail", "file"])
  }

  @Test func `is never made by reading`() async throws {
    var world = try AdminWorld()
    world.sources.reload = { _ in Issue.record("reloaded by reading") }
    let before = world.publisher.desk.take().number
    for endpoint in ["/v1/reload", "/v1/overrides/tokyo", "/v1/overrides"] {
      _ = try await world.get(endpoint)
      _ = try await world.ask(.head, endpoint)
    }
    #expect(world.publisher.desk.take().number == before)
  }
}
