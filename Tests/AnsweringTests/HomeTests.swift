import Counters
import DNSWire
import Editions
import Homes
import Places
import Routing
import Testing
import Zones

/// Of the small world: `*.tenants` and `own` go by a key, and `*.named` does with CNAMEs.
private enum HomeWorld {
  static func edition(unhealthy: Set<Int> = [], fallback: Policy? = nil) throws -> Edition {
    var model = World.model(onAllDown: .failClosed)
    let planner = Planner(
      regions: model.regions, policy: .home(fallback: fallback), fences: [])
    let uniform = Planner(regions: model.regions, policy: .home(fallback: nil), fences: [])
    model.maps += [planner, uniform].map { SteeringMap(planner: $0, places: model.places) }
    model.uniformMap = model.maps.count - 1
    let targets = try (0..<3).map { try NamesWorld.target("r\($0).example.net.") }
    let homes = [Home(region: 1), Home(region: 2), Home(region: 0, former: 1)]
    var builder = HomeMapsBuilder(seed: 3)
    let first = model.services.count
    for content in [SteeredContent.endpoints, .names(targets)] {
      var service = model.services[0]
      service.map = model.maps.count - 2
      service.content = content
      service.home = HomeCell(service: model.services.count, home: nil)
      model.services.append(service)
      builder.beginMap()
      builder.add("acme", rule: .exact, home: 0)
      builder.add("eu-", rule: .prefix, home: 1)
      builder.add("moving", rule: .override, home: 2)
      builder.add("own", rule: .exact, home: 1)
    }
    model.homes = builder.finish().maps
    for service in first..<(first + 2) {
      model.services += homes.map { home in
        var cell = model.services[service]
        cell.home = HomeCell(service: service, home: home)
        return cell
      }
    }
    return Edition(
      number: 1, revision: 1, zones: try zones(first),
      maps: CohortMaps(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) }),
      model: model,
      board: HealthBoard(
        conditions: model.endpoints.map {
          EndpointCondition(health: unhealthy.contains($0.region) ? .unhealthy : .healthy)
        }), isReady: true)
  }

  private static func zones(_ first: Int) throws -> ZoneTable {
    let apex = try DomainName("example.org.")
    let host = try DomainName("ns1", origin: apex)
    let steered: [(name: String, service: Int, types: SteeredTypes)] = [
      ("*.tenants", first, [.addresses, .keyed]), ("own", first, [.addresses, .keyed]),
      ("*.named", first + 1, [.alias, .keyed]),
    ]
    return try ZoneTableBuilder(seed: 9).build([
      ZoneSource(
        name: apex,
        soa: ZoneSource.StartOfAuthority(
          primary: host, mailbox: host, serial: 1, refreshSeconds: 2, retrySeconds: 3,
          expireSeconds: 4, minimumSeconds: 60, ttlSeconds: 3_600),
        records: [ZoneSource.Record(owner: apex, ttlSeconds: 300, type: .ns, data: host.wire)],
        steered: steered.map {
          .init(owner: try DomainName($0.name, origin: apex), service: $0.service, types: $0.types)
        })
    ])
  }
}

@Suite struct `Names that go by a key` {
  private let client = ecs(10, 1, 3, bits: 24)

  @Test(
    arguments: [
      ("acme.tenants.example.org.", 2), ("ACME.Tenants.example.org.", 2),
      // The label next to the name above the wildcard: all names of a tenant have one home.
      ("www.acme.tenants.example.org.", 2), ("a.b.c.acme.tenants.example.org.", 2),
      ("acme.globex.tenants.example.org.", nil), ("eu-bank.tenants.example.org.", 3),
      ("moving.tenants.example.org.", 1), ("nobody.tenants.example.org.", nil),
      // The first label of a name that is no wildcard's.
      ("own.example.org.", 3),
    ] as [(String, UInt8?)])
  func `are answered by the home of a label, with scope 0`(name: String, last: UInt8?) throws {
    let reply = try Asker(edition: try HomeWorld.edition()).reply(name, edns: client)
    #expect(reply.sections[0].map(\.data) == (last.map { [[192, 0, 2, $0]] } ?? []))
    #expect(reply.code == (last == nil ? 2 : 0) && reply.isAuthoritative == (last != nil))
    // RFC 7871 §7.2.1: the answer is the same for every client.
    #expect(reply.options?[8]?[3] == 0)
  }

  @Test func `without a home fail, and say why (RFC 8914 §4.1)`() throws {
    let reply = try Asker(edition: try HomeWorld.edition())
      .reply("nobody.tenants.example.org.", edns: client)
    let text = try #require(reply.options?[15])
    #expect(Array(text.prefix(2)) == [0, 0])
    #expect(String(decoding: text.dropFirst(2), as: UTF8.self).contains("home of this name"))
  }

  @Test func `answer by where a key moves from while its new home is down`() throws {
    let edition = try HomeWorld.edition(unhealthy: [0])
    let reply = try Asker(edition: edition).reply("moving.tenants.example.org.", edns: client)
    #expect(reply.sections[0].map(\.data) == [[192, 0, 2, 2]])
    #expect(reply.options?[8]?[3] == 0)
  }

  @Test func `have a scope while a fallback by place stands in`() throws {
    let everyone = Policy.Proximity(
      regions: [0, 1, 2], biases: [0, 0, 0], unknown: [0, 1, 2])
    let edition = try HomeWorld.edition(unhealthy: [2], fallback: .proximity(everyone))
    let asker = Asker(edition: edition)
    let near = try asker.reply("eu-x.tenants.example.org.", edns: client)
    #expect(near.sections[0].map(\.data) == [[192, 0, 2, 2]])
    #expect(near.options?[8]?[3] == 16)
    let far = try asker.reply("eu-x.tenants.example.org.", edns: ecs(10, 9, 3, bits: 24))
    #expect(far.sections[0].map(\.data) == [[192, 0, 2, 1]])
  }

  @Test(arguments: [
    ("acme.named.example.org.", "r1.example.net."),
    ("x.moving.named.example.org.", "r0.example.net."),
  ])
  func `answer a CNAME to their home where names serve`(name: String, target: String) throws {
    let reply = try Asker(edition: try HomeWorld.edition()).reply(name, .mx, edns: client)
    #expect(reply.sections[0].map(\.type) == [5])
    #expect(reply.sections[0][0].data == (try DomainName(target).wire))
    #expect(reply.options?[8]?[3] == 0)
  }

  @Test func `are counted by why their region answers`() throws {
    let asker = Asker(edition: try HomeWorld.edition(unhealthy: [0]))
    for name in ["acme", "moving", "nobody"] {
      _ = asker.ask(try query("\(name).tenants.example.org."))
    }
    let counted = asker.board.sums().filter { $0.value > 0 }.compactMap { sample in
      sample.series.labels.first { $0.name == "reason" }?.value
    }
    #expect(counted.sorted() == ["home", "home_moving", "no_home"])
  }
}
