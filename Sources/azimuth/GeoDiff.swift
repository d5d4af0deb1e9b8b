import Admin
import ArgumentParser
import Compiling
import Foundation
import MaxMind
import Places
import Settings
import Simulating
import Terminal

extension Geo {
  /// `azimuth geo diff`: what a new database says otherwise.
  struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "diff",
      abstract: "Say what a database says otherwise than another, of addresses and of people.",
      discussion: """
        With --config it also says which of the configuration's clients would get another region; \
        code 1 if that are more than geo.max_moved allows.
        """)

    @Argument(help: "The .mmdb file before.")
    var old: String
    @Argument(help: "The .mmdb file after.")
    var new: String
    @Option(help: "Kilometres: a location that moves by less counts as the same.")
    var distance = 100.0
    @Option(help: "A configuration, whose databases these two take the place of.")
    var config: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
      guard (0...20_038).contains(distance) else {
        throw ValidationError("--distance wants kilometres from 0 to 20038")
      }
      let (before, after) = (try absolutePath(old), try absolutePath(new))
      let bar = ProgressBar("Comparing")
      bar.show(0)
      defer { bar.end() }
      let table = try places(before)
      bar.show(0.2)
      let other = try places(after)
      bar.show(0.4)
      var difference = GeodataDifference(from: table, to: other, distanceKilometres: distance)
      bar.show(0.7)
      if let config { difference.regions = try moved(config, from: before, to: after) }
      bar.end()
      switch output.output {
      case .json:
        print(String(decoding: try jsonText(difference), as: UTF8.self), terminator: "")
      case .text:
        print(difference.text, terminator: "")
      }
      if difference.regions?.isWithinLimit == false { throw ExitCode(1) }
    }

    private func places(_ path: String) throws -> PlaceTable {
      do throws(MaxMindFault) {
        let layer = try MaxMindDatabase(file: path).layer
        return PlaceTable(layers: [layer], overrides: [], rulePrefixes: [])
      } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(1)
      }
    }

    private func moved(_ config: String, from old: String, to new: String) throws -> MovedReport? {
      var settings = try readSettings(config)
      return try faultsReported { () throws(Faults) in
        settings.geo.databases = [old]
        let before = try CompiledSettings(settings, zoneHashSeed: 0)
        settings.geo.databases = [new]
        let after = try CompiledSettings(settings, previous: before, zoneHashSeed: 0)
        return try GeodataGate(from: before, to: after)?
          .report(limit: settings.geo.maximumMoved)
      }
    }
  }
}
