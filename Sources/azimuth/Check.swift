import ArgumentParser
import Compiling
import Foundation
import Settings
import Simulating

/// `azimuth check`: all that is wrong with a configuration, databases and zone data included.
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration and everything it names; code 1 if anything is wrong.",
    discussion: """
      Override lines that hide from a fence what a shorter prefix says are warned of. With \
      --against it also says whom its databases move, compared with those, and more than \
      geo.max_moved is wrong.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "A .mmdb file that was in force before; may be repeated.")
  var against: [String] = []
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let before = try against.map(absolutePath)
    let (faults, warnings, moved) = faultsOfConfiguration(against: before)
    switch output.output {
    case .json: print(try json(faults, warnings: warnings, moved: moved))
    case .text:
      if let moved { print(moved.text) }
      for warning in warnings { print("warning: \(warning)") }
      for fault in faults { print(fault) }
      let count = faults.count
      print(
        count == 0
          ? "\(configuration.config): good"
          : "\(configuration.config): \(count) \(count == 1 ? "fault" : "faults")")
    }
    if !faults.isEmpty { throw ExitCode(1) }
  }

  /// - Parameter before: the databases that are compared; none: nothing is.
  private func faultsOfConfiguration(
    against before: [String]
  ) -> (faults: [Fault], warnings: [Fault], moved: MovedReport?) {
    do throws(Faults) {
      let settings = try configuration.source.settings()
      let compiled = try CompiledSettings(settings, zoneHashSeed: 0)
      let tls = try LoadedTLS(settings)
      let warnings = compiled.warnings() + tls.warnings(settings, now: secondsSince1970())
      guard !before.isEmpty else { return ([], warnings, nil) }
      var old = settings
      old.geo.databases = before
      let gate = try GeodataGate(from: CompiledSettings(old, zoneHashSeed: 0), to: compiled)
      guard let moved = gate?.report(limit: settings.geo.maximumMoved) else {
        return ([], warnings, nil)
      }
      let faults = moved.isWithinLimit ? [] : [movedFault(moved, file: configuration.config)]
      return (faults, warnings, moved)
    } catch {
      return (error.faults, [], nil)
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
    var warnings: [Entry]
    var moved: MovedReport?

    enum CodingKeys: String, CodingKey {
      case file, faults, warnings, moved
      case isGood = "good"
    }
  }

  private func json(
    _ faults: [Fault], warnings: [Fault], moved: MovedReport?
  ) throws -> String {
    func entries(_ faults: [Fault]) -> [Report.Entry] {
      faults.map {
        Report.Entry(
          file: $0.origin.file, line: $0.origin.line, path: $0.origin.path, message: $0.message,
          suggestion: $0.suggestion)
      }
    }
    return try renderedJSON(
      Report(
        file: configuration.config, isGood: faults.isEmpty, faults: entries(faults),
        warnings: entries(warnings), moved: moved))
  }
}

/// Pretty, with sorted keys.
func renderedJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
