import ArgumentParser
import Clustering
import Compiling
import Foundation
import Learning
import Logging
import Settings
import StateFiles
import Terminal

/// The configuration that a verb works on.
struct ConfigurationOptions: ParsableArguments {
  @Argument(help: "The configuration file.")
  var config = "config/azimuth.yaml"
  @OptionGroup var flags: SetOptions

  var source: ConfigurationSource { ConfigurationSource(file: config, sets: flags.set) }

  /// The settings; on faults prints all of them and ends with code 1.
  func settings() throws -> Settings { try readSettings(config, sets: flags.set) }
}

/// What flags say of the configuration.
struct SetOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: "YAML laid over the configuration, such as \"log: {level: debug}\"; may be repeated.")
  var set: [String] = []
}

/// What a node reads, and reads again.
struct ConfigurationSource: Sendable {
  var file: String
  var sets: [String] = []

  /// - Parameter stored: layers of the fleet's store, between the file and the environment.
  func settings(_ stored: StoredConfiguration? = nil) throws(Faults) -> Settings {
    let environment = ProcessInfo.processInfo.environment
    return try SettingsReader.read(
      file: file, environment: environment, sets: sets, shared: stored?.texts ?? [])
  }

  /// nil: the node is in no fleet.
  func fleetStart() throws(Faults) -> FleetStart? {
    try FleetStart(file: file, environment: ProcessInfo.processInfo.environment, sets: sets)
  }
}

/// Reads a configuration file with this process's environment; on faults prints all of them to
/// standard error and ends with code 1.
func readSettings(_ file: String, sets: [String] = []) throws -> Settings {
  try faultsReported { () throws(Faults) in
    try ConfigurationSource(file: file, sets: sets).settings()
  }
}

/// Compiles as ``readSettings(_:sets:)`` reads.
func compile(_ settings: Settings) throws -> CompiledSettings {
  try faultsReported { () throws(Faults) in
    try CompiledSettings(settings, zoneHashSeed: .random(in: .min ... .max))
  }
}

/// Compiles with the latencies that a node has kept, as the node itself at its start.
func compileWithKeptLatencies(_ settings: Settings) throws -> CompiledSettings {
  try compile(settings).withKeptLatencies(now: UInt32(clamping: secondsSince1970()))
}

/// On faults prints all of them and ends with code 1.
func faultsReported<Result>(_ body: () throws(Faults) -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    throw reported(error)
  }
}

/// Reads certificates, keys and roots as ``readSettings(_:sets:)`` reads.
func loadTLS(_ settings: Settings) throws -> LoadedTLS {
  try faultsReported { () throws(Faults) in try LoadedTLS(settings) }
}

func reported(_ faults: Faults) -> ExitCode {
  let count = faults.faults.count
  writeToStandardError(
    "\(faults)\n\(count) \(count == 1 ? "fault" : "faults"); nothing was changed.\n")
  return ExitCode(1)
}

/// What a verb cannot do: tells it, for a verb that ends with code 1.
func reported(_ failure: String) -> ExitCode {
  writeToStandardError("\(failure)\n")
  return ExitCode(1)
}

/// A file whole; if it cannot be read, says so and ends with code 1.
func fileContents(_ path: String) throws -> [UInt8] {
  do {
    return try PlainFile(path).bytes()
  } catch {
    throw reported("\(path) cannot be read: \(error)")
  }
}

/// Why a file cannot be written, of what Foundation throws.
func reasonOfFile(_ error: any Error) -> String {
  switch (error as? CocoaError)?.code {
  case .fileWriteFileExists: "it is there already"
  case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such folder"
  case .fileWriteNoPermission, .fileReadNoPermission: "permission denied"
  case .fileWriteOutOfSpace: "the disk is full"
  default: "the system does not let it be written"
  }
}

/// Without what strange files might do to a terminal.
func writeToStandardError(_ text: String) {
  FileHandle.standardError.write(Data(shownText(text).utf8))
}

/// Sets swift-log up as the configuration wants it. Once for each process.
func bootstrapLogging(_ log: Settings.Log) {
  let level = Logger.Level(rawValue: log.level) ?? .info
  let format = log.format
  LoggingSystem.bootstrap { label in
    switch format {
    case .json: return JSONLogHandler(label: label, level: level)
    case .text:
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
  }
}
