import Foundation
import TestSupport
import Testing

/// A real HAProxy with a configuration of a test's own. It ends with this.
final class HAProxy {
  private let process: RunningProcess
  private let folder: URL

  /// - Parameters:
  ///   - ports: that it listens on once this returns.
  ///   - configuration: behind the defaults, which are TCP and 5 s for everything; gets a folder
  ///     for sockets and certificates.
  init(listeningOn ports: [Int] = [], _ configuration: (_ folder: URL) throws -> String) throws {
    folder = try temporaryFolder()
    let file = folder.appending(path: "haproxy.cfg")
    let defaults = """
      defaults
        mode tcp
        timeout connect 5s
        timeout client 5s
        timeout server 5s

      """
    try (defaults + configuration(folder) + "\n").write(
      to: file, atomically: true, encoding: .utf8)
    process = try RunningProcess("/usr/sbin/haproxy", ["-db", "-f", file.path])
    for port in ports {
      eventually("HAProxy listens") {
        guard process.isRunning else { throw World.Ended(log: process.all) }
        _ = try Socket.tcp(to: "127.0.0.1", port: port)
        return true
      }
    }
  }

  deinit {
    process.end(with: SIGKILL)
    try? FileManager.default.removeItem(at: folder)
  }

  /// The path of a new certificate, with its key beside it as `crt` wants it.
  static func certificate(in folder: URL) throws -> String {
    let path = folder.appending(path: "certificate").path
    _ = try Program.shell(
      """
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
        -subj /CN=proxy.test -keyout \(path).key -out \(path)
      """)
    return path
  }
}
