import Foundation
import Testing

@testable import Settings

@Suite("Reading")
struct Reading {
  /// Runs `body` with the path of a folder of its own.
  private func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  @Test("of a file follows paths from its folder and leaves line ends behind a secret")
  func relativePaths() throws {
    try withFolder { folder in
      let write = { (name: String, text: String) in
        try Data(text.utf8).write(to: folder.appending(path: name))
      }
      try write("secret", "s3cret}${NOT}\n")
      try write("places.txt", "")
      try write(
        "a.yaml", "admin: {token: \"${file:secret}\"}\ngeo: {overrides: [./places.txt]}\n")
      let settings = try SettingsReader.read(
        file: folder.appending(path: "a.yaml").path, environment: [:])
      #expect(settings.admin.tokens.map(\.hash) == [TokenHash(of: "s3cret}${NOT}".utf8)])
      #expect(settings.geo.overrideFiles == ["\(folder.path)/./places.txt"])
    }
  }

  @Test("of a file that is not there, a folder or no UTF-8 says so")
  func unreadable() throws {
    try withFolder { folder in
      let latin1 = folder.appending(path: "latin1.yaml").path
      try Data([0x6E, 0x3A, 0x20, 0xFC]).write(to: URL(filePath: latin1))
      let missing = "\(folder.path)/none.yaml"
      let expected = [
        missing: "there is no such file", folder.path: "it is a folder",
        latin1: "it is not UTF-8",
      ]
      for (path, reason) in expected {
        let error = #expect(throws: Faults.self) {
          try SettingsReader.read(file: path, environment: [:])
        }
        #expect(error?.description == "\(path): cannot be read: \(reason)")
      }
    }
  }

  @Test("shows no secret in a fault")
  func secrets() {
    let found = faults(
      of: "dns: {threads: \"${PASSWORD}\"}\n", environment: ["PASSWORD": "hunter2"])
    #expect(
      found == [
        "a.yaml:1: dns.threads: wants a whole number from 1 to 256, "
          + "found the value of \"${PASSWORD}\""
      ])
  }

  @Test(
    "ends on trees that are deep or, by aliases, huge",
    arguments: [
      String(repeating: "[", count: 20_000), String(repeating: "{a: ", count: 20_000),
      "policies: {a: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        + "}",
      "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + zip("abcdefghijk", "bcdefghijkl").map { before, after in
          "\(after): &\(after) [\(Array(repeating: "*\(before)", count: 9).joined(separator: ","))]\n"
        }.joined() + "policies: {p: *l}\n",
    ])
  func bombs(text: String) {
    #expect(!faults(of: text).isEmpty)
  }

  @Test(
    "suggests the near spelling",
    arguments: [
      ("locaton", "location"), ("Location", "location"), ("tgas", "tags"), ("tag", "tags"),
      ("xyzzy", nil), ("", nil), ("lcoatoin", "location"),
    ])
  func spelling(word: String, near: String?) {
    #expect(nearSpelling(of: word, among: ["location", "tags"]) == near)
  }

  @Test("takes quantities with their units only")
  func quantities() {
    let durations: [(String, Duration?)] = [
      ("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("1m", .seconds(60)),
      ("1h", .seconds(3600)), ("14d", .seconds(1_209_600)), ("0s", .zero), ("5", nil),
      ("", nil), ("s", nil), ("-1s", nil), ("1 s", nil), ("1.5s", nil),
      ("99999999999999999999s", nil), ("9223372036854775807d", nil),
    ]
    for (text, duration) in durations { #expect(parsedDuration(text) == duration, "\(text)") }
    let sizes: [(String, Int?)] = [
      ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("7B", 7), ("64KB", nil),
      ("64", nil),
    ]
    for (text, size) in sizes { #expect(parsedByteCount(text) == size, "\(text)") }
    let shares: [(String, Double?)] = [
      ("10%", 0.1), ("0.5", 0.5), ("0", 0), ("-1%", nil), ("nan", nil), ("%", nil), ("1e3", nil),
    ]
    for (text, share) in shares { #expect(parsedShare(text) == share, "\(text)") }
  }

  @Test("compares domain names by their octets, without case")
  func names() throws {
    let zone = try OwnerName("Example.org")
    #expect(zone.text == "Example.org.")
    #expect(try OwnerName("\\119WW", in: zone).labels == OwnerName("www.example.ORG.").labels)
    #expect(try OwnerName("a\\.b", in: zone).labels.count == 3)
    #expect(try OwnerName("@", in: zone).text == "Example.org.")
    #expect(try OwnerName("www", in: OwnerName(".")).text == "www.")
    #expect(try OwnerName(String(repeating: "a", count: 63)).labels.count == 1)
    for bad in [
      "", "a..b", ".a", "a b", "ü", "a\\", "a\\25", "a\\256", "a\"",
      String(repeating: "a", count: 64),
      Array(repeating: "abcdefg", count: 32).joined(separator: "."),
    ] {
      #expect(throws: BadName.self, "\(bad)") { try OwnerName(bad) }
    }
  }
}
