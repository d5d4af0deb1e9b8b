import Compiling
import Editions
import Foundation
import Places
import Routing
import Settings
import TestSupport
import Testing

@Suite struct `Homes are compiled` {
  /// A configuration with a file of overrides, in a folder of its own.
  private final class Folder {
    let path: String

    init(_ overrides: String) throws {
      path =
        FileManager.default.temporaryDirectory
        .appendingPathComponent("azimuth-homes-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try write(overrides)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ overrides: String) throws {
      try Data(overrides.utf8).write(
        to: URL(fileURLWithPath: "\(path)/homes.csv"), options: .atomic)
    }

    func compiled(
      _ policy: String = "keys: {acme: tokyo}, default: dublin", fence: String = ""
    ) throws -> CompiledSettings {
      let text = RegionSet.continents.configuration(
        policy: "{type: home, \(policy), overrides: \(path)/homes.csv}", extra: fence
      ).replacing("{www: web}", with: "{\"*.tenants\": web}")
      return try compiledText(text)
    }
  }

  private func edition(_ compiled: CompiledSettings) -> Edition {
    Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: compiled.healthyBoard, rules: compiled.rules, isReady: true)
  }

  /// `tokyo exact`
  private func home(_ key: String, _ compiled: CompiledSettings) throws -> String {
    let edition = edition(compiled)
    let cell = edition.cell(of: 0, key: Array(key.utf8))
    let client = try #require(IPAddress("141.84.0.1")).client
    let found = try #require(edition.explain(client, service: cell.service))
    return found.outcome.regions.map { edition.model.regions[$0].name }.joined() + " \(cell.rule)"
  }

  @Test func `a file says where keys are, over what the configuration says`() throws {
    let folder = try Folder(
      """
      key,region
      # a comment

      ACME , frankfurt\r
      globex,sydney,tokyo
      """)
    let compiled = try folder.compiled()
    #expect(try home("acme", compiled) == "frankfurt override")
    #expect(try home("globex", compiled) == "tokyo override")
    #expect(try home("hooli", compiled) == "dublin default")
    #expect(compiled.model.services.allSatisfy { $0.name == "web" })
    #expect(compiled.model.steeringServices.isEmpty)
    #expect(compiled.model.provableServices.count == 4)
  }

  @Test(arguments: [
    ("acme,osaka", "1: there is no region \"osaka\"; known: "),
    ("a,tokyo\nacme", "2: wants key,region or key,from,to"),
    ("acme,tokyo,dublin,sydney", "1: wants key,region or key,from,to"),
    ("www.acme,tokyo", "1: \"www.acme\" is no label: wants 1 to 63 bytes without a dot"),
    (",tokyo", "1: \"\" is no label: wants 1 to 63 bytes without a dot"),
    ("acme,tokyo,tokyo", "1: \"acme\" moves to where it is, tokyo"),
    ("acme,tokyo\nb,tokyo\nAcme,dublin", "3: \"acme\" stands on line 1 already"),
  ])
  func `what is wrong in a file is told with its line`(text: String, fault: String) throws {
    let folder = try Folder(text)
    let faults = #expect(throws: Faults.self) { try folder.compiled() }
    let told = faults?.faults.map(\.description) ?? []
    #expect(
      told.count == 1 && told[0].replacing("\(folder.path)/homes.csv:", with: "").hasPrefix(fault),
      "\(told)")
  }

  @Test func `a region without endpoints is no home, and many faults are not all told`() throws {
    let folder = try Folder((0..<100).map { "t\($0),nowhere" }.joined(separator: "\n"))
    let faults = #expect(throws: Faults.self) { try folder.compiled() }
    #expect(faults?.faults.count == 20)
  }

  @Test func `a file that has changed is read again, and nothing else`() throws {
    let folder = try Folder("acme,frankfurt\n")
    let before = try folder.compiled()
    #expect(before.homes.filesNow == before.homes.filesRead)
    try folder.write("acme,frankfurt,sydney\nnew,virginia\n")
    #expect(before.homes.filesNow != before.homes.filesRead)
    let after = try before.placing(before.rereadHomes(hashSeed: 1))
    #expect(try home("acme", after) == "sydney override")
    #expect(try home("new", after) == "virginia override")
    #expect(after.homes.filesNow == after.homes.filesRead)
    #expect(after.model.maps.map(\.planner) == before.model.maps.map(\.planner))
    try folder.write("acme,osaka\n")
    #expect(throws: Faults.self) { try after.rereadHomes(hashSeed: 1) }
    #expect(try home("acme", after) == "sydney override")
  }

  @Test func `a fence holds over homes, moves and fallbacks`() throws {
    let folder = try Folder("acme,tokyo,frankfurt\n")
    let fence = "fences: {eu: {clients: {country: DE}, regions: {tags: [eu]}}}"
    let alone = try folder.compiled(fence: fence)
    #expect(try home("acme", alone) == "frankfurt override")
    try folder.write("acme,tokyo\n")
    #expect(try home("acme", alone.placing(alone.rereadHomes(hashSeed: 1))) == " override")
    let latency = try folder.compiled("default: tokyo, fallback: latency", fence: fence)
    #expect(try home("x", latency) == "frankfurt default")
  }

  @Test func `a million overrides are read in two seconds`() throws {
    let regions = ["tokyo", "dublin", "frankfurt"]
    let folder = try Folder("a,tokyo\n")
    let before = try folder.compiled()
    try folder.write((0..<1_000_000).map { "tenant-\($0),\(regions[$0 % 3])\n" }.joined())
    var compiled: CompiledSettings?
    let clock = ContinuousClock()
    let taken = try clock.measure { compiled = try before.placing(before.rereadHomes(hashSeed: 1)) }
    #expect(taken < .seconds(2))
    #expect(try home("tenant-999997", #require(compiled)) == "dublin override")
  }
}
