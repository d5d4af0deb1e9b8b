import Admin
import Counters
import Proxying
import ServiceLifecycle
import Settings
import Synchronization

/// Writes down who has changed something over HTTP, or tried to.
final class AuditLog: Service {
  private let writer: AccessLogWriter
  /// One producer at a time: requests are answered on many threads.
  private let ring: Mutex<AccessLogRing>
  private let shard: CounterShard
  private let dropped: CounterIndex

  init(_ destination: AccessLogWriter.Destination, counters: CounterBoard) throws {
    writer = try AccessLogWriter(destination)
    ring = Mutex(writer.makeRing())
    shard = counters.makeShard()
    dropped = counters.index(of: CounterBoard.Series("azimuth_admin_audit_dropped_total"))
  }

  /// Takes a line, and waits for nothing: what cannot be written fast enough is dropped, and
  /// counted.
  func note(_ line: AuditLine) {
    guard let text = try? line.text() else { return }
    ring.withLock { if !$0.append(text) { shard.add(to: dropped) } }
  }

  /// Opens the file anew: for logrotate.
  func reopen() { writer.reopen() }

  /// Ends after the admin server, which it stands before in the node's list.
  func run() async throws {
    try? await gracefulShutdown()
    writer.stop()
  }
}

/// nil: it is off.
func makeAuditLog(_ settings: Settings, counters: CounterBoard) throws -> AuditLog? {
  switch settings.admin.auditLog {
  case .off: nil
  case .standardOutput: try AuditLog(.standardOutput, counters: counters)
  case .file(let path): try AuditLog(.file(path), counters: counters)
  }
}
