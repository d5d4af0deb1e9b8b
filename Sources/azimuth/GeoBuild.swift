import ArgumentParser
import Building
import Foundation
import MaxMind
import Places
import StateFiles
import Terminal

extension Geo {
  /// `azimuth geo build`: a database of one's own.
  struct Build: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a database, or a table of override prefixes, of CSV files and geofeeds.",
      discussion: """
        Inputs are CSV files whose first line names their columns, geofeeds (RFC 8805: prefix, \
        country, region, city) and .mmdb files. Of nested networks the longest of an input speaks \
        alone; of each property the last input counts that says any. Wrong lines of a geofeed are \
        left out and told; those of a CSV file are faults, and nothing is written. \
        docs/geodata.md has the names of columns.
        """)

    @Argument(help: "CSV files, geofeeds and .mmdb files; the last that says something wins.")
    var inputs: [String]
    @Option(help: "The file to write.")
    var output: String
    @Flag(help: "Write lines of override prefixes, for geo.overrides, in place of a database.")
    var prefixes = false
    @Option(help: "The columns of CSV files that do not name them, with commas.")
    var columns: String?
    @Option(help: "A network that the geofeeds may speak for; may be repeated. Otherwise: all.")
    var within: [String] = []
    @Flag(help: "Leave wrong lines of CSV files out, too.")
    var skipMalformed = false
    @Option(help: "What the database says it is.")
    var type = "Azimuth-City"
    @Option(help: "What the database says of its sources and licences.")
    var description = "Made by azimuth geo build"

    func run() async throws {
      let own = try within.map { text in
        guard let prefix = AddressPrefix(text) else {
          throw ValidationError("--within \"\(text)\" is no prefix")
        }
        return prefix
      }
      var table = NetworkTable()
      var isRefused = false
      for path in inputs {
        if path.hasSuffix(".mmdb") {
          table.lay(NetworkTable(try database(path).layer))
          continue
        }
        let input = try read(path, within: own.isEmpty ? nil : own)
        isRefused = isRefused || (input.kind == .csv && input.faultCount > 0 && !skipMalformed)
        table.lay(input.table)
      }
      guard !isRefused else {
        writeToStandardError("Nothing was written; --skip-malformed leaves such lines out.\n")
        throw ExitCode(1)
      }
      guard !table.isEmpty else {
        writeToStandardError("Nothing is said of any network; nothing was written.\n")
        throw ExitCode(1)
      }
      if prefixes { try writeOverrides(table) } else { try writeDatabase(table) }
    }

    private func database(_ path: String) throws -> MaxMindDatabase {
      do throws(MaxMindFault) {
        return try MaxMindDatabase(file: path)
      } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(1)
      }
    }

    private func read(_ path: String, within own: [AddressPrefix]?) throws -> NetworkInput {
      let bytes = try fileContents(path)
      let bar = ProgressBar("Reading \(URL(filePath: path).lastPathComponent)")
      let input = NetworkInput(
        bytes,
        headers: columns?.split(separator: ",", omittingEmptySubsequences: false).map(String.init),
        within: own, tellProgress: bar.show)
      bar.end()
      for fault in input.faults { writeToStandardError("\(path): \(fault)\n") }
      let more = input.faultCount - input.faults.count
      if more > 0 { writeToStandardError("\(path): and \(more) more\n") }
      if !input.unusedHeaders.isEmpty {
        writeToStandardError("\(path): not used: \(input.unusedHeaders.joined(separator: ", "))\n")
      }
      if input.foldedCount > 0 {
        writeToStandardError(
          "\(path): \(input.foldedCount) networks are answered as the IPv4 addresses inside\n")
      }
      return input
    }

    private func writeDatabase(_ table: NetworkTable) throws {
      let bar = ProgressBar("Building")
      defer { bar.end() }
      guard
        let file = MaxMindFile(
          table,
          metadata: MaxMindFile.Metadata(
            type: type, description: description, buildEpochSeconds: buildEpochSeconds),
          tellProgress: bar.show)
      else {
        writeToStandardError("The database would be larger than the format allows, 4 GiB.\n")
        throw ExitCode(1)
      }
      try replace(with: file.bytes) { path throws(MaxMindFault) in
        // What we cannot read ourselves is not put in anybody's place.
        _ = try MaxMindDatabase(file: path)
      }
      bar.end()
      print(
        "\(output): \(table.rangeCount) ranges, \(table.records.count - 1) records, "
          + "\(file.nodeCount) nodes of \(file.recordBits)-bit records, \(file.bytes.count) bytes")
    }

    private func writeOverrides(_ table: NetworkTable) throws {
      let (text, lineCount, hiddenCount) = table.overrideText()
      try replace(with: Array(text.utf8)) { _ throws(MaxMindFault) in }
      if hiddenCount > 0 {
        writeToStandardError(
          "\(hiddenCount) networks of which nothing is to be known cannot be said there\n")
      }
      print("\(output): \(lineCount) prefixes")
    }

    /// For builds that give the same bytes again.
    private var buildEpochSeconds: UInt64 {
      ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap { UInt64($0) }
        ?? UInt64(Date.now.timeIntervalSince1970)
    }

    /// Whole or not at all: who reads meanwhile reads the old file.
    private func replace(
      with bytes: [UInt8], check: (String) throws(MaxMindFault) -> Void
    ) throws {
      let url = URL(filePath: output)
      let file = StateFile(url.lastPathComponent, in: url.deletingLastPathComponent().path)
      do throws(StateFile.Fault) {
        try file.replace(with: Data(bytes)) { path throws(StateFile.Fault) in
          do throws(MaxMindFault) {
            try check(path)
          } catch {
            throw StateFile.Fault(description: "\(error)")
          }
        }
      } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(1)
      }
    }
  }
}
