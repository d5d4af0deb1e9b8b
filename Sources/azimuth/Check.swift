import ArgumentParser
import Compiling
import Foundation
import Settings

/// `azimuth check`: all that is wrong with a configuration, databases and zone data included.
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration and everything it names; code 1 if anything is wrong.")

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let faults = faultsOfConfiguration()
    switch output.output {
    case .json: print(try json(faults))
    case .text:
      for fault in faults { print(fault) }
      let count = faults.count
      print(
        count == 0
          ? "\(configuration.config): good"
          : "\(configuration.config): \(count) \(count == 1 ? "fault" : "faults")")
    }
    if !faults.isEmpty { throw ExitCode(1) }
  }

  private func faultsOfConfiguration() -> [Fault] {
    do throws(Faults) {
      let settings = try SettingsReader.read(
        file: configuration.config, environment: ProcessInfo.processInfo.environment)
      _ = try CompiledSettings(settings, zoneHashSeed: 0)
      _ = try tlsIdentity(settings)
      return []
    } catch {
      return error.faults
    }
  }

  private struct Report: Encodable {
    struct Entry: Encodable {
      var file: String
      var line: Int?
      var path: String
      var message: String
      var suggestion: String?
    }
    var file: String
    var isGood: Bool
    var faults: [Entry]

    enum CodingKeys: String, CodingKey {
      case file, faults
      case isGood = "good"
    }
  }

  private func json(_ faults: [Fault]) throws -> String {
    try renderedJSON(
      Report(
        file: configuration.config, isGood: faults.isEmpty,
        faults: faults.map {
          Report.Entry(
            file: $0.origin.file, line: $0.origin.line, path: $0.origin.path,
            message: $0.message, suggestion: $0.suggestion)
        }))
  }
}

/// Pretty, with sorted keys.
func renderedJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
