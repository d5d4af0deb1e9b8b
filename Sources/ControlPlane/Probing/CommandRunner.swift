import Glibc
import NIOCore
import NIOPosix
import Places
import Settings
import Spawning

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

/// One run of a program, and what its end is worth.
private struct CommandRun: Sendable {
  private let command: Settings.Monitor.Command
  private let deadline: ContinuousClock.Instant
  private let run: ProgramRun

  init(
    _ command: Settings.Monitor.Command, target: ProbeTarget, deadline: ContinuousClock.Instant
  ) {
    self.command = command
    self.deadline = deadline
    run = ProgramRun(
      Self.arguments(of: command, target), environment: Self.environment(target),
      deadline: deadline)
  }

  func cancel() { run.cancel() }

  /// Blocks until the program has ended, or its time.
  func outcome(timeout: Duration) -> ProbeOutcome {
    guard ContinuousClock().now < deadline else {
      return .inconclusive(
        "waited \(timeout) for one of \(CommandRunner.mostAtOnce) places for commands")
    }
    switch run.end() {
    case .notStarted(let error):
      return .failure(
        "command \(command.arguments[0]) cannot run: \(String(cString: strerror(error)))")
    case .killed: return .failure("command killed after \(timeout)")
    case .cancelled: return .inconclusive("cancelled")
    case .ended(let signal, let output):
      return .failure("command ended by signal \(signal)\(text(of: output))")
    case .exited(0, _): return .success
    case .exited(let code, let output):
      return command.degradedCodes.contains(code)
        ? .degraded("exit code \(code)\(text(of: output))")
        : .failure("exit code \(code)\(text(of: output))")
    }
  }

  private func text(of output: [UInt8]) -> String {
    let line = output.split(whereSeparator: { $0 < 0x20 || $0 == 0x7F }).first ?? []
    return line.isEmpty ? "" : ": \(String(decoding: line.prefix(200), as: UTF8.self))"
  }

  /// Without a shell there is nobody else to put the address in.
  private static func arguments(
    of command: Settings.Monitor.Command, _ target: ProbeTarget
  ) -> [String] {
    command.arguments.enumerated().map { index, argument in
      guard index > 0 else { return argument }
      return argument.replacing("{address}", with: "\(target.address.address)")
        .replacing("{port}", with: "\(target.address.port)")
        .replacing("{endpoint}", with: target.endpointID)
    }
  }

  private static func environment(_ target: ProbeTarget) -> [String] {
    [
      ProgramRun.path, "LANG=C.UTF-8", "AZIMUTH_ENDPOINT=\(target.endpointID)",
      "AZIMUTH_ADDRESS=\(target.address.address)", "AZIMUTH_PORT=\(target.address.port)",
      "AZIMUTH_MONITOR=\(target.monitor?.name ?? "")",
    ]
  }
}
