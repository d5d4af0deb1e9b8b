import Foundation
import TestSupport
import Testing

/// The program under test, built beside the tests.
enum Program {
  static let root = Built.root
  static let path = Built.azimuth

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

/// A new folder for one test.
func temporaryFolder() throws -> URL {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-\(UUID().uuidString.prefix(8))")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}
