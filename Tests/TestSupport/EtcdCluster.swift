import Foundation
import Synchronization

/// A real etcd of one or more members on loopback, with data of its own that go when it is stopped.
///
/// Ports are asked of the system; each test has its own, since no two clusters may meet.
package final class EtcdCluster: Sendable {
  static let path = "/usr/bin/etcd"
  package static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  package let folder: String
  package let clients: [String]
  private let peers: [String]
  private let arguments: [String]
  /// Where members run; nil: on this machine's loopback.
  private let place: Place?
  private let processes: Mutex<[Int: RunningProcess]>
  private let isGuarded = Mutex(false)

  /// Networks of which the members have those from `first` on.
  package struct Place: Sendable {
    var networks: NetworkNamespaces
    var first: Int

    package init(_ networks: NetworkNamespaces, first: Int) {
      self.networks = networks
      self.first = first
    }
  }

  package init(
    members: Int, arguments: [String] = [], isSecure: Bool = false, place: Place? = nil
  ) throws {
    folder = NSTemporaryDirectory() + "azimuth-etcd-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let ports = (0..<members * 2).map { _ in FreePorts.take() }
    let scheme = isSecure ? "https" : "http"
    let hosts = (0..<members).map { member in
      place.map { $0.networks.addresses[$0.first + member] } ?? "127.0.0.1"
    }
    clients = zip(hosts, ports).map { "\(scheme)://\($0):\($1)" }
    peers = zip(hosts, ports.suffix(members)).map { "http://\($0):\($1)" }
    self.arguments = arguments
    self.place = place
    processes = Mutex([:])
    for member in 0..<members { try start(member) }
  }

  /// Ends it and takes its data away. Tests do so last, whatever has become of them.
  package func stop() {
    for member in clients.indices { kill(member: member) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Again, with the data that it has.
  package func start(_ member: Int) throws {
    let cluster = peers.enumerated().map { "m\($0)=\($1)" }.joined(separator: ",")
    let process = try run(
      Self.path, of: member,
      [
        "--name", "m\(member)", "--data-dir", "\(folder)/m\(member)",
        "--listen-client-urls", clients[member], "--advertise-client-urls", clients[member],
        "--listen-peer-urls", peers[member], "--initial-advertise-peer-urls", peers[member],
        "--initial-cluster", cluster, "--initial-cluster-token", folder, "--log-level", "error",
        "--unsafe-no-fsync",
      ] + arguments)
    processes.withLock { $0[member] = process }
  }

  private func run(_ path: String, of member: Int, _ arguments: [String]) throws -> RunningProcess {
    guard let place else { return try RunningProcess(path, arguments) }
    return try place.networks.start(path, arguments, in: place.first + member)
  }

  package func kill(member: Int) {
    processes.withLock { $0.removeValue(forKey: member) }?.end(with: SIGKILL)
  }

  /// Stops it as it stands (SIGSTOP), or lets it go on (SIGCONT).
  package func signal(_ signal: Int32, member: Int) {
    processes.withLock { $0[member] }?.signal(signal)
  }

  /// What a member has told; nothing once it was killed.
  package func log(of member: Int) -> String { processes.withLock { $0[member] }?.all ?? "" }

  /// Throws all data of a cluster of one away: another cluster, at the same address.
  package func rebuild() throws {
    kill(member: 0)
    try FileManager.default.removeItem(atPath: "\(folder)/m0")
    try start(0)
  }

  /// Has it know users: what follows is asked as its root.
  package func demandUsers() throws {
    try control("user", "add", "root:root")
    try control("user", "grant-role", "root", "root")
    try control("auth", "enable")
    isGuarded.withLock { $0 = true }
  }

  /// With which `etcdctl` reaches a member.
  package func environment(member: Int = 0) -> [String] {
    ["ETCDCTL_API=3", "ETCDCTL_ENDPOINTS=\(clients[member])"]
      + (isGuarded.withLock { $0 } ? ["ETCDCTL_USER=root:root"] : [])
  }

  /// What operators do: `etcdctl` of one member.
  @discardableResult
  package func control(_ arguments: String..., member: Int = 0) throws -> String {
    let process = try run(
      "/usr/bin/env", of: member, environment(member: member) + ["etcdctl"] + arguments)
    process.waitForEnd()
    guard process.status == 0 else { throw Fault(description: process.all) }
    return process.all
  }
}
