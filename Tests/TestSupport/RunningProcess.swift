import Foundation
import Synchronization

/// Where the sources lie, and the programs that were built beside the tests.
package enum Built {
  /// The project's folder.
  package static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path
  /// Azimuth; `AZIMUTH_PROGRAM` names another one.
  package static let azimuth =
    ProcessInfo.processInfo.environment["AZIMUTH_PROGRAM"] ?? "\(folder)/azimuth"
}

/// A process whose output goes to files, so that it never waits for a reader. Killed at the end.
///
/// Started by `posix_spawn`: Foundation's `Process` has crashed the tests (a read past the end of
/// its own memory in `run()`), and gives its child the signal mask of the thread that starts it.
package final class RunningProcess: Sendable {
  package let name: String
  package let identifier: Int32
  private let files: URL
  /// As `waitpid` tells it; nil while it runs.
  private let end = Mutex<Int32?>(nil)

  /// - Parameters:
  ///   - path: absolute. What it calls by name is looked for beside Azimuth first.
  ///   - folder: where it works.
  package init(
    _ path: String, _ arguments: [String], in folder: String = Built.root
  ) throws {
    name = ([path] + arguments).joined(separator: " ")
    files = FileManager.default.temporaryDirectory
      .appending(path: "azimuth-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    identifier = try Self.spawn(["/usr/bin/env", "-C", folder, path] + arguments, files: files)
    Running.add(identifier)
  }

  deinit {
    end(with: SIGKILL)
    Running.remove(identifier)
    try? FileManager.default.removeItem(at: files)
  }

  package var isRunning: Bool {
    end.withLock { end in
      var status: Int32 = 0
      if end == nil, waitpid(identifier, &status, WNOHANG) == identifier { end = status }
      return end == nil
    }
  }

  /// What it ended with, or the signal that ended it; only of a process that has ended.
  package var status: Int32 {
    let end = end.withLock { $0 ?? -1 }
    return end & 0x7F == 0 ? end >> 8 & 0xFF : end & 0x7F
  }

  package var output: String { text("output") }
  package var errors: String { text("errors") }
  package var all: String { output + errors }

  package func signal(_ number: Int32) { if isRunning { kill(identifier, number) } }

  /// Waits for its end, however long that takes: for programs that end by themselves.
  package func waitForEnd() {
    end.withLock { end in
      var status: Int32 = 0
      if end == nil, waitpid(identifier, &status, 0) == identifier { end = status }
    }
  }

  /// Ends it by a signal that it cannot, or does not, pass over.
  package func end(with signal: Int32) {
    guard isRunning else { return }
    kill(identifier, signal)
    waitForEnd()
  }

  private func text(_ file: String) -> String {
    let data = (try? Data(contentsOf: files.appending(path: file))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  /// Starts a program without input, without descriptors of this process and with signals as they
  /// are by default, for the threads that run tests block nearly all of them.
  private static func spawn(_ arguments: [String], files: URL) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (descriptor, name) in [(1, "output"), (2, "errors")] as [(Int32, String)] {
      posix_spawn_file_actions_addopen(
        &actions, descriptor, files.appending(path: name).path, O_CREAT | O_WRONLY, 0o600)
    }
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

    var environment = ProcessInfo.processInfo.environment
    let programs = URL(filePath: Built.azimuth).deletingLastPathComponent().path
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
}

/// A program could not be started.
struct SpawnError: Error {
  var program: String
  /// As in `errno`.
  var number: Int32
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
