import Foundation
import Places
import Settings
import TestSupport
import Testing

private let repository = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func configurationFiles() -> [String] {
  ["config", "config/examples"].flatMap { folder in
    let path = repository.appending(path: folder).path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }.sorted()
  }
}

@Suite("Every file under config/")
struct ConfigurationFiles {
  @Test("is there")
  func all() {
    #expect(configurationFiles().count >= 6)
  }

  @Test("reads without a fault", arguments: configurationFiles())
  func reads(file: String) throws {
    let path = repository.appending(path: file).path
    _ = try SettingsReader.read(file: path, environment: [:])
  }

  @Test("of the demo has distinct loopback endpoints in every region")
  func demo() throws {
    let path = repository.appending(path: "config/azimuth.yaml").path
    let settings = try SettingsReader.read(file: path, environment: [:])
    #expect(settings.regions.count >= 6)
    #expect(settings.regions.allSatisfy { $0.location != nil })
    let endpoints = settings.pools.flatMap(\.endpoints)
    #expect(Set(endpoints.map(\.region)) == Set(settings.regions.indices))
    #expect(Set(endpoints.map(\.address)).count == endpoints.count)
    #expect(endpoints.allSatisfy { $0.address.description.hasPrefix("127.") && $0.port > 1023 })
    #expect(settings.dns.listen.allSatisfy { $0.port > 1023 })
    #expect(settings.geo.databases[0].hasSuffix("/config/../geodata/azimuth-city.mmdb"))
  }
}

@Suite("A mutated document")
struct Mutations {

  /// Characters that mean something to YAML or to the reader.
  private static let spice = Array("{}[]:,\"'\n -&*!|>%@`#?~$\\.0aé\t\u{E000}\r".unicodeScalars)

  @Test("reads or has faults, and never crashes", arguments: 0..<8 as Range<UInt64>)
  func neverCrashes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let path = repository.appending(path: "config/azimuth.yaml")
    let original = Array(try String(contentsOf: path, encoding: .utf8).unicodeScalars)
    for _ in 0..<100 {
      let text = mutated(original, with: &generator)
      do {
        _ = try SettingsReader.read(
          text: text, name: "a.yaml", folder: path.deletingLastPathComponent().path,
          environment: [:])
      } catch {
        #expect(!error.faults.isEmpty, "seed \(seed)")
      }
    }
  }

  private func mutated(
    _ original: [Unicode.Scalar], with generator: inout SeededGenerator
  ) -> String {
    var scalars = original
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      let start = Int.random(in: 0..<scalars.count, using: &generator)
      let end = min(start + Int.random(in: 1...40, using: &generator), scalars.count)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: scalars.removeSubrange(start..<end)
      case 1: scalars.insert(contentsOf: scalars[start..<end], at: start)
      case 2: scalars[start] = Self.spice.randomElement(using: &generator) ?? "x"
      case 3:
        let spice = Self.spice.randomElement(using: &generator) ?? "x"
        scalars.insert(spice, at: start)
      default:
        let target = Int.random(in: 0..<scalars.count, using: &generator)
        scalars.insert(contentsOf: Array(scalars[start..<end]), at: target)
      }
    }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}
