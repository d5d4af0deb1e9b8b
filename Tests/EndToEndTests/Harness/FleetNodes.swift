import Foundation
import Synchronization
import TestSupport
import Testing

/// Nodes of one fleet, and the etcd that they share.
final class FleetNodes: @unchecked Sendable {
  // Changed by the test's own thread alone.
  static let token = "demo-token"

  let cluster: EtcdCluster
  let ports: [Ports]
  private let folder: URL
  private(set) var processes: [RunningProcess?]

  /// - Parameters:
  ///   - global: the layer for all nodes.
  ///   - own: of each node's file, beside what makes it a node of the fleet.
  init(
    nodes: Int, members: Int = 3, global: String, own: String = ""
  ) throws {
    cluster = try EtcdCluster(members: members)
    ports = (0..<nodes).map { _ in Ports() }
    processes = Array(repeating: nil, count: nodes)
    folder = try temporaryFolder()
    let urls = cluster.clients.map { "\"\($0)\"" }.joined(separator: ", ")
    for (node, ports) in ports.enumerated() {
      try """
      node: {id: edge-\(node + 1)}
      state: state-\(node + 1)
      fleet: {name: prod, members: [\(urls)], start_wait: 2s, timeout: 500ms}
      admin: {listen: "127.0.0.1:\(ports.admin)", token: \(Self.token)}
      dns: {listen: ["127.0.0.1:\(ports.dns)"]}
      \(own)
      """.write(to: file(node), atomically: true, encoding: .utf8)
    }
    eventually("a write", within: .seconds(30)) {
      try cluster.control("put", "/azimuth/prod/v1/config/global", global)
      return true
    }
    for node in 0..<nodes { try serve(node) }
    for node in 0..<nodes {
      eventually("a watch of node \(node)", within: .seconds(30)) {
        guard processes[node]?.isRunning == true else { throw World.Ended(log: log(of: node)) }
        return isConnected(node)
      }
    }
  }

  private func file(_ node: Int) -> URL { folder.appending(path: "node-\(node + 1).yaml") }

  func stop() {
    for process in processes { process?.signal(SIGKILL) }
    cluster.stop()
    try? FileManager.default.removeItem(at: folder)
  }

  func serve(_ node: Int) throws {
    processes[node] = try RunningProcess(Program.path, ["serve", file(node).path])
  }

  func end(_ node: Int) {
    processes[node]?.signal(SIGTERM)
    eventually("the end") { processes[node]?.isRunning == false }
  }

  func log(of node: Int) -> String { processes[node]?.all ?? "" }

  /// The first address that DNS has for a name; nil: no answer.
  func answer(of node: Int, _ name: String = "www.example.org") -> String? {
    let client = try? DNSClient(port: ports[node].dns, timeoutMilliseconds: 300)
    return try? client?.ask(DNSQuestion(name)).addresses.first
  }

  func admin(
    _ node: Int, _ method: String, _ path: String, _ body: String = ""
  ) throws -> HTTPConnection.Response {
    try HTTPConnection(port: ports[node].admin).request(
      method, path,
      headers: ["Content-Type": "application/json", "Authorization": "Bearer \(Self.token)"],
      body: body)
  }

  func metric(_ node: Int, _ name: String) -> String? {
    let text = try? HTTPConnection(port: ports[node].admin).request("GET", "/metrics").text
    return text?.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
      .map { String($0.dropFirst(name.count + 1)) }
  }

  func isConnected(_ node: Int) -> Bool { metric(node, "azimuth_engine_connected") == "1" }

  /// All members but the first are killed: what is left has no cluster.
  func loseStore(sourceLocation: SourceLocation = #_sourceLocation) {
    for member in 1..<cluster.clients.count { cluster.kill(member: member) }
    for node in ports.indices {
      eventually(
        "node \(node) notices", within: .seconds(60), sourceLocation: sourceLocation
      ) { !isConnected(node) }
    }
  }

  func healStore(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for member in 1..<cluster.clients.count { try cluster.start(member) }
    for node in ports.indices {
      eventually(
        "node \(node) is back", within: .seconds(60), sourceLocation: sourceLocation
      ) { isConnected(node) }
    }
  }
}

/// The results of so many at once, in their order.
func inParallel<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Mutex<[Int: Result<Value, any Error>]>([:])
  let threads = (0..<count).map { index in
    let thread = Thread {
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
    thread.start()
    return thread
  }
  eventually("all are done", within: .seconds(60)) { threads.allSatisfy(\.isFinished) }
  return try (0..<count).map { index in
    guard let result = results.withLock({ $0[index] }) else { throw CancellationError() }
    return try result.get()
  }
}
