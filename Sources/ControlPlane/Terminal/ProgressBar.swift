import Glibc
import Synchronization

/// How far something has come that takes its time, in one line on a terminal. Whoever reads
/// standard error by a program sees nothing of it.
package final class ProgressBar: Sendable {
  /// What is done sooner has no bar.
  package static let patience = 0.7
  private static let pace = 0.1
  private static let columns = 60

  private struct State {
    var lastShown = 0.0
    var isShown = false
  }

  private let title: String
  private let isTerminal: Bool
  private let write: @Sendable (String) -> Void
  private let now: @Sendable () -> Duration
  private let start: Duration
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isTerminal: somebody looks at what is written.
  ///   - write: to standard error.
  ///   - now: of a clock that does not go back.
  package init(
    _ title: String, isTerminal: Bool = isatty(STDERR_FILENO) == 1,
    write: @escaping @Sendable (String) -> Void = { writeAll($0, to: STDERR_FILENO) },
    now: @escaping @Sendable () -> Duration = { monotonicTime() }
  ) {
    self.title = title
    self.now = now
    start = now()
    self.isTerminal = isTerminal
    self.write = write
  }

  /// - Parameter share: of the whole, 0...1.
  package func show(_ share: Double) {
    guard isTerminal else { return }
    let elapsed = (now() - start) / .seconds(1)
    let isDue = state.withLock { state in
      guard elapsed >= Self.patience, elapsed - state.lastShown >= Self.pace else { return false }
      state.lastShown = elapsed
      state.isShown = true
      return true
    }
    if isDue {
      // Back to the first column; what is left of a longer line goes.
      write("\r\(Self.line(title, share: share, elapsed: elapsed, columns: Self.columns))\u{1B}[K")
    }
  }

  /// Takes the line away.
  package func end() {
    let isShown = state.withLock { state in
      defer { state.isShown = false }
      return state.isShown
    }
    if isShown { write("\r\u{1B}[K") }
  }

  /// `Reading [#####-----]  50 %  4 s left`.
  package static func line(_ title: String, share: Double, elapsed: Double, columns: Int) -> String
  {
    let share = share.isFinite ? min(max(share, 0), 1) : 0
    let percent = Int(share * 100)
    var end = " \(percent < 10 ? "  " : percent < 100 ? " " : "")\(percent) %"
    if share >= 0.05 && share < 1 {
      end += "  \(Int((elapsed * (1 - share) / share).rounded(.up))) s left"
    }
    let width = min(30, columns - title.count - end.count - 3)
    guard width >= 5 else { return "\(title)\(end)" }
    let full = Int((share * Double(width)).rounded(.down))
    let bar = String(repeating: "#", count: full) + String(repeating: "-", count: width - full)
    return "\(title) [\(bar)]\(end)"
  }
}

/// Since the system's start.
package func monotonicTime() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Whoever cannot be written to is not waited for.
package func writeAll(_ text: String, to descriptor: Int32) {
  let bytes = Array(text.utf8)
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}
