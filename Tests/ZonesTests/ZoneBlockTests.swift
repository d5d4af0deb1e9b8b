import DNSWire
import TestSupport
import Testing
import Zones

@Suite struct `Blocks of zones` {
  private func block(
    _ lines: [String], rules: ZoneBlock.Rules = .file
  ) throws -> ZoneBlock {
    let name = try DomainName("example.")
    var builder = ZoneBlockBuilder(name: name, rules: rules)
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
      let type = try #require(RecordType(parts[2]))
      builder.add(
        owner: try DomainName(parts[0], origin: name), ttlSeconds: try #require(UInt32(parts[1])),
        type: type, data: try RecordData.encode(type, text: parts[3], origin: name),
        mark: UInt32(index))
    }
    return try builder.build()
  }

  private static let head = ["@ 9 SOA ns mail 77 2 3 4 5", "@ 9 NS ns"]

  private func lines(_ block: ZoneBlock) -> [String] {
    block.walk().map { entry in
      let owner = DomainName(wire: entry.owner)?.description ?? "?"
      return switch entry.content {
      case .record(let type, let ttl, let data):
        "\(owner) \(ttl) \(type) \(RecordData.text(type, Array(data)))"
      case .steered(let service, let types): "\(owner) steered \(service) \(types.rawValue)"
      }
    }
  }

  @Test func `RFC 4034 §6_1: a walk goes in canonical order, SOA first`() throws {
    let owners = ["z", "\\200", "*.z", "zABC.a.EXAMPLE.", "Z.a", "yljkjljk.a", "@", "a", "\\001.z"]
    let block = try block(Self.head + owners.map { "\($0) 9 TXT x" })
    #expect(block.serial == 77)
    let walked = lines(block)
    #expect(walked[0] == "example. 9 SOA ns.example. mail.example. 77 2 3 4 5")
    #expect(
      walked.dropFirst().map { $0.prefix { $0 != " " } } == [
        "example.", "example.", "a.example.", "yljkjljk.a.example.", "z.a.example.",
        "zabc.a.example.", "z.example.", "\\001.z.example.", "*.z.example.", "\\200.example.",
      ])
  }

  @Test func `a walk can be put aside and gone on with`() throws {
    let block = try block(Self.head + (0..<50).map { "n\($0) 9 A 192.0.2.\($0)" })
    let whole = Array(block.walk()).count
    var walk = block.walk()
    for _ in 0..<20 { _ = walk.next() }
    let again = walk
    #expect(Array(walk).count == whole - 20)
    #expect(Array(again).count == whole - 20)
  }

  @Test func `steered names are told with their types`() throws {
    let source = try zone("example.", ["b steered 3 ah", "a A 192.0.2.1", "b TXT x"])
    let types = SteeredTypes.addresses.union(.https).rawValue
    #expect(
      lines(try source.block()).dropFirst() == [
        "a.example. 300 A 192.0.2.1", "b.example. steered 3 \(types)", "b.example. 300 TXT \"x\"",
      ])
  }

  @Test(arguments: UInt64(1)...8)
  func `the order in which records come does not matter`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let labels = ["a", "b", "*", "c-1", "longer-than-eight-bytes", "longer-than-eight-bits"]
    let records =
      Self.head
      + Set(
        (0..<100).map { _ in
          (0..<Int.random(in: 1...4, using: &generator))
            .map { _ in labels.randomElement(using: &generator) ?? "a" }.joined(separator: ".")
        }
      ).sorted().flatMap { ["\($0) 9 A 192.0.2.1", "\($0) 9 TXT \($0)"] }
    let expected = lines(try block(records)).sorted()
    let shuffled = lines(try block(records.shuffled(using: &generator)))
    #expect(shuffled.sorted() == expected, "seed \(seed)")
    #expect(shuffled == lines(try block(records)), "seed \(seed)")
  }

  @Test func `a zone is replaced, and the others are taken over from the table`() throws {
    let outer = try zone(
      "z.", ["sub NS ns.sub", "ns.sub A 192.0.2.1", "sub DS 1 8 2 00", "a A 192.0.2.2"])
    let inner = try zone("sub.z.", ["x A 192.0.2.3"])
    let other = try zone("y.", ["b A 192.0.2.4"])
    var table = try ZoneTableBuilder(seed: 1).build([outer, inner, other])
    for round in UInt64(2)...4 {
      let index = try #require(table.zone(named: DomainName("y.")))
      let replaced = try zone("y.", ["b A 192.0.2.\(round)"])
      var blocks = (0..<table.zoneCount).map { table.block(ofZone: $0) }
      blocks[index] = try replaced.block()
      blocks.append(blocks.removeFirst())
      table = try ZoneTableBuilder(seed: round).join(blocks)
      #expect(table.result(try DomainName("b.y."), .a) == .records([[192, 0, 2, UInt8(round)]]))
      #expect(table.result(try DomainName("a.z."), .a) == .records([[192, 0, 2, 2]]))
      #expect(table.result(try DomainName("x.sub.z."), .a) == .records([[192, 0, 2, 3]]))
      #expect(table.result(try DomainName("sub.z."), .ds) == .records([[0, 1, 8, 2, 0]]))
      #expect(table.result(try DomainName("nothing.sub.z."), .a) == .nameError)
    }
    // Without the inner zone the outer one's delegation shows.
    let blocks = (0..<table.zoneCount).map { table.block(ofZone: $0) }
      .filter { $0.name.description != "sub.z." }
    let without = try ZoneTableBuilder(seed: 9).join(blocks)
    let cut = try DomainName("sub.z.")
    #expect(
      without.result(try DomainName("x.sub.z."), .a)
        == .referral(cut: cut, servers: [[2] + "ns".utf8 + cut.wire], glueCount: 1))
    // And the inner zone alone is no longer inside another one.
    let alone = try ZoneTableBuilder(seed: 9).join(
      [try #require((0..<table.zoneCount).map { table.block(ofZone: $0) }.first { $0.name == cut })]
    )
    #expect(alone.result(cut, .ds) == .noData)
    #expect(alone.result(try DomainName("x.sub.z."), .a) == .records([[192, 0, 2, 3]]))
  }

  @Test func `a zone without data knows its names and nothing else`() throws {
    let outer = try zone(
      "z.", ["a A 192.0.2.1", "sub NS ns.sub", "sub DS 1 8 2 00", "ns.sub A 192.0.2.9"])
    let table = try ZoneTableBuilder(seed: 1).join(
      [outer.block(), .unavailable(DomainName("sub.z.")), .unavailable(DomainName("y."))])
    for name in ["sub.z.", "x.sub.z.", "ns.sub.z.", "y.", "a.b.y."] {
      #expect(table.result(try DomainName(name), .a) == .unavailable, "\(name)")
    }
    #expect(table.result(try DomainName("sub.z."), .ds) == .records([[0, 1, 8, 2, 0]]))
    #expect(table.result(try DomainName("y."), .ds) == .unavailable)
    #expect(table.result(try DomainName("a.z."), .a) == .records([[192, 0, 2, 1]]))
    #expect(!table.block(ofZone: 1).isAvailable && table.block(ofZone: 0).isAvailable)
  }

  @Test func `what a file or a primary has below a delegation is kept and not answered`() throws {
    let below = ["d 9 NS ns.e.", "x.d 9 TXT t"]
    for rules in [ZoneBlock.Rules.file, .transferred] {
      let block = try block(Self.head + below, rules: rules)
      #expect(lines(block).last == "x.d.example. 9 TXT \"t\"")
      let table = try ZoneTableBuilder(seed: 1).join([block])
      let cut = try DomainName("d.example.")
      #expect(
        table.result(try DomainName("x.d.example."), .txt)
          == .referral(cut: cut, servers: [[2] + "ns".utf8 + [1, 101, 0]], glueCount: 0))
    }
  }

  @Test func `RFC 2181 §5_2: a set has one TTL, of a transferred zone the lowest`() throws {
    let set = ["a 9 A 192.0.2.1", "a 5 A 192.0.2.2"]
    #expect(throws: ZoneBlockFaults.self) { try block(Self.head + set) }
    let lowest = try block(Self.head + set, rules: .transferred)
    #expect(lines(lowest).suffix(2) == ["a.example. 5 A 192.0.2.1", "a.example. 5 A 192.0.2.2"])
  }
}

@Suite struct `Names in zones` {
  @Test(
    arguments: [
      (
        "RFC 4592 §2.1.1: * behind the first label is like any other", "a.*.w.z.", .a,
        .records([[192, 0, 2, 1]])
      ),
      ("RFC 4592 §2.1.1: and makes no wildcard of what is above", "b.*.w.z.", .a, .nameError),
      ("RFC 4592 §2.2.2: an empty * stands for others and has nothing", "b.w.z.", .a, .noData),
      ("RFC 4592 §3.3.3: a wildcard's CNAME", "x.c.z.", .a, .alias([1, 116, 1, 122, 0])),
      ("RFC 4592 §3.3.3: the CNAME itself", "x.c.z.", .cname, .records([[1, 116, 1, 122, 0]])),
      ("RFC 4592 §2.2.1: a name between stops the wildcard", "x.ent.s.z.", .a, .nameError),
      ("RFC 4592 §2.2.1: and has no data", "ent.s.z.", .a, .noData),
      ("a steered wildcard", "x.y.s.z.", .aaaa, .steered(4)),
      ("RFC 6672 §2.3: a DNAME's owner has its own records", "d.z.", .txt, .records([[1, 120]])),
      ("RFC 6672 §2.3: DNAME itself", "d.z.", .dname, .records([[1, 101, 0]])),
      ("RFC 6672 §2.3: and no others", "d.z.", .a, .noData),
      ("RFC 6672 §3.2: below a DNAME", "a.b.d.z.", .a, .redirection([1, 101, 0])),
      (
        "RFC 6672 §3.2: below a DNAME, whatever the type", "a.d.z.", .dname,
        .redirection([1, 101, 0])
      ),
      ("RFC 8020 §2: below nothing is nothing", "a.nothing.z.", .a, .nameError),
    ] as [(String, String, RecordType, LinearZones.Result)])
  func `a name has this answer`(
    rule: String, name: String, type: RecordType, expected: LinearZones.Result
  ) throws {
    let table = try ZoneTableBuilder(seed: 3).build(
      [
        try zone(
          "z.",
          [
            "a.*.w A 192.0.2.1", "*.c CNAME t", "*.s steered 4", "a.ent.s A 192.0.2.2",
            "d DNAME e.", "d TXT x",
          ])
      ])
    #expect(table.result(try DomainName(name), type) == expected, "\(rule)")
  }

  @Test func `RFC 6672 §2_3: a DNAME at the apex stands beside SOA and NS`() throws {
    let table = try ZoneTableBuilder(seed: 3).build([try zone("z.", ["@ NS ns.e.", "@ DNAME e."])])
    #expect(table.result(try DomainName("a.z."), .a) == .redirection([1, 101, 0]))
    #expect(table.result(try DomainName("z."), .ns) == .records([[2] + "ns".utf8 + [1, 101, 0]]))
    #expect(table.result(try DomainName("z."), .a) == .noData)
  }

  @Test(arguments: [
    (
      ["d DNAME e.", "a.d A 192.0.2.1"],
      "a.d.z. A would never be answered: d.z. has a DNAME record (RFC 6672 §2.4)"
    ),
    (["d DNAME e.", "d DNAME f."], "d.z. has several DNAME records"),
    (["d DNAME e.", "d NS ns.e."], "d.z. has a DNAME record and NS beside it"),
    (["d DNAME e.", "d CNAME f."], "d.z. has a CNAME record and DNAME beside it"),
    (["* DNAME e."], "a wildcard cannot have DNAME records"),
    (
      ["d DNAME e.", "a.d steered 0"],
      "a.d.z. cannot be steered: d.z. has a DNAME record (RFC 6672 §2.4)"
    ),
  ])
  func `what may not stand with a DNAME is said`(lines: [String], message: String) throws {
    let source = try zone("z.", lines)
    let error = #expect(throws: ZoneFaults.self) {
      try ZoneTableBuilder(seed: 1).build([source])
    }
    #expect(error?.faults.map(\.message).contains(message) == true, "\(String(describing: error))")
  }

  @Test func `RFC 9471 §2_2: sibling glue comes with a referral`() throws {
    let table = try ZoneTableBuilder(seed: 1).build(
      [
        try zone(
          "z.",
          [
            "a NS ns.b", "b NS ns.a", "ns.a A 192.0.2.1", "ns.b A 192.0.2.2", "ns.b AAAA ::1",
            "c NS out", "out A 192.0.2.3",
          ])
      ])
    let results: [(String, Int)] = [("x.a.z.", 2), ("x.b.z.", 1), ("x.c.z.", 0)]
    for (name, count) in results {
      guard case .referral(_, _, let glueCount) = table.result(try DomainName(name), .a) else {
        Issue.record("\(name) is not referred")
        continue
      }
      #expect(glueCount == count, "\(name)")
    }
  }
}
