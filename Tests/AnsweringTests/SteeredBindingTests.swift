import DNSWire
import Editions
import Places
import Routing
import Testing

/// Clients of the three regions.
let clients: [[UInt8]] = [
  ecs(10, 2, 3, bits: 24), ecs(10, 1, 3, bits: 24), ecs(11, 0, 0, bits: 24),
]

@Suite struct `Steered service bindings (RFC 9460 §7.3)` {
  @Test(arguments: zip(clients, 1...3 as ClosedRange<UInt8>))
  func `have the addresses of the same decision as hints`(
    option: [UInt8], region: UInt8
  ) throws {
    let asker = Asker(edition: try NamesWorld.edition())
    let binding = try asker.reply("www.example.org.", .https, edns: option)
    let ipv4 = try asker.reply("www.example.org.", .a, edns: option)
    let ipv6 = try asker.reply("www.example.org.", .aaaa, edns: option)
    #expect(ipv4.sections[0].map(\.data) == [[192, 0, 2, region]])
    let expected = [
      try RecordData.encode(
        .https,
        text: "1 . alpn=\"h2,h3\" port=443 ipv4hint=192.0.2.\(region) ipv6hint=2001:db8::\(region)",
        origin: .root),
      try RecordData.encode(.https, text: "2 svc.example.org. alpn=h2", origin: .root),
    ]
    #expect(binding.sections[0].map(\.data) == expected)
    #expect(binding.sections[0].allSatisfy { $0.type == 65 && $0.owner == "www.example.org." })
    #expect(
      ServiceBindingRecord(data: binding.sections[0][0].data)?.value(of: 6)
        == ipv6.sections[0][0].data)
    for other in [ipv4, ipv6] {
      #expect(binding.options?[8] == other.options?[8], "one scope")
      #expect(binding.sections[0][0].ttlSeconds == other.sections[0][0].ttlSeconds, "one TTL")
    }
  }

  @Test func `of priority 0 are aliases without parameters (§2.4.2)`() throws {
    let reply = try Asker(edition: try NamesWorld.edition()).reply("www.example.org.", .svcb)
    let expected = try RecordData.encode(.svcb, text: "0 svc.example.org.", origin: .root)
    #expect(reply.sections[0].map(\.data) == [expected])
    #expect(reply.sections[0].map(\.type) == [64])
  }

  @Test func `that a service has not are no data, with scope 0 (RFC 7871 §7.4)`() throws {
    let asker = Asker(edition: try NamesWorld.edition())
    for (name, type) in [("web.example.org.", RecordType.https), ("own.example.org.", .svcb)] {
      let reply = try asker.reply(name, type, edns: clients[0])
      #expect(reply.code == 0 && reply.sections[0].isEmpty)
      #expect(reply.sections[1].map(\.type) == [6])
      #expect(reply.options?[8]?[3] == 0)
    }
  }

  @Test(arguments: [
    (LastResort.failOpen, 0, 2, "no healthy region; serving last resort"),
    (.failClosed, 2, 0, "no healthy region"), (.noData, 0, 0, "no healthy region"),
  ])
  func `say so when nothing is healthy (RFC 8914 §4.1)`(
    resort: LastResort, code: Int, count: Int, text: String
  ) throws {
    let edition = try NamesWorld.edition(health: .unhealthy, onAllDown: resort)
    let reply = try Asker(edition: edition).reply("www.example.org.", .https, edns: clients[1])
    #expect(reply.code == code)
    #expect(reply.sections[0].count == count)
    #expect(reply.options?[15] == [0, 0] + Array(text.utf8))
    #expect(reply.options?[8]?[3] == 16, "the scope stays exact")
  }

  @Test func `follow the addresses of names as well`() throws {
    let reply = try Asker(edition: try NamesWorld.edition())
      .reply("own.example.org.", .https, edns: clients[0])
    let expected = try RecordData.encode(
      .https, text: "1 . alpn=h2 ipv4hint=198.51.100.1,198.51.100.2", origin: .root)
    #expect(reply.sections[0].map(\.data) == [expected])
    #expect(reply.sections[0].map(\.ttlSeconds) == [10], "the shorter of both families")
  }
}

@Suite struct `Steered names without data` {
  /// An edition whose pool has IPv4 endpoints only.
  private func edition(health: Health, onAllDown: LastResort) throws -> Edition {
    var model = World.model(onAllDown: onAllDown)
    model.pools[0].endpoints = [[0], [2], [4]]
    return Edition(
      number: 1, revision: 1, zones: try World.zones(),
      maps: CohortMaps(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) }),
      model: model,
      board: HealthBoard(
        conditions: model.endpoints.map { _ in EndpointCondition(health: health) }),
      isReady: true)
  }

  @Test(arguments: [Health.healthy, .unhealthy], [LastResort.failOpen, .failClosed, .noData])
  func `of a family that the pool never has are so for everyone (RFC 7871 §7.4)`(
    health: Health, resort: LastResort
  ) throws {
    let asker = Asker(edition: try edition(health: health, onAllDown: resort))
    for name in ["www.example.org.", "fenced.example.org."] {
      let reply = try asker.reply(name, .aaaa, edns: clients[0])
      #expect(reply.code == 0 && reply.sections[0].isEmpty)
      #expect(reply.sections[1].map(\.type) == [6])
      #expect(reply.options?[8]?[3] == 0)
      #expect(reply.options?[15] == nil)
    }
  }

  @Test func `by the last resort keep the exact scope`() throws {
    let asker = Asker(edition: try edition(health: .unhealthy, onAllDown: .noData))
    let reply = try asker.reply("www.example.org.", .a, edns: clients[1])
    #expect(reply.code == 0 && reply.sections[0].isEmpty)
    #expect(reply.options?[8]?[3] == 16)
  }
}
