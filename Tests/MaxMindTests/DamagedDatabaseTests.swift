import MaxMind
import Places
import TestSupport
import Testing

/// Whatever the bytes, a database is read or refused with a reason.
@Suite struct DamagedDatabaseTests {
  private static func good() throws -> DatabaseWriter {
    var writer = DatabaseWriter()
    writer.add(try DatabaseTests.prefix("1.0.0.0/8"), DatabaseTests.city("JP", 1, 2))
    writer.add(try DatabaseTests.prefix("77.1.2.0/24"), DatabaseTests.city("DE", 50, 8))
    writer.add(try DatabaseTests.prefix("2400::/12"), .map([("country", .pointer(2))]))
    return writer
  }

  private static func reason(_ bytes: [UInt8]) -> String {
    let file = TemporaryFile(bytes)
    do throws(MaxMindFault) {
      _ = try MaxMindDatabase(file: file.path)
      return "accepted"
    } catch {
      #expect(error.description == "\(file.path): \(error.reason)")
      return error.reason
    }
  }

  private static func reason(record: DataValue) throws -> String {
    var writer = DatabaseWriter(ipVersion: 4)
    writer.add(try DatabaseTests.prefix("1.0.0.0/8"), record)
    return reason(writer.file)
  }

  @Test func filesThatAreNoneAreRefused() {
    for (path, expected) in [
      ("/nonexistent/x.mmdb", "No such file"), ("/tmp", "not a regular file"),
      ("/dev/zero", "not a regular file"),
    ] {
      #expect {
        try MaxMindDatabase(file: path)
      } throws: {
        "\($0)".hasPrefix("\(path): ") && "\($0)".contains(expected)
      }
    }
    #expect(Self.reason([]).contains("no MaxMind DB file"))
    #expect(Self.reason(Array("hello".utf8)).contains("no MaxMind DB file"))
    #expect(
      Self.reason([0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8)).contains("metadata is missing"))
  }

  @Test(arguments: [
    ("format version", "version 3"), ("ip version", "invalid metadata"),
    ("record bits", "invalid metadata"), ("no nodes", "nodes"),
  ])
  func metadataMustMakeSense(what: String, expected: String) throws {
    var writer = try Self.good()
    switch what {
    case "format version": writer.formatVersion = 3
    case "ip version": writer.ipVersion = 5
    case "record bits": writer.claimedRecordBits = 20
    default: writer.claimedNodeCount = 0
    }
    #expect(Self.reason(writer.file) != "accepted")
  }

  @Test func moreNodesThanTheFileHoldsAreRefused() throws {
    var writer = try Self.good()
    writer.claimedNodeCount = 1 << 24
    #expect(Self.reason(writer.file) != "accepted")
    writer.claimedNodeCount = Int(UInt32.max)
    #expect(Self.reason(writer.file) != "accepted")
  }

  @Test func metadataThatUnfoldsWithoutEndIsRefused() throws {
    var writer = try Self.good()
    var nested = DataValue.text("x")
    for _ in 0..<40 { nested = .array([nested]) }
    writer.extraMetadata = [("deep", nested)]
    #expect(Self.reason(writer.file).contains("nested too deep"))

    // Each array points twice to the next: 2^30 values in 300 bytes.
    writer.extraMetadata = []
    let file = writer.file
    let marker = try #require(file.lastIndex(of: 0xAB))
    // Behind the metadata so far stand the key (2 bytes) and the head of the array (3 bytes).
    var target = file.count - (marker + 14) + 5
    var chain: [DataValue] = []
    for _ in 0..<30 {
      target += 12
      chain.append(.raw(DataValue.array([.pointer(target), .pointer(target)]).bytes))
    }
    writer.extraMetadata = [("b", .array(chain + [.text("end")]))]
    #expect(Self.reason(writer.file).contains("there are too many values"))
  }

  @Test func circlesInTheTreeAreRefused() throws {
    var writer = try Self.good()
    writer.nodes[5].right = .node(0)
    #expect(Self.reason(writer.file).contains("goes on behind"))
    writer = DatabaseWriter(ipVersion: 4)
    writer.add(try DatabaseTests.prefix("0.0.0.0/1"), DatabaseTests.city("JP", 1, 2))
    writer.nodes = [(.node(0), .node(0))]
    #expect(Self.reason(writer.file).contains("goes on behind 32 bits"))
  }

  @Test func treesThatExplodeAreRefused() {
    var writer = DatabaseWriter()
    writer.records = [.map([("autonomous_system_number", .uint32(1))])]
    writer.nodes = (1...100).map { (.node($0), .node($0)) } + [(.data(0), .empty)]
    #expect(Self.reason(writer.file).contains("too many networks"))
  }

  @Test func recordsOutsideTheDataAreRefused() throws {
    for target in [7, 15, 1 << 20, (1 << 24) - 1] {
      var writer = try Self.good()
      let count = writer.nodes.count
      writer.nodes[count - 1].left = .raw(min(count + target, (1 << 24) - 1))
      #expect(Self.reason(writer.file).contains("points outside the data"), "\(target)")
    }
  }

  @Test func recordsWithNothingKnownAreNamed() throws {
    #expect(
      try Self.reason(record: .map([("color", .text("red")), ("size", .uint16(3))]))
        .contains("they hold a map of color, size"))
    #expect(try Self.reason(record: .text("x")).contains("they hold text"))
    #expect(Self.reason(DatabaseWriter().file) != "accepted")
  }

  @Test func valuesOfTheWrongKindAreRefused() throws {
    func location(_ latitude: DataValue, _ longitude: DataValue) -> DataValue {
      .map([("location", .map([("latitude", latitude), ("longitude", longitude)]))])
    }
    for (record, expected) in [
      (location(.double(91), .double(0)), "not on Earth"),
      (location(.double(0), .double(-181)), "not on Earth"),
      (location(.double(.nan), .double(0)), "not finite"),
      (location(.text("1"), .double(0)), "location.latitude is text"),
      (.map([("country", .map([("iso_code", .uint16(1))]))]), "country.iso_code is an unsigned"),
      (
        .map([
          ("country", .map([("iso_code", .text("DE")), ("is_in_european_union", .text("y"))]))
        ]), "wanted a boolean"
      ),
      (.map([("autonomous_system_number", .text("AS1"))]), "wanted an unsigned"),
      (.map([("autonomous_system_number", .uint64(1 << 33))]), "above 4294967295"),
      (.map([("city", .map([("names", .map([("en", .uint16(1))]))]))]), "city.names.en"),
      (.map([("location", .pointer(1 << 20))]), "the data ends"),
      (.map([("location", .pointer(10))]), "points to another pointer"),
      (.raw([0xE1, 0x41, 0x61, 0xFF, 0xFF, 0xFF, 0xFF]), "larger than the data"),
      (.raw([0xE1, 0xC1, 0x01]), "not text"),
      (.raw([0xE1, 0x5D, 0xFF]), "past the end"),
      (.raw([0x00, 0xF0]), "has type"),
    ] as [(DataValue, String)] {
      let reason = try Self.reason(record: record)
      #expect(reason.contains(expected), "\(reason)")
    }
  }

  /// Seeded flips, cuts and swaps over the whole file.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func mutatedFilesAreReadOrRefused(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let good = try Self.good().file
    let tree = try Self.good().nodes.count * 6
    var accepted = 0
    for _ in 0..<300 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let isBehindTree = Bool.random(using: &random)
        let index = Int.random(in: (isBehindTree ? tree : 0)..<bytes.count, using: &random)
        bytes[index] =
          Bool.random(using: &random)
          ? bytes[index] ^ (1 << UInt8.random(in: 0...7, using: &random))
          : .random(in: 0...255, using: &random)
      }
      if Int.random(in: 0..<8, using: &random) == 0 {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      }
      if Self.reason(bytes) == "accepted" { accepted += 1 }
    }
    #expect(accepted > 0 && accepted < 300, "seed \(seed)")
  }

  @Test func everyTruncationIsRefused() throws {
    let good = try Self.good().file
    for count in stride(from: 0, to: good.count - 1, by: 7) {
      #expect(Self.reason(Array(good[..<count])) != "accepted", "\(count)")
    }
  }
}
