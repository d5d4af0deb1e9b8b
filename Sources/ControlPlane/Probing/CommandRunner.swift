import CSpawn
import Glibc
import NIOCore
import NIOPosix
import Places
import Settings
import Synchronization

/// Runs programs that monitors name: no shell, a process group of its own for each, an environment
/// of a few variables, its output bounded, and everything of it killed when its time is over.
struct CommandRunner: Sendable {
  /// So many at once; what waits longer than its time-out counts for nothing.
  static let mostAtOnce = 16

  let isAllowed: Bool

  /// Each run blocks a thread: that is what limits their number.
  private static let threads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: mostAtOnce)
    pool.start()
    return pool
  }()

  func outcome(
    of command: Settings.Monitor.Command, target: ProbeTarget, timeout: Duration
  ) async -> ProbeOutcome {
    guard isAllowed else { return .inconclusive("commands are not allowed here") }
    let run = CommandRun(command, target: target, deadline: ContinuousClock().now + timeout)
    return await withTaskCancellationHandler {
      do {
        return try await Self.threads.runIfActive { run.outcome(timeout: timeout) }
      } catch {
        return .inconclusive(error is CancellationError ? "cancelled" : "\(error)")
      }
    } onCancel: {
      run.cancel()
    }
  }
}

/// One run of a program.
private final class CommandRun: Sendable {
  /// Of the output that is kept, for the reason; the rest is read and dropped.
  private static let keptBytes = 1_024
  /// How long to wait for output before looking whether the program has ended.
  private static let longestLook = Duration.milliseconds(20)

  private let command: Settings.Monitor.Command
  private let target: ProbeTarget
  private let deadline: ContinuousClock.Instant
  private let clock = ContinuousClock()
  private let isCancelled = Atomic(false)

  init(
    _ command: Settings.Monitor.Command, target: ProbeTarget, deadline: ContinuousClock.Instant
  ) {
    self.command = command
    self.target = target
    self.deadline = deadline
  }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Blocks until the program has ended, or its time.
  func outcome(timeout: Duration) -> ProbeOutcome {
    guard clock.now < deadline else {
      return .inconclusive(
        "waited \(timeout) for one of \(CommandRunner.mostAtOnce) places for commands")
    }
    var output: CInt = -1
    var process: pid_t = 0
    let error = withCStrings(arguments) { arguments in
      withCStrings(environment) { cspawn_start(arguments, $0, &output, &process) }
    }
    guard error == 0 else {
      return .failure(
        "command \(command.arguments[0]) cannot run: \(String(cString: strerror(error)))")
    }
    defer { close(output) }
    return watch(process, output: output, timeout: timeout)
  }

  private func watch(_ process: pid_t, output: CInt, timeout: Duration) -> ProbeOutcome {
    var text: [UInt8] = []
    var look = Duration.milliseconds(1)
    while true {
      let isOver = hasEnded(process)
      read(output, into: &text)
      if isOver || isCancelled.load(ordering: .relaxed) || clock.now >= deadline {
        // The program itself is still there, as a zombie at least, so the group is still its own.
        kill(-process, SIGKILL)
        let status = reaped(process)
        if isOver { return outcome(status: status, output: text) }
        return isCancelled.load(ordering: .relaxed)
          ? .inconclusive("cancelled") : .failure("command killed after \(timeout)")
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

  private func outcome(status: CInt, output: [UInt8]) -> ProbeOutcome {
    let line = output.split(whereSeparator: { $0 < 0x20 || $0 == 0x7F }).first ?? []
    let text = line.isEmpty ? "" : ": \(String(decoding: line.prefix(200), as: UTF8.self))"
    let signal = status & 0x7F
    guard signal == 0 else { return .failure("command ended by signal \(signal)\(text)") }
    let code = Int(status >> 8 & 0xFF)
    if code == 0 { return .success }
    return command.degradedCodes.contains(code)
      ? .degraded("exit code \(code)\(text)") : .failure("exit code \(code)\(text)")
  }

  /// Without a shell there is nobody else to put the address in.
  private var arguments: [String] {
    command.arguments.enumerated().map { index, argument in
      guard index > 0 else { return argument }
      return argument.replacing("{address}", with: "\(target.address.address)")
        .replacing("{port}", with: "\(target.address.port)")
        .replacing("{endpoint}", with: target.endpointID)
    }
  }

  private var environment: [String] {
    [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
      "AZIMUTH_ENDPOINT=\(target.endpointID)", "AZIMUTH_ADDRESS=\(target.address.address)",
      "AZIMUTH_PORT=\(target.address.port)", "AZIMUTH_MONITOR=\(target.monitor?.name ?? "")",
    ]
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
