import Admin
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Places
import Routing
import Testing

/// Where a Link header leads; nil: it is the last part.
private func next(_ reply: Reply) -> String? {
  reply.headers[.link].flatMap { link in
    link.wholeMatch(of: #/<([^>]+)>; rel="next"/#).map { String($0.1) }
  }
}

@Suite struct `A long list of the admin API` {
  private func ids(_ reply: Reply) -> [String] {
    reply.json["endpoints"].items.compactMap { $0["id"].string }
  }

  @Test(arguments: 1...8) func `comes whole in parts of any size`(limit: Int) async throws {
    let world = try AdminWorld()
    let all = ids(try await world.get("/v1/endpoints"))
    #expect(all.count == 7 && all == all.sorted())
    var seen: [String] = []
    var uri: String? = "/v1/endpoints?limit=\(limit)"
    while let question = uri {
      let reply = try await world.get(question)
      let part = ids(reply)
      #expect(part.count == min(limit, all.count - seen.count))
      seen += part
      uri = next(reply)
    }
    #expect(seen == all)
  }

  private func set(_ world: AdminWorld, _ target: String) async throws {
    let body = #"{"state": "up", "reason": "r"}"#
    #expect(try await world.change(.put, "/v1/overrides/\(target)", body: body).status == 201)
  }

  private func targets(_ reply: Reply) -> [String] {
    reply.json["overrides"].items.compactMap { $0["target"].string }
  }

  @Test func `gives what stays once, whatever comes and goes meanwhile`() async throws {
    let world = try AdminWorld()
    for target in ["virginia", "frankfurt", "tokyo"] { try await set(world, target) }
    let first = try await world.get("/v1/overrides?limit=2")
    #expect(targets(first) == ["frankfurt", "tokyo"])
    // The one that the cursor is of goes; one comes before it, and one after it.
    _ = try await world.change(.delete, "/v1/overrides/tokyo")
    try await set(world, "frankfurt/web")
    try await set(world, "virginia/eu")
    let second = try await world.get(try #require(next(first)))
    #expect(targets(second) == ["virginia", "virginia/eu"])
    #expect(next(second) == nil)
  }

  @Test func `has what follows a cursor, without a limit too`() async throws {
    let world = try AdminWorld()
    let reply = try await world.get("/v1/regions?cursor=tokyo")
    #expect(reply.json["regions"].items.compactMap { $0["name"].string } == ["virginia"])
    #expect(try await world.get("/v1/regions?cursor=zz").json["regions"].items.isEmpty)
  }

  static let lists = [
    "/v1/endpoints", "/v1/regions", "/v1/zones", "/v1/overrides", "/v1/conflicts",
    "/v1/primaries",
  ]

  @Test(arguments: lists) func `says what is wrong with its question`(uri: String) async throws {
    let world = try AdminWorld()
    #expect(try await world.get("\(uri)?limit=1000&cursor=").status == 200)
    let wrong = [
      "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "limits=2",
    ]
    for query in wrong {
      let reply = try await world.get("\(uri)?\(query)")
      #expect(reply.status == 400, "\(query)")
      let name = query.prefix { $0 != "=" }
      #expect(
        reply.json["errors"].items.compactMap { $0["parameter"].string } == [String(name)])
    }
  }

  private func events(_ world: AdminWorld, _ uri: String) async throws -> Reply {
    try await world.ask(.get, uri, headers: [.accept: "application/json"])
  }

  @Test func `of events goes on from event to event`() async throws {
    let world = try AdminWorld()
    await world.heal()
    await world.report(.unhealthy, of: "tokyo")
    let all = try await events(world, "/v1/events").json["events"].items
    #expect(all.count > 5)
    var seen: [JSON] = []
    var uri: String? = "/v1/events?limit=2"
    while let question = uri {
      let reply = try await events(world, question)
      #expect(reply.json["events"].items.count <= 2)
      seen += reply.json["events"].items
      uri = next(reply)
    }
    #expect(seen == all)
    for query in ["cursor=x", "limit=0", "since=1&cursor=2"] {
      #expect(try await events(world, "/v1/events?\(query)").status == 400, "\(query)")
    }
    // A stream has no parts.
    #expect(try await world.get("/v1/events?follow=false&limit=2").status == 400)
  }
}

@Suite struct `What may be kept of the admin API` {
  static let uris = [
    "/", "/dashboard/dashboard.js", "/problems", "/problems/busy", "/v1/openapi.json",
    "/v1/regions", "/v1/endpoints", "/v1/endpoints?limit=2", "/v1/zones", "/v1/overrides",
    "/v1/conflicts", "/v1/route?ip=10.1.1.1&name=www.example.org",
  ]

  @Test(arguments: uris) func `is not sent again to those who have it`(uri: String) async throws {
    let world = try AdminWorld()
    let first = try await world.get(uri)
    let tag = try #require(first.headers[.eTag])
    #expect(first.status == 200 && first.headers[.cacheControl] == "private, no-cache")
    for known in [tag, "W/\(tag)", "\"x\" ,\t\(tag)", "*"] {
      let again = try await world.ask(.get, uri, headers: [.ifNoneMatch: known])
      #expect(again.status == 304 && again.text.isEmpty, "\(known)")
      #expect(again.headers[.eTag] == tag && again.headers[.link] == first.headers[.link])
      // RFC 9110 §8.6: of what is not sent, or nothing.
      #expect(again.headers[.contentLength] == "\(first.text.utf8.count)")
    }
    for known in ["\"x\"", "", tag.replacing("\"", with: "")] {
      let other = try await world.ask(.get, uri, headers: [.ifNoneMatch: known])
      #expect(other.status == 200 && other.text == first.text, "\(known)")
    }
    #expect(try await world.ask(.head, uri, headers: [.ifNoneMatch: tag]).status == 304)
  }

  @Test func `has another tag once it is another`() async throws {
    let world = try AdminWorld()
    let before = try await world.get("/v1/endpoints").headers[.eTag]
    #expect(try await world.get("/v1/endpoints").headers[.eTag] == before)
    await world.heal()
    #expect(try await world.get("/v1/endpoints").headers[.eTag] != before)
  }

  @Test func `has another tag once it leads on`() async throws {
    let world = try AdminWorld()
    let body = #"{"state": "drain", "reason": "r"}"#
    _ = try await world.change(.put, "/v1/overrides/tokyo", body: body)
    let before = try await world.get("/v1/overrides?limit=1")
    _ = try await world.change(.put, "/v1/overrides/virginia", body: body)
    let after = try await world.get("/v1/overrides?limit=1")
    #expect(before.text == after.text)
    #expect(before.headers[.eTag] != after.headers[.eTag])
  }

  @Test(arguments: [
    "/livez", "/readyz", "/readyz?verbose", "/metrics", "/v1/status", "/v1/primaries",
    "/v1/events?follow=false", "/v1/route", "/v2",
  ])
  func `is nothing that is of its moment, and no problem`(uri: String) async throws {
    let reply = try await AdminWorld().ask(.get, uri, headers: [.ifNoneMatch: "*"])
    #expect(reply.status != 304 && reply.headers[.eTag] == nil)
    #expect(reply.headers[.cacheControl] == "no-store")
  }
}

@Suite struct `The type of a problem` {
  @Test func `leads to what it means and what to do`() async throws {
    let world = try AdminWorld()
    let list = try await world.get("/problems").text
    for type in ProblemType.allCases {
      let reply = try await world.get(type.uri)
      #expect(reply.status == 200 && reply.type == "text/plain; charset=utf-8")
      #expect(reply.text == type.page)
      #expect(type.explanation.split(separator: "\n").count == 2)
      #expect(list.contains("\(type.uri)\n\(type.title)\n\(type.explanation)\n"))
    }
    #expect(Set(ProblemType.allCases.map(\.page)).count == ProblemType.allCases.count)
    #expect(try await world.get("/problems/none").status == 404)
    #expect(try await world.get("/problems/busy/busy").status == 404)
  }

  static let asked: [(HTTPRequest.Method, String, HTTPFields, ProblemType?)] = [
    (.get, "/v1/route", [:], .notUnderstood), (.get, "/v2", [:], nil),
    (.get, "/v1/fleet", [:], .notConfigured), (.get, "/v1/anycast", [:], .notConfigured),
    (.post, "/v1/reload", [:], .tokenMissing),
    (.post, "/v1/reload", [.authorization: "Bearer x"], .tokenWrong),
    (.post, "/v1/reload", [.origin: "http://evil.example"], .foreignOrigin),
    (.post, "/v1/failback/tokyo", [.authorization: "Bearer \(AdminWorld.token)"], .notHeld),
  ]

  @Test(arguments: asked)
  func `is of the problem, and so is its title`(
    method: HTTPRequest.Method, uri: String, headers: HTTPFields, type: ProblemType?
  ) async throws {
    let problem = try await AdminWorld().ask(method, uri, headers: headers).json
    #expect(problem["type"].string == type?.uri ?? "about:blank")
    #expect(problem["title"].string == type?.title ?? "Not Found")
  }

  @Test func `is explained where metrics alone are served`() async throws {
    let world = try AdminWorld(isReady: false)
    let server = AdminServer(
      world.sources, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let application = server.metricsApplication(
      listen: .init(address: .ipv4(0x7F00_0001), port: 0))
    try await application.test(.router) { client in
      let problem = try await client.executeRequest(
        uri: "/readyz", method: .get, headers: [:], body: nil)
      let type = JSON(String(buffer: problem.body))["type"].string
      #expect(type == ProblemType.notReady.uri)
      let page = try await client.executeRequest(
        uri: type ?? "", method: .get, headers: [:], body: nil)
      #expect(page.status == .ok)
    }
  }
}
