import Foundation
import Synchronization
import TestSupport
import Testing

/// Nodes of one fleet, and the etcd that they share.
final class Fleet: Sendable {
  /// Of all nodes: clients get the first of three regions.
  static let global = """
    regions: {tokyo: {}, oslo: {}, lima: {}}
    pools:
      web: {endpoints: {tokyo: ["192.0.2.1:80"], oslo: ["192.0.2.2:80"], lima: ["192.0.2.3:80"]}}
    policies: {near: {type: failover, order: [tokyo, oslo, lima]}}
    services: {web: {pool: web, policy: near}}
    zones:
      example.org:
        soa: {primary: ns1, serial: 1}
        ns: [ns1]
        steered: {www: web}
        records: ["ns1 A 192.0.2.9"]
    """

  let cluster: EtcdCluster
  let nodes: [FleetNode]

  /// Begins to serve, and waits until all nodes do.
  ///
  /// - Parameters:
  ///   - nodes: their regions, by their ids.
  ///   - global: the layer of all nodes; nil: the store says nothing yet.
  ///   - health: `fleet.health` of each node.
  ///   - password: of each node, which is a user of the store by its id; nil: the store has none.
  ///   - own: of each node's file, beside what makes it a node of the fleet.
  ///   - networks: the first ones are the nodes', the rest the members'; nil: all are on loopback.
  ///   - isServing: false: the test calls `serve()` when it has more ready.
  init(
    members: Int = 1, nodes: KeyValuePairs<String, String> = ["edge-1": "tokyo"],
    global: String? = Fleet.global, health: String = "{}",
    password: String? = nil, own: (Ports) -> String = { _ in "" },
    networks: NetworkNamespaces? = nil,
    isServing: Bool = true
  ) throws {
    let cluster = try EtcdCluster(
      members: members, place: networks.map { .init($0, first: nodes.count) })
    self.cluster = cluster
    self.nodes = try nodes.enumerated().map { index, node in
      try FleetNode(
        node.key, in: node.value, of: cluster, health: health, password: password, own: own,
        place: networks.map { ($0, index) })
    }
    if let global { say("global", global) }
    if isServing { try serve() }
  }

  /// Starts all nodes, and waits until they serve and are connected to the store.
  func serve() throws {
    for node in nodes { try node.serve() }
    for node in nodes {
      node.eventually("that it serves by the store") { node.isReady && node.isConnected }
    }
  }

  func stop() {
    for node in nodes { node.remove() }
    cluster.stop()
  }

  /// Writes a layer, as an operator does.
  func say(_ layer: String, _ text: String) {
    eventually("a write", within: .seconds(30)) {
      try cluster.control("put", "/azimuth/prod/v1/config/\(layer)", text)
      return true
    }
  }

  /// All members but the first are killed: what is left has no cluster.
  func loseStore(sourceLocation: SourceLocation = #_sourceLocation) {
    for member in 1..<cluster.clients.count { cluster.kill(member: member) }
    for node in nodes {
      node.eventually(
        "that it notices", within: .seconds(60), sourceLocation: sourceLocation
      ) { !node.isConnected }
    }
  }

  func healStore(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for member in 1..<cluster.clients.count { try cluster.start(member) }
    for node in nodes {
      node.eventually(
        "that it is back", within: .seconds(60), sourceLocation: sourceLocation
      ) { node.isConnected }
    }
  }
}

/// A node of a fleet: its file, and the process that serves by it.
///
/// Changed by the test's own thread alone.
final class FleetNode: @unchecked Sendable {
  static let token = "demo-token"

  let id: String
  let ports = Ports()
  let file: URL
  private(set) var process: RunningProcess?
  /// The network in which it is; nil: this machine's loopback.
  private let place: (networks: NetworkNamespaces, index: Int)?

  init(
    _ id: String, in region: String, of cluster: EtcdCluster, health: String,
    password: String?, own: (Ports) -> String,
    place: (networks: NetworkNamespaces, index: Int)? = nil
  ) throws {
    self.id = id
    self.place = place
    file = try temporaryFolder().appending(path: "node.yaml")
    let members = cluster.clients.map { "\"\($0)\"" }.joined(separator: ", ")
    try """
    node: {id: \(id), region: \(region)}
    state: state
    fleet: {name: prod, members: [\(members)], start_wait: 2s, timeout: 500ms, \
    health: \(health)\(password.map { ", user: \(id), password: \($0)" } ?? "")}
    admin: {listen: "127.0.0.1:\(ports.admin)", token: \(Self.token)}
    dns: {listen: ["127.0.0.1:\(ports.dns)"]}
    \(own(ports))
    """.write(to: file, atomically: true, encoding: .utf8)
  }

  // MARK: its life

  func serve() throws {
    let arguments = ["serve", file.path]
    process =
      try place.map { try $0.networks.start(Program.path, arguments, in: $0.index) }
      ?? RunningProcess(Program.path, arguments)
  }

  func end() {
    process?.signal(SIGTERM)
    EndToEndTests.eventually("the end") { process?.isRunning == false }
  }

  func kill() { process?.end(with: SIGKILL) }

  fileprivate func remove() {
    kill()
    try? FileManager.default.removeItem(at: file.deletingLastPathComponent())
  }

  var log: String { process?.all ?? "" }

  /// Waits for what is true of this node while it runs; if it has ended, its log says why.
  @discardableResult
  func eventually(
    _ what: String, within limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
  ) -> Duration {
    EndToEndTests.eventually("\(id): \(what)", within: limit, sourceLocation: sourceLocation) {
      guard process?.isRunning == true else { throw World.Ended(log: log) }
      return try condition()
    }
  }

  // MARK: asking it

  /// What opens sockets for it does so in its network.
  func reach<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) throws -> Value {
    guard let place else { return try body() }
    return try place.networks.within(place.index, body)
  }

  /// A socket to its DNS, which stays open.
  func dnsClient(timeoutMilliseconds: Int = 2000) throws -> sending DNSClient {
    let port = ports.dns
    return DNSClient(
      try reach {
        try Socket.udp(
          to: "127.0.0.1", port: port, timeoutMilliseconds: timeoutMilliseconds)
      })
  }

  /// The first address that DNS has for a name; nil: no answer.
  func answer(_ name: String) -> String? {
    let client = try? dnsClient(timeoutMilliseconds: 300)
    return try? client?.ask(DNSQuestion(name)).addresses.first
  }

  /// Of the service's first region.
  var answer: String? { answer("www.example.org") }

  /// Questions from one socket, so that a lost one is seen; all others than this answer are wrong.
  func load(expecting answer: String) throws -> Load {
    let client = Mutex(try dnsClient())
    return Load {
      let reply = try client.withLock { try $0.ask(DNSQuestion("www.example.org")) }
      guard reply.addresses == [answer] else { throw Load.Failure(text: "\(reply)") }
      return answer
    }
  }

  func admin(
    _ method: String, _ path: String, _ body: String = "", type: String = "application/json",
    headers: [String: String] = [:]
  ) throws -> HTTPConnection.Response {
    let own = ["Content-Type": type, "Authorization": "Bearer \(Self.token)"]
    let port = ports.admin
    return try reach {
      try HTTPConnection(port: port).request(
        method, path, headers: own.merging(headers) { $1 }, body: body)
    }
  }

  func metric(_ name: String) -> String? {
    let text = try? admin("GET", "/metrics").text
    return text?.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
      .map { String($0.dropFirst(name.count + 1)) }
  }

  /// Of `/readyz`; nil: nobody listens.
  var readiness: Int? { try? admin("GET", "/readyz").status }

  var isReady: Bool { readiness == 200 }

  var isConnected: Bool { metric("azimuth_engine_connected") == "1" }
}
