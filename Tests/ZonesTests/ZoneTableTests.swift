import DNSWire
import TestSupport
import Testing
import Zones

@Suite struct ZoneTableTests {
  private static let zones: @Sendable () throws -> [ZoneSource] = {
    [
      try zone(
        "example.org.",
        [
          "@ NS ns1", "@ MX 10 mail", "ns1 A 192.0.2.53", "www steered 0", "@ steered 1",
          "*.cdn steered 2", "alias CNAME www", "deep.empty.non A 192.0.2.1",
          "*.wild TXT wild", "exists.wild A 192.0.2.2", "a.ent.wild A 192.0.2.3",
          "child NS ns.child", "child NS ns.elsewhere.net.", "child DS 1 8 2 00",
          "ns.child A 192.0.2.9", "ns.child AAAA 2001:db8::9", "txt.www TXT below",
          "mixed steered 3", "mixed HTTPS 1 .",
        ]),
      try zone("sub.example.org.", ["@ NS ns1.example.org.", "x A 192.0.2.77"]),
    ]
  }

  @Test(
    arguments: [
      ("ns1.example.org.", RecordType.a, LinearZones.Result.records([[192, 0, 2, 53]])),
      ("NS1.Example.ORG.", .a, .records([[192, 0, 2, 53]])),
      ("ns1.example.org.", .aaaa, .noData),
      ("www.example.org.", .a, .steered(0)),
      ("www.example.org.", .aaaa, .steered(0)),
      ("www.example.org.", .mx, .noData),
      ("example.org.", .a, .steered(1)),
      ("example.org.", .soa, nil),
      ("foo.cdn.example.org.", .a, .steered(2)),
      ("a.b.cdn.example.org.", .aaaa, .steered(2)),
      ("cdn.example.org.", .a, .noData),
      (
        "alias.example.org.", .a,
        .alias([3] + "www".utf8 + [7] + "example".utf8 + [3] + "org".utf8 + [0])
      ),
      (
        "alias.example.org.", .cname,
        .records([[3] + "www".utf8 + [7] + "example".utf8 + [3] + "org".utf8 + [0]])
      ),
      ("non.example.org.", .a, .noData),
      ("empty.non.example.org.", .a, .noData),
      ("other.non.example.org.", .a, .nameError),
      ("below.deep.empty.non.example.org.", .a, .nameError),
      ("any.wild.example.org.", .txt, .records([[4] + "wild".utf8])),
      ("any.wild.example.org.", .a, .noData),
      ("any.other.wild.example.org.", .txt, .records([[4] + "wild".utf8])),
      ("exists.wild.example.org.", .txt, .noData),
      ("below.exists.wild.example.org.", .txt, .nameError),
      ("ent.wild.example.org.", .txt, .noData),
      ("other.ent.wild.example.org.", .txt, .nameError),
      ("*.wild.example.org.", .txt, .records([[4] + "wild".utf8])),
      ("x.www.example.org.", .a, .nameError),
      ("nothing.example.org.", .a, .nameError),
      ("child.example.org.", .ds, .records([[0, 1, 8, 2, 0]])),
      ("x.sub.example.org.", .a, .records([[192, 0, 2, 77]])),
      ("y.sub.example.org.", .a, .nameError),
      ("mixed.example.org.", .https, .records([[0, 1, 0]])),
      ("example.net.", .a, .notOurs),
      ("org.", .a, .notOurs),
      (".", .a, .notOurs),
      ("badexample.org.", .a, .notOurs),
    ] as [(String, RecordType, LinearZones.Result?)])
  func `a name and a type have this answer`(
    name: String, type: RecordType, expected: LinearZones.Result?
  ) throws {
    let table = try ZoneTableBuilder(seed: 7).build(try Self.zones())
    let name = try DomainName(name)
    let result = table.result(name, type)
    if let expected { #expect(result == expected) }
    if type != .soa { #expect(result == LinearZones(zones: try Self.zones()).find(name, type)) }
  }

  @Test(arguments: ["child.example.org.", "x.child.example.org.", "ns.child.example.org."])
  func `at and below a delegation there is a referral with glue`(name: String) throws {
    let table = try ZoneTableBuilder(seed: 7).build(try Self.zones())
    let result = table.result(try DomainName(name), .a)
    guard case .referral(let cut, let servers, let glueCount) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(cut == (try DomainName("child.example.org.")))
    #expect(servers.count == 2)
    #expect(glueCount == 2)
  }

  @Test func `ANY gets one of the sets, or HINFO where there is only a service`() throws {
    let table = try ZoneTableBuilder(seed: 7).build(try Self.zones())
    #expect(table.result(try DomainName("ns1.example.org."), .any) == .records([[192, 0, 2, 53]]))
    #expect(
      table.result(try DomainName("foo.cdn.example.org."), .any)
        == .records([[7] + "RFC8482".utf8 + [0]]))
    #expect(table.result(try DomainName("non.example.org."), .any) == .noData)
  }

  @Test func `an empty table knows nothing`() throws {
    #expect(ZoneTable.empty.result(try DomainName("a.b."), .a) == .notOurs)
    #expect(ZoneTable.empty.result(.root, .a) == .notOurs)
  }

  @Test(arguments: [
    (["a A 192.0.2.1", "a CNAME b"], "a.z. has a CNAME record and A beside it"),
    (["a CNAME b", "a CNAME c"], "a.z. has several CNAME records"),
    (["a CNAME b", "b CNAME a"], "the aliases from a.z. on are a circle or longer than 8"),
    (["x.y. A 192.0.2.1"], "x.y. is not within the zone z."),
    (["* NS ns"], "a wildcard cannot have NS records"),
    (["@ SOA a b 1 2 3 4 5"], "a record of type SOA cannot stand in a zone"),
    (["a steered 0", "a A 192.0.2.1"], "a.z. is steered and cannot have A records"),
    (["a steered 0", "a CNAME b"], "a.z. is steered and cannot have CNAME records"),
    (["a steered 0", "a steered 1"], "a.z. is steered already"),
    (["a steered 0 h", "a HTTPS 1 ."], "a.z. is steered and cannot have HTTPS records"),
    (["a steered 0 ahs", "a SVCB 1 ."], "a.z. is steered and cannot have SVCB records"),
    (["a steered 0 c", "a TXT t"], "a.z. is steered and cannot have TXT records"),
    (["@ steered 0 c"], "z. is the zone's own name and cannot be an alias"),
    (
      ["d NS ns.e.", "x.d TXT t"],
      "x.d.z. TXT would never be answered: d.z. is delegated by its NS records"
    ),
    (
      ["d NS ns.e.", "x.d steered 0"],
      "x.d.z. cannot be steered: d.z. is delegated by its NS records"
    ),
    (["a TYPE250 \\# 0"], "a record of type TSIG cannot stand in a zone"),
  ])
  func `what is wrong is said`(lines: [String], message: String) throws {
    let source = try zone("z.", lines)
    let error = #expect(throws: ZoneFaults.self) {
      try ZoneTableBuilder(seed: 1).build([source])
    }
    #expect(error?.faults.map(\.message).contains(message) == true, "\(String(describing: error))")
  }

  @Test func `a record says which one is wrong`() throws {
    var source = try zone("z.", ["a A 192.0.2.1", "a A 192.0.2.2"])
    source.records[1].ttlSeconds = 5
    let error = #expect(throws: ZoneFaults.self) {
      try ZoneTableBuilder(seed: 1).build([source])
    }
    #expect(error?.faults.first?.subject == .record(1))
    #expect(error?.faults.first?.zone == 0)
  }

  @Test func `records of a zone within another one belong there`() throws {
    let outer = try zone("z.", ["sub NS ns.sub", "ns.sub A 192.0.2.1", "x.sub TXT t"])
    let inner = try zone("sub.z.", ["x A 192.0.2.2"])
    let error = #expect(throws: ZoneFaults.self) {
      try ZoneTableBuilder(seed: 1).build([outer, inner])
    }
    #expect(
      error?.faults.map(\.message) == [
        "x.sub.z. TXT would never be answered: sub.z. is delegated by its NS records"
      ])
    let undelegated = try zone("z.", ["ns.sub A 192.0.2.1", "x.sub TXT t", "y.sub steered 0"])
    let other = #expect(throws: ZoneFaults.self) {
      try ZoneTableBuilder(seed: 1).build([undelegated, inner])
    }
    #expect(
      other?.faults.map(\.message) == [
        "x.sub.z. belongs to the zone sub.z.", "y.sub.z. belongs to the zone sub.z.",
      ])
    #expect(throws: ZoneFaults.self) { try ZoneTableBuilder(seed: 1).build([inner, inner]) }
  }

  @Test func `repeated records stand once`() throws {
    let table = try ZoneTableBuilder(seed: 1).build(
      [try zone("z.", ["a A 192.0.2.1", "A A 192.0.2.1", "a A 192.0.2.2"])])
    #expect(
      table.result(try DomainName("a.z."), .a) == .records([[192, 0, 2, 1], [192, 0, 2, 2]]))
  }

  @Test(arguments: UInt64(1)...16)
  func `random zones answer as the list does`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let labels = ["a", "b", "c", "*", "Dd"]
    func name(_ generator: inout SeededGenerator, depth: Int) -> String {
      (0..<Int.random(in: 0...depth, using: &generator))
        .map { _ in labels.randomElement(using: &generator) ?? "a" }.joined(separator: ".")
    }
    var lines: [String] = []
    for index in 0..<30 {
      let owner = name(&generator, depth: 4)
      let what = ["A 192.0.2.\(index)", "TXT t\(index)", "steered \(index)", "CNAME x", "NS a.b"]
      let line = (owner.isEmpty ? "@" : owner) + " " + (what.randomElement(using: &generator) ?? "")
      // Whatever is not allowed beside the others is left out.
      let zones = try [zone("z.", lines + [line]), zone("b.z.", ["* A 192.0.2.1"])]
      if (try? ZoneTableBuilder(seed: seed).build(zones)) != nil { lines.append(line) }
    }
    let zones = try [zone("z.", lines), zone("b.z.", ["* A 192.0.2.1"])]
    let table = try ZoneTableBuilder(seed: seed).build(zones)
    let oracle = LinearZones(zones: zones)
    for _ in 0..<120 {
      let asked = name(&generator, depth: 5)
      let name = try DomainName(asked.isEmpty ? "z." : asked + ".z.")
      for type in [RecordType.a, .txt, .ns, .cname] {
        let expected = oracle.find(name, type)
        if name == zones[0].name && type == .soa { continue }
        #expect(table.result(name, type) == expected, "seed \(seed), \(name) \(type), \(lines)")
      }
    }
  }
}
