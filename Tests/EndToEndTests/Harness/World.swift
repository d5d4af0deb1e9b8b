import Foundation
import TestSupport
import Testing

/// The demo's configuration on free ports, the endpoints of its regions, and the program.
///
/// Safe to share: the tests of a suite that share one run one after the other.
final class World: @unchecked Sendable {
  let ports: Ports
  /// The configuration file, which tests may rewrite.
  let file: URL
  /// The configuration as it was at the start.
  let configuration: String
  /// By name; empty where the program starts them itself.
  let regions: [String: RegionServer]
  let process: RunningProcess

  static let token = "demo-token"

  /// - Parameters:
  ///   - verb: `demo` starts the endpoints too; otherwise the world does.
  ///   - descriptors: limits of the program's open files; nil: those of the tests.
  ///   - hasCapabilities: false: what root may do more than others is taken from the program.
  ///   - change: makes another configuration of the demo's.
  init(
    verb: String = "serve", endpoints manner: RegionServer.Manner = .answers,
    waitsUntilReady: Bool = true,
    descriptors: (soft: Int, hard: Int)? = nil, hasCapabilities: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation, change: (String) -> String = { $0 }
  ) throws {
    ports = Ports()
    file = try temporaryFolder().appending(path: "azimuth.yaml")
    configuration = change(try ports.demoConfiguration())
    try configuration.write(to: file, atomically: true, encoding: .utf8)
    var arguments = [verb, file.path]
    if verb == "demo" {
      regions = [:]
      arguments += ["--control", "127.0.0.1:\(ports.control)"]
    } else {
      regions = try Self.endpoints(of: configuration, manner: manner)
    }
    if let descriptors {
      // It becomes the program.
      process = try RunningProcess(
        "/usr/bin/prlimit",
        ["--nofile=\(descriptors.soft):\(descriptors.hard)", Program.path] + arguments)
    } else if !hasCapabilities, geteuid() == 0 {
      process = try RunningProcess(
        "/usr/bin/setpriv",
        ["--inh-caps=-all", "--bounding-set=-all", Program.path] + arguments)
    } else {
      process = try RunningProcess(Program.path, arguments)
    }
    guard waitsUntilReady else { return }
    eventually("readiness", sourceLocation: sourceLocation) {
      guard process.isRunning else { throw Ended(log: process.all) }
      return isReady
    }
  }

  struct Ended: Error {
    var log: String
  }

  deinit {
    process.signal(SIGKILL)
    try? FileManager.default.removeItem(at: file.deletingLastPathComponent())
  }

  /// The servers of `region: [address:port]` lines.
  private static func endpoints(
    of configuration: String, manner: RegionServer.Manner
  ) throws -> [String: RegionServer] {
    var regions: [String: RegionServer] = [:]
    for match in configuration.matches(of: #/(?m)^ +(\w+): +\[(127\.0\.10\.\d+):(\d+)\]/#) {
      let region = String(match.1)
      regions[region] = try RegionServer(
        region: region, address: String(match.2), port: Int(match.3) ?? 0, manner: manner)
    }
    return regions
  }

  var isReady: Bool {
    (try? HTTPConnection(port: ports.admin).request("GET", "/readyz").status) == 200
  }

  /// The address that DNS gives for a region.
  func address(of region: String) -> String {
    let pattern = "(?m)^ +\(region): +\\[(127\\.0\\.10\\.\\d+):"
    let match = (try? Regex(pattern)).flatMap { configuration.firstMatch(of: $0) }
    return match?[1].substring.map(String.init) ?? "no address of \(region)"
  }

  /// The region that has an address.
  func region(of address: String) -> String? {
    Self.names.first { self.address(of: $0) == address }
  }

  static let names = [
    "tokyo", "singapore", "frankfurt", "saopaulo", "virginia", "california", "johannesburg",
    "sydney", "dublin",
  ]

  // MARK: asking

  /// One question over UDP.
  func ask(_ question: DNSQuestion, from source: String? = nil) throws -> DNSReply {
    try DNSClient(port: ports.dns, from: source).ask(question)
  }

  /// The one region that a client is sent to by DNS.
  func dnsRegion(
    of subnet: String? = nil, from source: String? = nil, name: String = "www.example.org"
  ) throws -> String? {
    let reply = try ask(DNSQuestion(name, subnet: subnet), from: source)
    return reply.addresses.first.flatMap { region(of: $0) }
  }

  /// The region that answers through the proxy.
  func proxyRegion(from source: String? = nil) throws -> String {
    let connection = try HTTPConnection(port: ports.proxy, from: source)
    let response = try connection.request("GET", "/", headers: ["Connection": "close"])
    return named(in: response.text)
  }

  /// `tokyo` of "tokyo\n" or of the demo's "region tokyo, client …".
  func named(in text: String) -> String {
    let words = text.split { !$0.isLetter }
    return words.first { Self.names.contains(String($0)) }.map(String.init) ?? text
  }

  func admin(
    _ method: String = "GET", _ path: String, body: String = "", token: String? = nil
  ) throws -> HTTPConnection.Response {
    var headers = ["Content-Type": "application/json"]
    if let token { headers["Authorization"] = "Bearer \(token)" }
    return try HTTPConnection(port: ports.admin)
      .request(method, path, headers: headers, body: body)
  }

  func route(
    _ address: String, name: String = "www.example.org", on connection: HTTPConnection? = nil
  ) throws -> RouteAnswer {
    let connection = try connection ?? HTTPConnection(port: ports.admin)
    return try connection.request("GET", "/v1/route?ip=\(address)&name=\(name)")
      .decoded(as: RouteAnswer.self)
  }

  /// The same for a listener of the proxy.
  func route(
    _ address: String, listener: String, on connection: HTTPConnection
  ) throws -> RouteAnswer {
    try connection.request("GET", "/v1/route?ip=\(address)&listener=\(listener)")
      .decoded(as: RouteAnswer.self)
  }

  // MARK: changing

  /// Writes another configuration; the program reads it when it is told to reload.
  func rewrite(_ text: String) throws {
    try text.write(to: file, atomically: true, encoding: .utf8)
  }

  func reload() throws -> HTTPConnection.Response {
    try admin("POST", "/v1/reload", token: Self.token)
  }

  func override(_ target: String, state: String) throws -> HTTPConnection.Response {
    try admin(
      "PUT", "/v1/overrides/\(target)",
      body: #"{"state": "\#(state)", "reason": "end to end", "author": "tests"}"#,
      token: Self.token)
  }

  /// An operator takes Tokyo out, and Singapore's server stops: a client in Japan goes further.
  ///
  /// Returns when probes have found Singapore to be down.
  func loseTokyoAndSingapore() throws {
    regions["singapore"]?.stop()
    #expect(try override("tokyo", state: "down").status / 100 == 2)
    eventually("Singapore is seen to be down") {
      try route("133.11.0.1").candidates.first { $0.region == "singapore" }?.health == "unhealthy"
    }
  }
}

/// What `/v1/route` and `explain --output json` say, as far as the tests look.
struct RouteAnswer: Decodable {
  struct Outcome: Decodable, Equatable {
    var kind: String
    var basis: String
    var regions: [String]
    var addresses: [String]
  }
  struct Candidate: Decodable {
    var region: String
    var distanceKm: Double?
    var latencyMs: Double?
    var health: String
    var chosen: Bool
    var reason: String
  }
  /// The number of the configuration that is in force.
  var revision: Int
  var outcome: Outcome
  var scope: Int
  /// Seconds; not of a listener.
  var ttl: Int?
  var candidates: [Candidate]
}

/// Free ports, one for each of the demo's.
struct Ports {
  let dns = Self.free()
  let proxy = Self.free()
  let admin = Self.free()
  let endpoints = Self.free()
  let control = Self.free()

  /// The demo's configuration on these ports, from anywhere on this machine.
  func demoConfiguration() throws -> String {
    let path = "\(Program.root)/config/azimuth.yaml"
    return moved(try String(contentsOfFile: path, encoding: .utf8))
      .replacing("../geodata/", with: "\(Program.root)/geodata/")
      .replacing("[demo-places.txt]", with: "[\(Program.root)/config/demo-places.txt]")
      .replacing("access_log: stdout", with: "access_log: off")
  }

  /// A text that speaks of the demo's ports, with these instead.
  func moved(_ text: String) -> String {
    let ports = [5353: dns, 8000: proxy, 8053: admin, 8080: endpoints, 8090: control]
    return ports.reduce(text) { text, port in
      guard let pattern = try? Regex("\\b\(port.key)\\b") else { return text }
      return text.replacing(pattern, with: "\(port.value)")
    }
  }

  static func free() -> Int { FreePorts.take() }

  /// The first of so many in a row.
  static func free(count: Int) -> Int { FreePorts.take(count) }
}
