import Counters
import Logging
import Proxying
import Settings

/// The writer of a log of lines, which says in the log of the process when lines are lost.
///
/// - Parameters:
///   - name: as people call it, such as "access log".
///   - failed: the counter of lines that are lost since writing them failed.
/// - Returns: nil: it is off.
func makeWriter(
  _ log: Settings.Proxy.AccessLog, name: String, failed: String, counters: CounterBoard,
  logger: Logger
) throws(SystemError) -> AccessLogWriter? {
  let destination: AccessLogWriter.Destination
  let place: String
  switch log {
  case .off: return nil
  case .standardOutput: (destination, place) = (.standardOutput, "stdout")
  case .file(let path): (destination, place) = (.file(path), path)
  }
  return try AccessLogWriter(destination, failed: failed, counters: counters) { word in
    switch word {
    case .failing(let reason):
      logger.error(
        "lines of the \(name) are lost, for they cannot be written",
        metadata: ["file": "\(place)", "reason": "\(reason)"])
    case .writing(let lost):
      logger.notice(
        "the \(name) is written again", metadata: ["file": "\(place)", "lost_lines": "\(lost)"])
    case .notReopened(let reason):
      logger.error(
        "the \(name) cannot be opened anew: it goes on in the old file",
        metadata: ["file": "\(place)", "reason": "\(reason)"])
    }
  }
}
