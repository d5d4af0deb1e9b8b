import Foundation
import Synchronization

/// A real etcd of one or more members on loopback, with data of its own that go when it is stopped.
///
/// Ports are asked of the system; each test has its own, since no two clusters may meet.
final class EtcdCluster: Sendable {
  static let path = "/usr/bin/etcd"
  static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  let folder: String
  let clients: [String]
  private let peers: [String]
  private let arguments: [String]
  private let processes: Mutex<[Int: Process]>

  init(members: Int, arguments: [String] = [], isSecure: Bool = false) throws {
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
  func stop() {
    for process in processes.withLock({ $0 }).values where process.isRunning {
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Again, with the data that it has.
  func start(_ member: Int) throws {
    let process = Process()
    process.executableURL = URL(filePath: Self.path)
    let cluster = peers.enumerated().map { "m\($0)=\($1)" }.joined(separator: ",")
    process.arguments =
      [
        "--name", "m\(member)", "--data-dir", "\(folder)/m\(member)",
        "--listen-client-urls", clients[member], "--advertise-client-urls", clients[member],
        "--listen-peer-urls", peers[member], "--initial-advertise-peer-urls", peers[member],
        "--initial-cluster", cluster, "--initial-cluster-token", folder, "--log-level", "error",
        "--unsafe-no-fsync",
      ] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    processes.withLock { $0[member] = process }
  }

  func kill(member: Int) {
    guard let process = processes.withLock({ $0.removeValue(forKey: member) }) else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Stops it as it stands (SIGSTOP), or lets it go on (SIGCONT).
  func signal(_ signal: Int32, member: Int) {
    guard let process = processes.withLock({ $0[member] }) else { return }
    Foundation.kill(process.processIdentifier, signal)
  }

  /// Throws all data of a cluster of one away: another cluster, at the same address.
  func rebuild() throws {
    kill(member: 0)
    try FileManager.default.removeItem(atPath: "\(folder)/m0")
    try start(0)
  }

  /// What operators do: `etcdctl` of one member.
  @discardableResult func control(_ arguments: String..., member: Int = 0) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/etcdctl")
    process.arguments = ["--endpoints", clients[member]] + arguments
    process.environment = ["ETCDCTL_API": "3"]
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Fault(description: text) }
    return text
  }

  /// Held all at once, so that they differ.
  private static func freePorts(_ count: Int) throws -> [UInt16] {
    var descriptors: [Int32] = []
    defer { for descriptor in descriptors { close(descriptor) } }
    return try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      descriptors.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isNamed = withUnsafeMutablePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
      }
      guard isNamed else { throw Fault(description: "no free port") }
      return UInt16(bigEndian: address.sin_port)
    }
  }
}

/// Waits until something holds; false after as long as any of it may take on a slow machine.
func eventually(
  within limit: Duration = .seconds(40), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let clock = ContinuousClock()
  let end = clock.now + limit
  while clock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
