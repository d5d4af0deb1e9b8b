import ArgumentParser
import Compiling
import Foundation
import Learning
import Logging
import Settings

/// The configuration file that a verb works on.
struct ConfigurationOptions: ParsableArguments {
  @Argument(help: "The configuration file.")
  var config = "config/azimuth.yaml"

  /// The file's settings; on faults prints all of them and ends with code 1.
  func settings() throws -> Settings { try readSettings(config) }
}

/// Reads a configuration file with this process's environment; on faults prints all of them to
/// standard error and ends with code 1.
func readSettings(_ file: String) throws -> Settings {
  do {
    return try SettingsReader.read(file: file, environment: ProcessInfo.processInfo.environment)
  } catch {
    throw reported(error)
  }
}

/// Compiles as ``readSettings(_:)`` reads.
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

/// Reads certificates, keys and roots as ``readSettings(_:)`` reads.
func loadTLS(_ settings: Settings) throws -> LoadedTLS {
  try faultsReported { () throws(Faults) in try LoadedTLS(settings) }
}

func reported(_ faults: Faults) -> ExitCode {
  let count = faults.faults.count
  writeToStandardError(
    "\(faults)\n\(count) \(count == 1 ? "fault" : "faults"); nothing was changed.\n")
  return ExitCode(1)
}

func writeToStandardError(_ text: String) {
  FileHandle.standardError.write(Data(text.utf8))
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
