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
  private let processes: Mutex<[Int: Int32]>

  package init(members: Int, arguments: [String] = [], isSecure: Bool = false) throws {
    folder = NSTemporaryDirectory() + "azimuth-etcd-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let ports = try Self.freePorts(members * 2)
    let scheme = isSecure ? "https" : "http"
    clients = ports.prefix(members).map { "\(scheme)://127.0.0.1:\($0)" }
    peers = ports.suffix(members).map { "http://127.0.0.1:\($0)" }
    self.arguments = arguments
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
    let identifier = try spawn(
      [
        Self.path, "--name", "m\(member)", "--data-dir", "\(folder)/m\(member)",
        "--listen-client-urls", clients[member], "--advertise-client-urls", clients[member],
        "--listen-peer-urls", peers[member], "--initial-advertise-peer-urls", peers[member],
        "--initial-cluster", cluster, "--initial-cluster-token", folder, "--log-level", "error",
        "--unsafe-no-fsync",
      ] + arguments, output: "\(folder)/log-\(member)")
    processes.withLock { $0[member] = identifier }
  }

  package func kill(member: Int) {
    guard let identifier = processes.withLock({ $0.removeValue(forKey: member) }) else { return }
    Foundation.kill(identifier, SIGKILL)
    waitpid(identifier, nil, 0)
  }

  /// Stops it as it stands (SIGSTOP), or lets it go on (SIGCONT).
  package func signal(_ signal: Int32, member: Int) {
    guard let identifier = processes.withLock({ $0[member] }) else { return }
    Foundation.kill(identifier, signal)
  }

  /// Throws all data of a cluster of one away: another cluster, at the same address.
  package func rebuild() throws {
    kill(member: 0)
    try FileManager.default.removeItem(atPath: "\(folder)/m0")
    try start(0)
  }

  /// What operators do: `etcdctl` of one member.
  @discardableResult
  package func control(_ arguments: String..., member: Int = 0) throws -> String {
    let output = "\(folder)/control-\(UUID().uuidString)"
    let identifier = try spawn(
      ["/usr/bin/env", "ETCDCTL_API=3", "etcdctl", "--endpoints", clients[member]] + arguments,
      output: output)
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    guard status == 0 else { throw Fault(description: text) }
    return text
  }

  /// Starts a program without input, with signals as they are by default. Foundation's `Process` is
  /// not for tests that start many at once (see `RunningProcess`).
  private func spawn(_ arguments: [String], output: String) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_CREAT | O_WRONLY, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Sockets of tests that run meanwhile: a listener that a member held would never be closed.
    // Those too that are opened while this goes on; to close what is none is no error.
    for descriptor in 3..<Int32(8192) { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = arguments.map { strdup($0) }
    defer { for word in words { free(word) } }
    var identifier: Int32 = 0
    let number = posix_spawn(
      &identifier, arguments[0], &actions, &attributes, words + [nil], environ)
    guard number == 0 else { throw Fault(description: "\(arguments[0]): error \(number)") }
    return identifier
  }

  /// Held all at once, so that they differ; below the ports that the system gives to clients and to
  /// whoever wants any, so that none of these takes one before the member does.
  private static func freePorts(_ count: Int) throws -> [UInt16] {
    var descriptors: [Int32] = []
    defer { for descriptor in descriptors { close(descriptor) } }
    return try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      descriptors.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      for _ in 0..<100 {
        let port = UInt16.random(in: 10_000..<30_000)
        address.sin_port = port.bigEndian
        let isFree = withUnsafePointer(to: &address) { address in
          address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
          }
        }
        if isFree { return port }
      }
      throw Fault(description: "no free port")
    }
  }
}
