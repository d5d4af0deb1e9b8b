import Compiling
import Foundation
import Settings
import TestSupport
import Testing
import Zones

@Suite final class `Zone files of a configuration` {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "zones-\(UUID())")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "inside"), withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static let head = "$TTL 300\n@ SOA ns mail 7 2 3 4 5\n@ NS ns\n"

  private func write(_ name: String, _ text: String) throws {
    try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
  }

  private func compiled(
    _ zones: String, previous: CompiledSettings? = nil
  ) throws -> CompiledSettings {
    let text = RegionSet.continents.configuration().replacing(
      "[geodata/", with: "[\(repository)/geodata/"
    )
    .replacing("  example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}", with: zones)
    let settings = try SettingsReader.read(text: text, name: "test.yaml", folder: folder.path())
    return try CompiledSettings(settings, previous: previous, zoneHashSeed: 1)
  }

  private func faults(_ zones: String) throws -> [String] {
    do {
      _ = try compiled(zones)
      return []
    } catch let error as Faults {
      let path = folder.path() + "/"
      return error.faults.map { $0.description.replacing(path, with: "") }
    }
  }

  @Test func `records and steered names of the configuration come to those of the file`() throws {
    try write("z", Self.head + "a A 192.0.2.1\n")
    let zones = try compiled(
      "  example.org: {file: z, steered: {www: web}, records: [\"b A 192.0.2.2\"]}"
    ).zones
    let block = zones.block(ofZone: 0)
    #expect(block.serial == 7)
    #expect(block.walk().reduce(0) { count, _ in count + 1 } == 5)
  }

  @Test func `faults name the file and the line, or the configuration's`() throws {
    try write("z", Self.head + "a CNAME b\nb A x\n")
    #expect(try faults("  example.org: {file: z}") == ["z:5: “x” is not an IPv4 address"])
    try write("z", Self.head + "a CNAME b\n\nc CNAME d\n")
    #expect(
      try faults("  example.org: {file: z, records: [\"a A 192.0.2.1\"], steered: {c: web}}") == [
        "z:4: a.example.org. has a CNAME record and A beside it",
        "z:6: c.example.org. is steered and cannot have CNAME records",
      ])
    try write("z", Self.head + "a A 192.0.2.1\n")
    #expect(
      try faults("  example.org: {file: z, records: [\"a 5 A 192.0.2.2\"]}").map {
        $0.replacing(/^test.yaml:\d+/, with: "test.yaml")
      } == [
        "test.yaml: zones.example.org.records[0]: a.example.org. A has the TTLs 300 and 5: "
          + "the records of one type at one name have one TTL (RFC 2181 §5.2)"
      ])
    try write("z", "$TTL 5\n@ NS ns\n")
    #expect(
      try faults("  example.org: {file: z}") == ["z: the zone example.org. has no SOA record"])
  }

  @Test func `what is included is in the configuration's folder, and no link leads out`() throws {
    try write("inside/more", "a A 192.0.2.1\n$INCLUDE most\n")
    try write("inside/most", "b A 192.0.2.2\n")
    try write("z", Self.head + "$INCLUDE inside/more\n")
    #expect(try faults("  example.org: {file: z}") == [])
    try FileManager.default.createSymbolicLink(
      at: folder.appending(path: "link"), withDestinationURL: URL(filePath: "/etc/hostname"))
    for path in ["/etc/hostname", "link", "../../../../../../../../../etc/hostname"] {
      try write("z", Self.head + "$INCLUDE \(path)\n")
      let faults = try faults("  example.org: {file: z}")
      #expect(faults.count == 1)
      #expect(faults.first?.contains("z:4: ") == true, "\(faults)")
      #expect(faults.first?.contains("is outside the configuration's folder") == true, "\(faults)")
    }
    try write("z", Self.head + "$INCLUDE nothing\n$INCLUDE inside\n")
    #expect(
      try faults("  example.org: {file: z}") == [
        "z:4: nothing cannot be read: No such file or directory",
        "z:5: inside cannot be read: it is a folder",
      ])
  }

  @Test func `a reload reads a file again only if it or what it includes has changed`() throws {
    try write("z", Self.head + "$INCLUDE inside/more\n")
    try write("inside/more", "a A 192.0.2.1\n")
    let zone = "  example.org: {file: z}"
    let first = try compiled(zone)
    let second = try compiled("  a.test: {soa: {primary: ns1}}\n" + zone, previous: first)
    #expect(first.zoneReadCount == 1)
    #expect(second.zoneReadCount == 1)
    let third = try compiled("  a.test: {soa: {primary: ns1}}\n" + zone, previous: second)
    #expect(third.zoneReadCount == 0)
    try write("inside/more", "a A 192.0.2.1\nb A 192.0.2.2\n")
    let fourth = try compiled(zone, previous: third)
    #expect(fourth.zoneReadCount == 1)
    #expect(fourth.zones.block(ofZone: 0).nameCount == 3)
    let fifth = try compiled(
      "  example.org: {file: z, records: [\"c A 192.0.2.3\"]}", previous: fourth)
    #expect(fifth.zoneReadCount == 1)
  }
}
