import Admin
import HTTPTypes
import Hummingbird
import Logging
import Testing

@Suite struct `A request to the admin API` {
  struct Ask: Sendable, CustomTestStringConvertible {
    var method: HTTPRequest.Method = .get
    var uri: String
    var status: Int
    /// In the detail, or in an item of `errors`.
    var says: String
    /// Of the problem; nil: not understood for 400, else that which the status says.
    var type: ProblemType?

    var testDescription: String { "\(method) \(uri)" }
  }

  static let refused: [Ask] = [
    Ask(uri: "/v1/route", status: 400, says: "missing: the client's address"),
    Ask(uri: "/v1/route?ip=10.1.1.1", status: 400, says: "missing: a name, or a listener"),
    Ask(
      uri: "/v1/route?ip=10.1.1&name=www.example.org", status: 400,
      says: "\"10.1.1\" is no IPv4 or IPv6 address"),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=www.example.org&type=MX", status: 400,
      says: "wants A or AAAA"),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=www.example.org&listener=front", status: 400,
      says: "goes without name: give one of them"),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&listener=front&type=A", status: 400,
      says: "goes with name, not with listener"),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&nmae=www.example.org", status: 400,
      says: "unknown parameter; known are ip, name, listener, server_name, type"),
    Ask(uri: "/v1/route?ip=10.1.1.1&ip=10.1.1.2&name=x", status: 400, says: "given twice"),
    Ask(uri: "/v1/route?ip=10.1.1.1&name=a..b", status: 400, says: "an empty label"),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=fixed.example.org", status: 422,
      says: "fixed.example.org is not steered: every client gets the same records",
      type: .notSteered),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=none.example.org", status: 404,
      says: "there is no name none.example.org in its zone", type: .notServed),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=example.com", status: 404,
      says: "example.com is in no zone of this server", type: .notServed),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&name=gone.example.org", status: 404,
      says: "the service is gone", type: .notServed),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&listener=back", status: 404, says: "there is no listener back",
      type: .notServed),
    Ask(
      uri: "/v1/route?ip=10.1.1.1&listener=ghost", status: 404,
      says: "there is no listener ghost", type: .notServed),
    Ask(
      uri: "/v2", status: 404, says: "there is nothing at this path; GET /v1 lists what there is"),
    Ask(
      uri: "/v1/status/x", status: 404,
      says: "there is nothing at this path; GET /v1 lists what there is"),
    Ask(
      uri: "/v1/status?verbose", status: 400, says: "unknown parameter; there is none at this path"),
    Ask(uri: "/v1/overrides/tokyo", status: 404, says: "no override is set for tokyo"),
    Ask(
      uri: "/v1/overrides/tokyo//x", status: 404,
      says: "a target is region, region/@zone, region/pool or region/pool/address:port"),
    Ask(
      uri: "/v1/overrides/tok%2", status: 404,
      says: "a target is region, region/@zone, region/pool or region/pool/address:port"),
    Ask(method: .post, uri: "/v1/status", status: 405, says: "POST is not for this path"),
    Ask(method: .get, uri: "/v1/reload", status: 405, says: "GET is not for this path"),
    Ask(method: .head, uri: "/v1/reload", status: 405, says: ""),
    Ask(method: .put, uri: "/v1/overrides", status: 405, says: "PUT is not for this path"),
    Ask(method: .post, uri: "/v1/overrides/tokyo", status: 405, says: "POST is not for this path"),
    Ask(method: .options, uri: "/metrics", status: 405, says: "OPTIONS is not for this path"),
    Ask(method: .trace, uri: "/v1/status", status: 501, says: "TRACE is not implemented"),
  ]

  @Test(arguments: refused) func `that cannot be met gets a problem`(ask: Ask) async throws {
    let reply = try await AdminWorld().ask(ask.method, ask.uri)
    #expect(reply.status == ask.status)
    #expect(reply.type == "application/problem+json")
    #expect(reply.headers[.cacheControl] == "no-store")
    guard ask.method != .head else {
      #expect(reply.text.isEmpty)
      return
    }
    let problem = reply.json
    let type = ask.type ?? (ask.status == 400 ? .notUnderstood : nil)
    #expect(problem["type"].string == type?.uri ?? "about:blank")
    #expect(problem["status"].number == Double(ask.status))
    #expect(problem["title"].string?.isEmpty == false)
    #expect(problem["instance"].string == ask.uri.split(separator: "?").first.map(String.init))
    let said = [problem["detail"]] + problem["errors"].items.map { $0["detail"] }
    #expect(said.contains(.string(ask.says)), "says \(reply.text)")
  }

  @Test func `with several things wrong hears of all of them`() async throws {
    let reply = try await AdminWorld().get("/v1/route?ip=x&type=MX&foo=1")
    #expect(
      Set(reply.json["errors"].items.compactMap { $0["parameter"].string })
        == ["foo", "ip", "name", "type"])
  }

  /// One address of each path that there is.
  private static func address(of path: String) -> String {
    let ends = [
      "/v1/rollout/": "stop", "/v1/primaries/": "web/promote",
      "/v1/conflicts/": "tokyo/acknowledge",
      "/v1/config/": "global",
    ]
    guard path.hasSuffix("/**") else { return path }
    let start = String(path.dropLast(2))
    return start + (ends[start] ?? "tokyo")
  }

  @Test func `of the API with a parameter that its path does not have is refused, whichever it is`()
    async throws
  {
    let world = try AdminWorld()
    let server = AdminServer(
      world.sources, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let routes = server.routes.filter { $0.path.hasPrefix("/v1") }
    #expect(routes.count > 25)
    for route in routes {
      for method in route.methods {
        let method = try #require(HTTPRequest.Method(rawValue: method))
        let uri = Self.address(of: route.path) + "?no_such=1"
        let reply = try await world.change(method, uri, body: method == .get ? nil : "{}")
        // A part that is not configured has no query.
        if reply.json["type"].string == ProblemType.notConfigured.uri { continue }
        #expect(reply.status == 400, "\(method) \(uri): \(reply.text)")
        let parameters = reply.json["errors"].items.map { $0["parameter"].string }
        #expect(parameters.contains("no_such"), "\(method) \(uri): \(reply.text)")
      }
    }
  }

  @Test(arguments: [
    (HTTPRequest.Method.put, "/v1/overrides/tokyo"), (.post, "/v1/simulate"),
    (.post, "/v1/latency-samples"), (.post, "/v1/primaries/web/promote"),
    (.put, "/v1/config/global"),
  ])
  func `with too large a body gets a problem that says how large it may be`(
    method: HTTPRequest.Method, uri: String
  ) async throws {
    let world = try AdminWorld()
    let headers: HTTPFields = [
      .authorization: "Bearer \(AdminWorld.token)", .contentType: "application/json",
    ]
    let long = String(repeating: " ", count: 20_000_000)
    let reply = try await world.ask(method, uri, headers: headers, body: long)
    #expect(reply.status == 413, "\(reply.text)")
    #expect(reply.type == "application/problem+json")
    #expect(
      reply.json["detail"].string?.contains(#/^a body has at most \d+ bytes here$/#) == true)
  }

  static let allowed: [(String, String)] = [
    ("/v1/status", "GET, HEAD"), ("/v1/reload", "POST"),
    ("/v1/overrides/tokyo", "GET, HEAD, PUT, DELETE"), ("/", "GET, HEAD"),
    ("/v1", "GET, HEAD"), ("/v1/catchments", "GET, HEAD"),
  ]

  @Test(arguments: allowed)
  func `by a wrong method hears which ones are right`(path: String, methods: String) async throws {
    let reply = try await AdminWorld().ask(.patch, path)
    #expect(reply.status == 405)
    #expect(reply.headers[.allow] == methods)
  }

  static let readable = [
    "/", "/dashboard/dashboard.js", "/v1", "/livez", "/readyz", "/readyz?verbose", "/metrics",
    "/?utm_source=mail", "/dashboard/dashboard.js?v=1", "/livez?from=balancer", "/readyz?verbos",
    "/metrics?collect[]=cpu", "/problems?x",
    "/v1/status", "/v1/regions",
    "/v1/endpoints", "/v1/overrides", "/v1/route?ip=10.1.1.1&name=www.example.org",
    "/v1/route?ip=10.1.1.1&listener=front",
  ]

  @Test(arguments: readable) func `by HEAD gets what GET has, without it`(uri: String) async throws
  {
    let world = try AdminWorld()
    let get = try await world.get(uri)
    let head = try await world.ask(.head, uri)
    #expect(get.status == 200)
    #expect(head.status == 200)
    #expect(head.text.isEmpty && !get.text.isEmpty)
    #expect(head.type == get.type)
    #expect(get.headers[.xContentTypeOptions] == "nosniff")
  }

  @Test func `that fails on our side says nothing of how`() async throws {
    struct Secret: Error {}
    var world = try AdminWorld()
    world.sources.reload = { _ in throw Secret() }
    let reply = try await world.change(.post, "/v1/reload")
    #expect(reply.status == 500)
    #expect(reply.type == "application/problem+json")
    #expect(!reply.text.contains("Secret"))
  }

  @Test func `for a route is answered with its report`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let reply = try await world.get("/v1/route?ip=10.1.2.3&name=www.example.org&type=aaaa")
    #expect(reply.status == 200)
    #expect(reply.type == "application/json")
    #expect(reply.json["outcome"]["addresses"] == .array([.string("2001:db8:ff::1")]))
    #expect(reply.json["type"].string == "AAAA")
    let listener = try await world.get("/v1/route?ip=2001:db8:1::1&listener=front")
    #expect(listener.json["outcome"]["regions"] == .array([.string("tokyo")]))
    #expect(listener.json["listener"].string == "front")
  }
}
