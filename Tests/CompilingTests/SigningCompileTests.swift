import Compiling
import DNSWire
import Editions
import Foundation
import KeyFiles
import Publishing
import Settings
import Signing
import TestSupport
import Testing
import Zones

@Suite final class `Signed zones of a configuration` {
  private let folder: URL
  private static let now = 1_795_677_737

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "signed-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// - Parameter times: instead of those of creation.
  private func makeKey(
    _ zone: String = "example.org.", isEntryPoint: Bool = true, times: String? = nil
  ) throws -> NewKey {
    let key = try #require(
      NewKey(
        zone: DomainName(zone), algorithm: .ed25519, isEntryPoint: isEntryPoint, now: Self.now))
    let base = try key.write(to: folder.path)
    if let times {
      let bare = key.privateText.split(separator: "\n").prefix(3).joined(separator: "\n")
      let file = "\(base).private"
      try FileManager.default.removeItem(atPath: file)
      let text = Data("\(bare)\n\(times)\n".utf8)
      #expect(
        FileManager.default.createFile(
          atPath: file, contents: text, attributes: [.posixPermissions: 0o600]))
    }
    return key
  }

  private func compiled(_ zones: String, now: Int = now) throws -> CompiledSettings {
    let text = RegionSet.continents.configuration().replacing(
      "[geodata/", with: "[\(repository)/geodata/"
    )
    .replacing("  example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}", with: zones)
    let settings = try SettingsReader.read(text: text, name: "test.yaml", folder: folder.path)
    return try CompiledSettings(settings, zoneHashSeed: 1, now: now)
  }

  private func faults(_ zones: String) throws -> [String] {
    do {
      _ = try compiled(zones)
      return []
    } catch let error as Faults {
      let path = folder.path + "/"
      return error.faults.map { $0.description.replacing(path, with: "") }
    }
  }

  private static func zone(_ keys: [NewKey], published: [NewKey] = [], more: String = "") -> String
  {
    let names = keys.map(\.name).joined(separator: ", ")
    let others = published.map(\.name).joined(separator: ", ")
    return """
        example.org:
          soa: {primary: ns1}
          steered: {www: web}
          dnssec: {keys: [\(names)], publish: [\(others)]}
          \(more)
      """
  }

  @Test func `have a signer each, the others none`() throws {
    let key = try makeKey()
    let compiled = try compiled(Self.zone([key]) + "\n  example.net: {soa: {primary: ns1}}")
    #expect(compiled.rules.signers.keys.map(\.description) == ["example.org."])
    #expect(compiled.rules.signatureCount == 65_536)
    #expect(compiled.rules.signers[key.zone]?.keyRecordCount == 1)
    #expect(compiled.keys.zones.map(\.roles.records) == [[key.record]])
  }

  @Test func `faults of keys name the file and the line, or the place that names the file`() throws
  {
    let (key, other) = (try makeKey(), try makeKey("example.net."))
    let place = "test.yaml:30: zones.example.org.dnssec"
    let told = try faults(Self.zone([key, other]) + "\n")
    #expect(
      told == ["\(other.name).key:5: is a key of example.net., and example.org. is to be signed"])
    let missing = try faults(
      Self.zone([key]).replacing("keys: [", with: "keys: [Knone, ")
    ).map { $0.replacing(#/:\d+:/#, with: ":30:") }
    #expect(missing == ["\(place).keys[0]: Knone.key cannot be read: No such file or directory"])
    let twice = try faults(Self.zone([key, key])).map { $0.replacing(#/:\d+:/#, with: ":30:") }
    #expect(twice == ["\(place).keys[1]: names the same key once more"])
    let zoneKey = try makeKey(isEntryPoint: false)
    #expect(try faults(Self.zone([zoneKey]))[0].contains("is an entry point (flags 257)"))
  }

  @Test func `cannot have in a file what the server makes`() throws {
    let key = try makeKey()
    let file = folder.appending(path: "z")
    try "$TTL 300\n@ SOA ns mail 7 2 3 4 5\n@ NS ns\na NSEC b A\n".write(
      to: file, atomically: true, encoding: .utf8)
    let told = try faults("  example.org: {file: z, dnssec: {keys: [\(key.name)]}}")
    #expect(told.count == 1)
    #expect(
      told[0].hasSuffix("has a record of type NSEC, which the server makes of a zone that it signs")
    )
    #expect(try faults("  example.org: {file: z}") == [])
  }

  @Test func `let keys come and go by the times in their files`() async throws {
    let first = try makeKey(times: "Activate: 20261126072217\nDelete: 20261126072237")
    let second = try makeKey(times: "Publish: 20261126072222\nActivate: 20261126072227")
    let compiled = try compiled(Self.zone([first, second]))
    let publisher = EditionPublisher(compiled, isReady: true) { 0 }
    var parts = [await Self.parts(publisher)]
    for seconds in [4, 5, 10, 19, 20, 30] {
      let refusals = await publisher.advanceKeys(to: Self.now + seconds)
      #expect((refusals == nil) == [4, 19, 30].contains(seconds), "\(seconds)")
      parts.append(await Self.parts(publisher))
    }
    #expect(parts == [[1, 1], [1, 1], [2, 1], [2, 2], [2, 2], [1, 1], [1, 1]])
    #expect(await publisher.edition.rules.signers[first.zone]?.keyRecordCount == 1)
  }

  /// How many keys are told, and how many sign.
  private static func parts(_ publisher: EditionPublisher) async -> [Int] {
    let zone = await publisher.compiled.keys.zones[0]
    return [zone.roles.records.count, zone.roles.zoneKeys.count]
  }

  @Test func `keep a key whose time is over while no other would sign`() async throws {
    let key = try makeKey(times: "Activate: 20261126072217\nInactive: 20261126072227")
    let publisher = EditionPublisher(try compiled(Self.zone([key])), isReady: true) { 0 }
    let refusals = await publisher.advanceKeys(to: Self.now + 10)
    #expect(refusals?.map(\.message) == ["no key is active now"])
    #expect(await Self.parts(publisher) == [1, 1])
    #expect(await publisher.advanceKeys(to: Self.now + 11) == nil)
  }

  @Test func `that come from a primary are refused if they are signed already`() async throws {
    let key = try makeKey()
    let compiled = try compiled(
      "  example.org: {primary: {from: [192.0.2.1]}, dnssec: {keys: [\(key.name)]}}")
    let publisher = EditionPublisher(compiled, isReady: true) { 0 }
    for type in [RecordType.nsec, .a] {
      let source = try TransferredZone(under: []) { _ throws(ZoneBlockFaults) in
        let server: [UInt8] = [3, 110, 115, 49, 0]
        var builder = ZoneBlockBuilder(name: key.zone, rules: .transferred)
        let authority = server + [0] + [UInt8](repeating: 0, count: 20)
        builder.add(owner: key.zone, ttlSeconds: 60, type: .soa, data: authority, mark: 0)
        builder.add(owner: key.zone, ttlSeconds: 60, type: .ns, data: server, mark: 0)
        let data: [UInt8] = type == .a ? [192, 0, 2, 1] : [0, 0, 1, 0x40]
        builder.add(owner: key.zone, ttlSeconds: 60, type: type, data: data, mark: 0)
        return try builder.build()
      }
      do {
        try await publisher.replace(key.zone, by: source)
        #expect(type == .a)
      } catch {
        #expect(type == .nsec && error.description.contains("of type NSEC"), "\(error)")
      }
    }
  }
}
