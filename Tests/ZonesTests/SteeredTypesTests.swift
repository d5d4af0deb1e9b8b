import DNSWire
import Testing
import Zones

@Suite struct SteeredTypesTests {
  @Test(
    arguments: [
      ("addresses", RecordType.a, ZoneTable.Kind.steered),
      ("addresses", .aaaa, .steered), ("addresses", .https, .records),
      ("addresses", .svcb, .noData), ("addresses", .any, .records),
      ("https", .a, .records), ("https", .https, .steered), ("https", .svcb, .noData),
      ("https", .any, .records),
      ("svcb", .svcb, .steered), ("svcb", .https, .noData), ("svcb", .a, .noData),
      ("all", .a, .steered), ("all", .aaaa, .steered), ("all", .https, .steered),
      ("all", .svcb, .steered), ("all", .mx, .noData), ("all", .any, .records),
      ("alias", .a, .steeredAlias), ("alias", .mx, .steeredAlias),
      ("alias", .cname, .steeredAlias), ("alias", .any, .steeredAlias),
      ("alias", .https, .steeredAlias),
      ("any.of.it", .txt, .steeredAlias), ("any.of.it", .cname, .steeredAlias),
    ])
  func `a steered name leaves to routing what was said, and nothing else`(
    owner: String, type: RecordType, kind: ZoneTable.Kind
  ) throws {
    let source = try zone(
      "z.",
      [
        "addresses steered 7", "addresses HTTPS 1 .", "https steered 7 h", "https A 192.0.2.1",
        "svcb steered 7 s", "all steered 7 ahs", "alias steered 7 c", "*.of.it steered 7 c",
      ])
    let table = try ZoneTableBuilder(seed: 7).build([source])
    let finding = table.find(
      try DomainName(owner, origin: source.name), type)
    #expect(finding.kind == kind)
    if kind == .steered || kind == .steeredAlias { #expect(finding.service == 7) }
  }

  @Test(arguments: [
    ("own.z.", "own"), ("acme.t.z.", "acme"), ("www.acme.t.z.", "acme"), ("a.b.c.t.z.", "c"),
    ("*.t.z.", "*"), ("Acme.t.z.", "Acme"),
  ])
  func `the key is the label below the wildcard's parent, else the first`(
    asked: String, key: String
  ) throws {
    let apex = try DomainName("z.")
    var source = try zone("z.", [])
    source.steered = try ["own", "*.t"].map {
      .init(
        owner: try DomainName($0, origin: apex), service: 3, types: [.addresses, .keyed])
    }
    let table = try ZoneTableBuilder(seed: 7).build([source])
    let name = try DomainName(asked)
    #expect(table.naming(of: name) == .steeredByKey(service: 3, key: Array(key.utf8)))
    #expect(table.find(name, .a).kind == .steeredByKey)
    #expect(table.find(name, .mx).kind == .noData)
  }
}
