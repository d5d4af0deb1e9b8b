import Admin
import Counters
import Logging
import Proxying
import ServiceLifecycle
import Settings
import Synchronization

/// Writes down who has changed something over HTTP, or tried to.
final class AuditLog: Service {
  /// Lines on their way to the file.
  private struct Queue {
    let ring: AccessLogRing
    let shard: CounterShard
    let dropped: CounterIndex

    func append(_ line: [UInt8]) {
      if !ring.append(line) { shard.add(to: dropped) }
    }
  }

  private let writer: AccessLogWriter
  /// One producer at a time: requests are answered on many threads.
  private let known: Mutex<Queue>
  /// Of those without a token: however many lines they make, none of the others is dropped.
  private let strangers: Mutex<Queue>

  init(_ writer: AccessLogWriter, counters: CounterBoard) {
    self.writer = writer
    func queue(_ token: String) -> Queue {
      Queue(
        ring: writer.makeRing(), shard: counters.makeShard(),
        dropped: counters.index(
          of: CounterBoard.Series(
            "azimuth_admin_audit_dropped_total", labels: [.init("token", token)])))
    }
    known = Mutex(queue("known"))
    strangers = Mutex(queue("none"))
  }

  /// Takes a line, and waits for nothing: what cannot be written fast enough is dropped, and
  /// counted.
  func note(_ line: AuditLine) {
    guard let text = try? line.text() else { return }
    if line.token == nil {
      strangers.withLock { $0.append(text) }
    } else {
      known.withLock { $0.append(text) }
    }
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
func makeAuditLog(
  _ settings: Settings, counters: CounterBoard, logger: Logger
) throws -> AuditLog? {
  let writer = try makeWriter(
    settings.admin.auditLog, name: "audit log", failed: "azimuth_admin_audit_failed_total",
    counters: counters, logger: logger)
  return writer.map { AuditLog($0, counters: counters) }
}
