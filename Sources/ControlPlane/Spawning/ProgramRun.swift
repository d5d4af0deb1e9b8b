import CSpawn
import Glibc
import Synchronization

/// One run of a program: no shell, a process group of its own, an environment that is given, its
/// output bounded, and everything of it killed when its time is over.
package final class ProgramRun: Sendable {
  package enum End: Sendable, Equatable {
    /// As in `errno`.
    case notStarted(Int32)
    case exited(code: Int, output: [UInt8])
    case ended(signal: Int, output: [UInt8])
    /// Its time was over.
    case killed
    case cancelled
  }

  /// Where programs are looked for that a program calls by name.
  package static let path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  /// Of the output that is kept; the rest is read and dropped.
  package static let keptBytes = 1_024
  /// How long to wait for output before looking whether the program has ended.
  private static let longestLook = Duration.milliseconds(20)

  private let arguments: [String]
  private let environment: [String]
  private let deadline: ContinuousClock.Instant
  private let clock = ContinuousClock()
  private let isCancelled = Atomic(false)

  /// - Parameters:
  ///   - arguments: the first is the program, an absolute path.
  ///   - environment: `NAME=value`.
  package init(
    _ arguments: [String], environment: [String], deadline: ContinuousClock.Instant
  ) {
    self.arguments = arguments
    self.environment = environment
    self.deadline = deadline
  }

  /// From any thread.
  package func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Blocks until the program has ended, or its time.
  package func end() -> End {
    var output: CInt = -1
    var process: pid_t = 0
    let error = withCStrings(arguments) { arguments in
      withCStrings(environment) { cspawn_start(arguments, $0, &output, &process) }
    }
    guard error == 0 else { return .notStarted(error) }
    defer { close(output) }
    return watch(process, output: output)
  }

  private func watch(_ process: pid_t, output: CInt) -> End {
    var text: [UInt8] = []
    var look = Duration.milliseconds(1)
    while true {
      let isOver = hasEnded(process)
      read(output, into: &text)
      if isOver || isCancelled.load(ordering: .relaxed) || clock.now >= deadline {
        // The program itself is still there, as a zombie at least, so the group is still its own.
        kill(-process, SIGKILL)
        let status = reaped(process)
        if isOver { return end(status: status, output: text) }
        return isCancelled.load(ordering: .relaxed) ? .cancelled : .killed
      }
      var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let wait = min(look, deadline - clock.now)
      _ = poll(&entry, 1, CInt(max(1, wait / .milliseconds(1))))
      // A closed output reports at once, again and again.
      if entry.revents & Int16(POLLHUP) != 0, entry.revents & Int16(POLLIN) == 0 {
        usleep(UInt32(look / .microseconds(1)))
      }
      look = min(look * 2, Self.longestLook)
    }
  }

  private func hasEnded(_ process: pid_t) -> Bool {
    var info = siginfo_t()
    return waitid(P_PID, UInt32(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0
      && info.si_signo != 0
  }

  private func reaped(_ process: pid_t) -> CInt {
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }

  private func read(_ output: CInt, into text: inout [UInt8]) {
    // What a program writes meanwhile is read in the next turn.
    for _ in 0..<16 {
      let bytes = [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
        count = max(0, Glibc.read(output, buffer.baseAddress, buffer.count))
      }
      guard !bytes.isEmpty else { return }
      text += bytes.prefix(Self.keptBytes - text.count)
    }
  }

  private func end(status: CInt, output: [UInt8]) -> End {
    let signal = Int(status & 0x7F)
    return signal == 0
      ? .exited(code: Int(status >> 8 & 0xFF), output: output)
      : .ended(signal: signal, output: output)
  }
}

/// Pointers to the strings, ended by a null pointer, as long as `body` runs.
private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let pointers = strings.map { strdup($0) }
  defer { pointers.forEach { free($0) } }
  return body(pointers + [nil])
}
