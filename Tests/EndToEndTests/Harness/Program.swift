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
final class RunningProcess {
  let name: String
  private let process = Process()
  private let folder: URL

  init(_ path: String, _ arguments: [String]) throws {
    name = ([path] + arguments).joined(separator: " ")
    folder = try temporaryFolder()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: Program.root)
    var environment = ProcessInfo.processInfo.environment
    let programs = URL(filePath: Program.path).deletingLastPathComponent().path
    environment["PATH"] = "\(programs):\(environment["PATH"] ?? "/usr/bin:/bin")"
    process.environment = environment
    for (file, isOutput) in [("output", true), ("errors", false)] {
      let url = folder.appending(path: file)
      _ = FileManager.default.createFile(atPath: url.path, contents: nil)
      let handle = try FileHandle(forWritingTo: url)
      if isOutput { process.standardOutput = handle } else { process.standardError = handle }
    }
    process.standardInput = FileHandle.nullDevice
    try withSignalsUnblocked { try process.run() }
    Running.add(process.processIdentifier)
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    Running.remove(process.processIdentifier)
    try? FileManager.default.removeItem(at: folder)
  }

  var isRunning: Bool { process.isRunning }
  /// Only of a process that has ended.
  var status: Int32 { process.terminationStatus }
  var identifier: Int32 { process.processIdentifier }
  var output: String { text("output") }
  var errors: String { text("errors") }
  var all: String { output + errors }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  private func text(_ file: String) -> String {
    let data = (try? Data(contentsOf: folder.appending(path: file))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

/// A process inherits the signal mask of the thread that starts it, and the threads that run tests
/// block nearly all signals.
private func withSignalsUnblocked(_ body: () throws -> Void) rethrows {
  var none = sigset_t()
  var before = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  try body()
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
