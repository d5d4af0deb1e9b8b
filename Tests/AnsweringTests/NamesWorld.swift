import DNSWire
import Editions
import Places
import Routing
import Zones

/// The small world with services that answer service bindings, CNAMEs, and the addresses of names.
enum NamesWorld {
  static let serviceNames = ["bound", "cdn", "own"]

  static func zones() throws -> ZoneTable {
    let apex = try DomainName("example.org.")
    let texts = [
      "@ NS ns1", "ns1 A 192.0.2.53", "fixed A 192.0.2.99", "fixed AAAA 2001:db8::99",
      "chain CNAME fixed", "alias CNAME cdn", "svc A 192.0.2.98",
    ]
    let steered: [(name: String, service: Int, types: SteeredTypes)] = [
      ("web", 0, .addresses), ("www", 2, [.addresses, .https, .svcb]), ("cdn", 3, .alias),
      ("*.wild", 3, .alias), ("own", 4, [.addresses, .https]), ("@", 4, .addresses),
    ]
    var source = ZoneSource(
      name: apex,
      soa: ZoneSource.StartOfAuthority(
        primary: try DomainName("ns1", origin: apex), mailbox: try DomainName("mail", origin: apex),
        serial: 1, refreshSeconds: 2, retrySeconds: 3, expireSeconds: 4, minimumSeconds: 60,
        ttlSeconds: 3_600))
    for entry in steered {
      source.steered.append(
        .init(
          owner: try DomainName(entry.name, origin: apex), service: entry.service,
          types: entry.types))
    }
    for text in texts {
      let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
      guard let type = RecordType(parts[1]) else { continue }
      source.records.append(
        ZoneSource.Record(
          owner: try DomainName(parts[0], origin: apex), ttlSeconds: 300, type: type,
          data: try RecordData.encode(type, text: parts[2], origin: apex)))
    }
    return try ZoneTableBuilder(seed: 9).build([source])
  }

  static func target(_ name: String) throws -> NamedTarget {
    NamedTarget(wire: try DomainName(name).loweredWire, text: name)
  }

  static func binding(_ text: String, _ kind: BindingTemplate.Kind) throws -> BindingTemplate {
    let data = try RecordData.encode(.https, text: text, origin: .root)
    let isOfOwner = ServiceBindingRecord(data: data)?.isOfOwner ?? false
    return BindingTemplate(kind: kind, data: data, takesHints: isOfOwner, text: text)
  }

  static func model(onAllDown: LastResort = .failOpen, cname: [String]) throws -> RoutingModel {
    var model = World.model(onAllDown: onAllDown)
    var bound = model.services[0]
    bound.name = "bound"
    bound.bindings = [
      try binding("1 . alpn=\"h2,h3\" port=443", .https),
      try binding("2 svc.example.org. alpn=h2", .https), try binding("0 svc.example.org.", .svcb),
    ]
    var cdn = model.services[0]
    cdn.name = "cdn"
    cdn.pool = nil
    cdn.content = .names(try cname.map(target))
    var own = cdn
    own.name = "own"
    own.content = .resolved([
      try target("a.example.net."), try target("chain.example.org."), try target("c.example.net."),
    ])
    own.bindings = [try binding("1 . alpn=h2", .https)]
    model.services += [bound, cdn, own]
    return model
  }

  static let found = ResolvedNames([
    .init(name: Array("\u{1}a\u{7}example\u{3}net\u{0}".utf8), isIPv6: false):
      .init(addresses: [.ipv4(0xC633_6401), .ipv4(0xC633_6402)], ttlSeconds: 20),
    .init(name: Array("\u{1}a\u{7}example\u{3}net\u{0}".utf8), isIPv6: true):
      .init(addresses: [], ttlSeconds: 10),
    .init(name: Array("\u{1}c\u{7}example\u{3}net\u{0}".utf8), isIPv6: false):
      .init(addresses: [.ipv4(0xC633_6403)], ttlSeconds: 900, isStale: true),
  ])

  static func edition(
    health: Health = .healthy, onAllDown: LastResort = .failOpen,
    regionOverrides: [OverrideState] = [], resolved: ResolvedNames = found,
    cname: [String] = ["a.cdn.example.net.", "chain.example.org.", "web.example.org."]
  ) throws -> Edition {
    let model = try model(onAllDown: onAllDown, cname: cname)
    return Edition(
      number: 1, revision: 1, zones: try zones(),
      maps: CohortMaps(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) }),
      model: model,
      board: HealthBoard(
        conditions: model.endpoints.map { _ in EndpointCondition(health: health) },
        regionOverrides: regionOverrides),
      resolved: resolved, isReady: true)
  }
}
