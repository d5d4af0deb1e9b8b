import Foundation
import Synchronization
import Testing

/// The program under test, built beside the tests.
enum Program {
  static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// `AZIMUTH_PROGRAM` names another one.
  static let path =
    ProcessInfo.processInfo.environment["AZIMUTH_PROGRAM"]
    ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "azimuth").path

  struct Finished {
    var status: Int32
    var output: String
    var errors: String

    /// Both, as a person sees them.
    var all: String { output + errors }
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], within limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Finished {
    try finish(RunningProcess(path, arguments), within: limit, sourceLocation)
  }

  /// Runs a command of the system, with the program's folder in front of `PATH`.
  static func shell(
    _ script: String, within limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Finished {
    try finish(
      RunningProcess("/bin/bash", ["-euo", "pipefail", "-c", script]), within: limit,
      sourceLocation)
  }

  private static func finish(
    _ process: RunningProcess, within limit: Duration, _ sourceLocation: SourceLocation
  ) throws -> Finished {
    eventually("the end of \(process.name)", within: limit, sourceLocation: sourceLocation) {
      !process.isRunning
    }
    let status = process.isRunning ? -1 : process.status
    return Finished(status: status, output: process.output, errors: process.errors)
  }
}

/// A process whose output goes to files, so that it never waits for a reader. Killed at the end.
///
/// Started by `posix_spawn`: Foundation's `Process` has crashed the tests (a read past the end of
/// its own memory in `run()`), and gives its child the signal mask of the thread that starts it.
final class RunningProcess: Sendable {
  let name: String
  let identifier: Int32
  private let folder: URL
  /// As `waitpid` tells it; nil while it runs.
  private let end = Mutex<Int32?>(nil)

  init(_ path: String, _ arguments: [String]) throws {
    name = ([path] + arguments).joined(separator: " ")
    folder = try temporaryFolder()
    identifier = try spawn(
      ["/usr/bin/env", "-C", Program.root, path] + arguments,
      output: folder.appending(path: "output").path, errors: folder.appending(path: "errors").path)
    Running.add(identifier)
  }

  deinit {
    if isRunning {
      kill(identifier, SIGKILL)
      waitpid(identifier, nil, 0)
    }
    Running.remove(identifier)
    try? FileManager.default.removeItem(at: folder)
  }

  var isRunning: Bool {
    end.withLock { end in
      var status: Int32 = 0
      if end == nil, waitpid(identifier, &status, WNOHANG) == identifier { end = status }
      return end == nil
    }
  }

  /// What it ended with, or the signal that ended it; only of a process that has ended.
  var status: Int32 {
    let end = end.withLock { $0 ?? -1 }
    return end & 0x7F == 0 ? end >> 8 & 0xFF : end & 0x7F
  }

  var output: String { text("output") }
  var errors: String { text("errors") }
  var all: String { output + errors }

  func signal(_ number: Int32) { if isRunning { kill(identifier, number) } }

  private func text(_ file: String) -> String {
    let data = (try? Data(contentsOf: folder.appending(path: file))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

/// A program could not be started.
struct SpawnError: Error {
  var program: String
  var number: Int32
}

/// Starts a program without input, without descriptors of this process and with signals as they
/// are by default, for the threads that run tests block nearly all of them.
///
/// - Parameters:
///   - arguments: the first is the program's absolute path.
///   - output: the file that is made for it; so is that for `errors`.
private func spawn(_ arguments: [String], output: String, errors: String) throws -> Int32 {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_CREAT | O_WRONLY, 0o600)
  posix_spawn_file_actions_addopen(&actions, 2, errors, O_CREAT | O_WRONLY, 0o600)
  // Sockets of tests are this process's alone: a program that had them too would keep them open.
  // Other threads open some meanwhile; what is not open is passed over.
  let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
  for descriptor in 3...(open.compactMap { Int32($0) }.max() ?? 3) + 256 {
    posix_spawn_file_actions_addclose(&actions, descriptor)
  }
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

  let programs = URL(filePath: Program.path).deletingLastPathComponent().path
  var environment = ProcessInfo.processInfo.environment
  environment["PATH"] = "\(programs):\(environment["PATH"] ?? "/usr/bin:/bin")"
  let texts = arguments.map { strdup($0) }
  let variables = environment.map { strdup("\($0)=\($1)") }
  defer { (texts + variables).forEach { free($0) } }
  var process: pid_t = 0
  let result = posix_spawn(
    &process, arguments[0], &actions, &attributes, texts + [nil], variables + [nil])
  guard result == 0 else { throw SpawnError(program: arguments[0], number: result) }
  return process
}

/// The processes that run now, so that none outlives the tests.
private enum Running {
  static let identifiers: Mutex<Set<Int32>> = {
    atexit { Running.identifiers.withLock { $0.forEach { kill($0, SIGKILL) } } }
    return Mutex([])
  }()

  static func add(_ identifier: Int32) {
    identifiers.withLock { _ = $0.insert(identifier) }
  }

  static func remove(_ identifier: Int32) {
    identifiers.withLock { _ = $0.remove(identifier) }
  }
}

/// A new folder for one test.
func temporaryFolder() throws -> URL {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-\(UUID().uuidString.prefix(8))")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}
