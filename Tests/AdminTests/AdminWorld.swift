import Admin
import Compiling
import Counters
import Editions
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Places
import Publishing
import Routing
import Settings
import TestSupport
import Testing

/// An admin server over a small configuration of its own, with everything that is injected under
/// the test's hand.
struct AdminWorld: Sendable {
  static let start = TestClock.start
  static let token = "s3cret"

  let publisher: EditionPublisher
  let counters = CounterBoard()
  let clock = TestClock()
  var sources: AdminSources
  /// Where the server says what was done.
  var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// - Parameter text: another configuration than that of most tests.
  init(
    isReady: Bool = true, token: String? = AdminWorld.token, configuration text: String? = nil
  ) throws {
    let compiled = try text.map { try Self.compiled($0) } ?? Self.compiled.get()
    publisher = EditionPublisher(
      compiled, isReady: isReady, now: { [clock] in clock.now })
    let settings = Settings.Admin(
      tokens: token.map { [.init(name: "admin", hash: TokenHash(of: $0.utf8), scope: .admin)] }
        ?? [])
    sources = AdminSources(
      node: NodeFacts(id: "node-1", version: "1.2.3", startedAt: Self.start),
      publisher: publisher, counters: counters, now: { [clock] in clock.now },
      settings: { settings }, lookUpName: { name, _ in Self.lookUp(name) },
      lookUpListener: { name, _, edition in
        edition.model.services.firstIndex { name == "front" && $0.name == "web" }
          .map { .found(service: $0) } ?? .noSuchListener
      }, reload: { _ in })
  }

  /// Once for all tests: compiling takes longer than most of them.
  private static let compiled = Result { try compiled(configuration) }

  private static func compiled(_ text: String) throws -> CompiledSettings {
    try CompiledSettings(
      SettingsReader.read(text: text, name: "test.yaml"), zoneHashSeed: 1)
  }

  private static func lookUp(_ name: String) -> NameLookup {
    switch name {
    case "www.example.org": .steered(service: 0)
    case "eu.example.org": .steered(service: 1)
    case "gone.example.org": .steered(service: 99)
    case "fixed.example.org": .static
    case "none.example.org": .noSuchName
    case "a..b": .malformed("an empty label")
    default: .notOurs
    }
  }

  /// Asks the server, without a socket. Whatever it answers, openapi.json has to promise.
  func ask(
    _ method: HTTPRequest.Method, _ uri: String, headers: HTTPFields = [:], body: String? = nil
  ) async throws -> Reply {
    let server = AdminServer(sources, logger: logger)
    let response =
      try await server.application(at: .hostname("127.0.0.1", port: 0))
      .test(.router) { client in
        try await client.executeRequest(
          uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
      }
    let reply = Reply(
      status: response.status.code, headers: response.headers,
      text: String(buffer: response.body))
    let breaches = Contract.shared.breaches(of: reply, to: method, uri)
    #expect(breaches.isEmpty, "\(method) \(uri) against openapi.json: \(breaches)")
    return reply
  }

  func get(_ uri: String) async throws -> Reply { try await ask(.get, uri) }

  /// With the token and, for a body, its type.
  func change(
    _ method: HTTPRequest.Method, _ uri: String, body: String? = nil
  ) async throws -> Reply {
    var headers: HTTPFields = [.authorization: "Bearer \(Self.token)"]
    if body != nil { headers[.contentType] = "application/json" }
    return try await ask(method, uri, headers: headers, body: body)
  }
}

extension AdminWorld {
  /// Clients: 10.1/16 in Tokyo, 10.2/16 in Munich, 10.3/16 in New York, 2001:db8:1::/48 in Tokyo.
  static let configuration = """
    node: {id: node-1}
    geo:
      prefixes:
        - "10.1.0.0/16 at=35.7,139.7 radius=20 country=JP subdivision=JP-13 asn=2500 city=Tokyo"
        - "10.2.0.0/16 at=48.1,11.6 country=DE"
        - "10.3.0.0/16 at=40.7,-74.0 country=US"
        - "10.4.0.0/16 regions=virginia"
        - "2001:db8:1::/48 at=35.7,139.7 country=JP"
    regions:
      tokyo: {location: [35.68, 139.69], tags: [jp]}
      frankfurt: {location: [50.11, 8.68], tags: [eu, de]}
      virginia: {location: [38.95, -77.45], tags: [us]}
    monitors:
      tcp: {type: tcp}
    pools:
      web:
        monitor: tcp
        endpoints:
          tokyo: [127.0.10.1:8080, 127.0.10.2:8080, "[2001:db8:ff::1]:8080"]
          frankfurt: [127.0.10.3:8080]
          virginia: [127.0.10.5:8080]
      eu:
        endpoints:
          frankfurt: [127.0.20.3:8080]
          virginia: [127.0.20.5:8080]
    policies:
      nearest: {type: proximity, unknown: [frankfurt, tokyo, virginia]}
    services:
      web: {policy: nearest, pool: web, ttl: 20s}
      eu: {policy: nearest, pool: eu, ttl: 20s, on_all_down: fail_closed}
    fences:
      residents: {clients: {country: [DE]}, regions: {tags: [eu]}, services: [eu]}
    """

  /// Tells the publisher that every endpoint is healthy.
  func heal() async {
    let ids = publisher.desk.take().model.endpoints.map(\.id)
    await publisher.apply(
      Dictionary(uniqueKeysWithValues: ids.map { ($0, EndpointCondition.fine) }))
  }

  /// Tells the publisher what probes find of all endpoints of a region.
  func report(_ health: Health, of region: String) async {
    let ids = publisher.desk.take().model.endpoints.map(\.id).filter { $0.hasPrefix("\(region)/") }
    await publisher.apply(
      Dictionary(uniqueKeysWithValues: ids.map { ($0, EndpointCondition(health: health)) }))
  }
}

extension EndpointCondition {
  static let fine = EndpointCondition(health: .healthy, lastGood: .max)
}

/// An answer as text and as JSON.
struct Reply: Sendable {
  var status: Int
  var headers: HTTPFields
  var text: String

  var type: String? { headers[.contentType] }
  var json: JSON { JSON(text) }
}
