import Admin
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Places
import Settings
import TestSupport
import Testing

@Suite struct `A token of the admin API` {
  static let tokens = Settings.Admin.Scope.allCases.map {
    Settings.Admin.Token(
      name: "\($0)-er", hash: TokenHash(of: "of-\($0)".utf8), scope: $0)
  }

  struct Ask: Sendable, CustomTestStringConvertible {
    var method: HTTPRequest.Method
    var uri: String
    var scope: Settings.Admin.Scope

    init(_ method: HTTPRequest.Method, _ uri: String, _ scope: Settings.Admin.Scope) {
      (self.method, self.uri, self.scope) = (method, uri, scope)
    }

    var testDescription: String { "\(method) \(uri)" }
  }

  static let asks = [
    Ask(.get, "/v1/status", .read), Ask(.get, "/v1", .read), Ask(.get, "/metrics", .read),
    Ask(.get, "/v1/overrides/tokyo", .read), Ask(.get, "/v1/config", .read),
    Ask(.head, "/v1/regions", .read),
    Ask(.put, "/v1/overrides/tokyo", .operate), Ask(.delete, "/v1/overrides/tokyo", .operate),
    Ask(.post, "/v1/failback/tokyo", .operate), Ask(.post, "/v1/simulate", .operate),
    Ask(.post, "/v1/primaries/web/promote", .operate), Ask(.post, "/v1/rollout/stop", .operate),
    Ask(.post, "/v1/conflicts/tokyo/acknowledge", .operate),
    Ask(.post, "/v1/latency-samples", .operate),
    Ask(.post, "/v1/reload", .admin), Ask(.put, "/v1/config/global", .admin),
    // The text of a rollout is configuration.
    Ask(.put, "/v1/rollout", .admin), Ask(.post, "/v1/rollout/finish", .admin),
    Ask(.post, "/v1/rollout/resume", .admin), Ask(.post, "/v1/rollout/abandon", .operate),
    Ask(.post, "/v1/rollout/none", .operate),
    Ask(.delete, "/v1/config/global", .admin),
  ]

  private func world(readsWantToken: Bool = false) throws -> AdminWorld {
    var world = try AdminWorld()
    let settings = Settings.Admin(tokens: Self.tokens, readsWantToken: readsWantToken)
    world.sources.settings = { settings }
    return world
  }

  private func ask(
    _ world: AdminWorld, _ ask: Ask, with token: Settings.Admin.Scope?
  ) async throws -> Reply {
    try await world.ask(
      ask.method, ask.uri, headers: token.map { [.authorization: "Bearer of-\($0)"] } ?? [:])
  }

  @Test(arguments: asks) func `is enough for what its scope says, and no more`(ask: Ask)
    async throws
  {
    let world = try world(readsWantToken: true)
    let missing = try await self.ask(world, ask, with: nil)
    #expect(missing.status == 401)
    for scope in Settings.Admin.Scope.allCases {
      let reply = try await self.ask(world, ask, with: scope)
      #expect((reply.status == 403) == (scope < ask.scope), "\(scope): \(reply.text)")
      #expect(reply.status != 401)
      guard scope < ask.scope else { continue }
      #expect(
        reply.headers[.wwwAuthenticate]
          == #"Bearer realm="azimuth", error="insufficient_scope", scope="\#(ask.scope)""#)
      #expect(reply.json["detail"].string == "\(scope)-er may \(scope); this wants \(ask.scope)")
    }
  }

  @Test func `is not needed to read, unless the settings say so`() async throws {
    for ask in Self.asks where ask.scope == .read {
      #expect(try await self.ask(world(), ask, with: nil).status != 401)
      #expect(try await self.ask(world(readsWantToken: true), ask, with: nil).status == 401)
    }
    for uri in ["/", "/dashboard/dashboard.js", "/livez", "/readyz"] {
      let reply = try await world(readsWantToken: true).get(uri)
      #expect(reply.status == 200, "\(uri) tells nothing of the node, and goes without")
    }
    // A token that was taken away must not withdraw routes.
    for headers in [[:], [.authorization: "Bearer x"]] as [HTTPFields] {
      let reply = try await world(readsWantToken: true).ask(.get, "/v1/anycast", headers: headers)
      #expect(reply.text.contains("this node has no anycast addresses"))
    }
  }

  /// Whoever is named as the author: anybody can write that.
  @Test func `is named in the log with what was done with it`() async throws {
    var world = try world()
    let lines = LogLines()
    world.logger = lines.logger
    let headers: HTTPFields = [
      .authorization: "Bearer of-operate", .contentType: "application/json",
    ]
    let body = #"{"state": "down", "reason": "x", "author": "ada"}"#
    _ = try await world.ask(.put, "/v1/overrides/tokyo", headers: headers, body: body)
    _ = try await world.ask(.delete, "/v1/overrides/tokyo", headers: headers)
    let said = lines.all.filter { $0.hasPrefix("override ") }
    #expect(said.count == 2)
    #expect(said.first?.contains("author=ada") == true, "\(said)")
    #expect(said.allSatisfy { $0.contains("token=operate-er") }, "\(said)")
  }

  @Test func `names the author of what is done with it`() async throws {
    let world = try world()
    let headers: HTTPFields = [
      .authorization: "Bearer of-operate", .contentType: "application/json",
    ]
    let put = try await world.ask(
      .put, "/v1/overrides/tokyo", headers: headers, body: `A change over the admin API`.down)
    #expect(put.json["author"].string == "operate-er")
    let other = #"{"state": "down", "reason": "x", "author": "ada"}"#
    let again = try await world.ask(.put, "/v1/overrides/tokyo", headers: headers, body: other)
    #expect(again.json["author"].string == "ada")
  }

  /// Over a socket, where there is an address.
  private func withClient(
    of world: AdminWorld, _ test: @escaping @Sendable (any TestClientProtocol) async throws -> Void
  ) async throws {
    let server = AdminServer(
      world.sources, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let application = server.application(at: .hostname("127.0.0.1", port: 0))
    try await application.test(.live, test)
  }

  /// One that a script still shows, and that matters nowhere, locks nobody out.
  @Test func `is not counted where it is not needed, nor the same one twice`() async throws {
    let world = try world()
    try await withClient(of: world) { client in
      for number in 0..<2 * FailureLimiter.burst {
        for (method, uri, token, status) in [
          (.get, "/v1/status", "open \(number)", .ok), (.get, "/livez", "live \(number)", .ok),
          (.post, "/v2", "nothing \(number)", .notFound),
          (.post, "/v1/status", "method \(number)", .methodNotAllowed),
          (.post, "/v1/reload", "stale", .unauthorized), (.post, "/v1/reload", "of-admin", .ok),
        ] as [(HTTPRequest.Method, String, String, HTTPResponse.Status)] {
          let answer = try await client.executeRequest(
            uri: uri, method: method, headers: [.authorization: "Bearer \(token)"], body: nil)
          #expect(answer.status == status, "\(method) \(uri) with \(token)")
        }
      }
    }
  }

  @Test func `that is refused is counted by the reason`() async throws {
    let world = try world(readsWantToken: true)
    for (headers, count) in [
      ([:], 1), ([.authorization: "Bearer x"], 2), ([.authorization: "Bearer of-read"], 3),
      ([.authorization: "Bearer of-admin", .origin: "http://evil.example"], 4),
    ] as [(HTTPFields, Int)] {
      for _ in 0..<count { _ = try await world.ask(.post, "/v1/reload", headers: headers) }
    }
    let text = try await world.ask(
      .get, "/metrics", headers: [.authorization: "Bearer of-read"]
    ).text
    for (reason, count) in [
      ("missing", 1), ("wrong", 2), ("scope", 3), ("origin", 4), ("limited", 0), ("host", 0),
    ] {
      #expect(text.contains("azimuth_admin_refused_total{reason=\"\(reason)\"} \(count)\n"))
    }
  }

  @Test func `is not listened to from where too many wrong ones came`() async throws {
    let world = try world()
    try await withClient(of: world) { client in
      func status(_ token: String) async throws -> TestResponse {
        try await client.executeRequest(
          uri: "/v1/reload", method: .post, headers: [.authorization: "Bearer \(token)"], body: nil)
      }
      for number in 0..<FailureLimiter.burst {
        #expect(try await status("x\(number)").status == .unauthorized)
      }
      let refused = try await status("of-admin")
      #expect(refused.status == .tooManyRequests)
      #expect(refused.headers[.retryAfter] == "6")
      #expect(refused.headers[.contentType] == "application/problem+json")
      // Reading is for everyone all the same.
      let read = try await client.executeRequest(
        uri: "/v1/status", method: .get, headers: [.authorization: "Bearer x"], body: nil)
      #expect(read.status == .ok)
      world.clock.advance(FailureLimiter.interval)
      #expect(try await status("of-admin").status == .ok)
    }
  }
}
