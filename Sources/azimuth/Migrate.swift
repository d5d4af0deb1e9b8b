import ArgumentParser
import Compiling
import Foundation
import Migrating
import Settings
import StateFiles

/// `azimuth migrate`: configurations of other programs.
struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a configuration of another program's.",
    discussion: """
      What cannot be carried over is told on standard error, with its file and line, and at the top \
      of the configuration. See docs/migrate.md.
      """, subcommands: [Gdnsd.self, HAProxy.self, PowerDNS.self])

  /// `azimuth migrate gdnsd`
  struct Gdnsd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a configuration of gdnsd's maps, resources, service types and zones.")

    @Argument(help: "The folder with the file config and the folder zones, or such a file.")
    var path: String
    @OptionGroup var options: MigrationOptions

    func run() async throws {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let folder = isFolder.boolValue ? path : folderName(of: path)
      let config = isFolder.boolValue ? "\(path)/config" : path
      let zones = "\(folder)/zones"
      try options.migrate { () throws(Faults) in
        let hasConfig = !isFolder.boolValue || FileManager.default.fileExists(atPath: config)
        let names = try namesOfFiles(in: zones)
        var files: [(name: String, file: SourceText)] = []
        // Of names with a slash gdnsd has @ in its place; it passes over hidden files.
        for name in names.sorted() where !name.hasPrefix(".") {
          files.append((name.replacing("@", with: "/"), try sourceText("\(zones)/\(name)")))
        }
        guard hasConfig || !files.isEmpty else {
          throw Faults([
            Fault(
              origin: Origin(file: path),
              message: "has neither a file config nor a folder zones with files")
          ])
        }
        return try Migration.gdnsd(
          Migration.Gdnsd(
            config: hasConfig ? try sourceText(config) : nil, zones: files,
            databases: options.databasePaths
          ) { name in
            let paths = name.hasPrefix("/") ? [name] : ["\(folder)/\(name)", "\(zones)/\(name)"]
            return paths.lazy.compactMap { try? sourceText($0) }.first
          }, folder: options.resultFolder)
      }
    }
  }
}

extension Migrate {
  /// `azimuth migrate haproxy`
  struct HAProxy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "haproxy",
      abstract: "Make a configuration of HAProxy's frontends and backends of mode tcp.")

    @Argument(help: "The configuration file, such as /etc/haproxy/haproxy.cfg.")
    var path: String
    @Option(help: "What the region is called in which the servers are.")
    var region = "here"
    @OptionGroup var options: MigrationOptions

    func run() async throws {
      try options.migrate { () throws(Faults) in
        try Migration.haproxy(sourceText(path), region: region, folder: options.resultFolder)
      }
    }
  }

  /// `azimuth migrate powerdns`
  struct PowerDNS: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "powerdns",
      abstract: "Make a configuration of the zones file of PowerDNS's geoip backend.")

    @Argument(help: "The YAML that geoip-zones-file names.")
    var path: String
    @OptionGroup var options: MigrationOptions

    func run() async throws {
      try options.migrate { () throws(Faults) in
        try Migration.powerDNS(
          sourceText(path), databases: options.databasePaths, folder: options.resultFolder)
      }
    }
  }
}

/// What every migration is told.
struct MigrationOptions: ParsableArguments {
  @Option(help: "A .mmdb file that says where clients are; may be repeated.")
  var database: [String] = []
  @Option(help: "Write the configuration into a new file, in place of standard output.")
  var outputFile: String?

  var databasePaths: [String] { database.map { URL(filePath: $0).path } }

  /// Where relative paths of the result start.
  var resultFolder: String {
    outputFile.map { URL(filePath: $0).deletingLastPathComponent().path }
      ?? FileManager.default.currentDirectoryPath
  }

  /// Migrates, has the result checked as `azimuth check` checks a file, and writes it.
  func migrate(_ body: () throws(Faults) -> Migration) throws {
    let migration = try faultsReported { () throws(Faults) in
      let migration = try body()
      do throws(Faults) {
        let settings = try SettingsReader.read(
          text: migration.text, name: Migration.name, folder: resultFolder)
        _ = try CompiledSettings(settings, zoneHashSeed: 0)
      } catch {
        throw migration.inTermsOfSource(error)
      }
      return migration
    }
    for finding in migration.findings { writeToStandardError("\(finding)\n") }
    guard let outputFile else { return print(migration.text, terminator: "") }
    do {
      try Data(migration.text.utf8).write(
        to: URL(filePath: outputFile), options: .withoutOverwriting)
    } catch {
      throw reported("\(outputFile) cannot be written: \(reasonOfFile(error))")
    }
  }
}

/// Empty if there is no such folder.
private func namesOfFiles(in folder: String) throws(Faults) -> [String] {
  guard FileManager.default.fileExists(atPath: folder) else { return [] }
  guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
    throw Faults([
      Fault(origin: Origin(file: folder), message: "is no folder, or cannot be read")
    ])
  }
  return names
}

private func folderName(of path: String) -> String {
  URL(filePath: path).deletingLastPathComponent().path
}

/// Nobody writes a larger one by hand.
private let mostSourceBytes = 64 << 20

private func sourceText(_ path: String) throws(Faults) -> SourceText {
  let bytes: [UInt8]
  do throws(PlainFile.Fault) {
    bytes = try PlainFile(path).bytes(atMost: mostSourceBytes)
  } catch {
    throw Faults([Fault(origin: Origin(file: path), message: "cannot be read: \(error)")])
  }
  return try SourceText(name: path, bytes: bytes)
}
