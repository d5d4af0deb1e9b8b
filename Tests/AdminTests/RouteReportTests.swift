import Admin
import Editions
import Places
import Publishing
import Routing
import TestSupport
import Testing

@Suite struct `A route report` {
  static let seed: UInt64 = 20_261_123

  private func report(
    _ world: AdminWorld, _ address: String, service: Int = 0,
    question: RouteReport.Question = .name("www.example.org", isIPv6: false)
  ) throws -> RouteReport {
    let client = try #require(IPAddress(address))
    return try #require(
      RouteReport(
        edition: world.publisher.desk.take(), address: client, service: service,
        question: question))
  }

  @Test func `says who the client is, what it gets and why`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let report = try report(world, "10.1.2.3")
    #expect(report.ip == "10.1.2.3")
    #expect(report.type == "A")
    #expect(report.client.place.city == "Tokyo")
    #expect(report.client.place.asn == 2500)
    #expect(report.client.scopePlace == 16)
    #expect(report.outcome.kind == "serve")
    #expect(report.outcome.basis == "healthy")
    #expect(report.outcome.regions == ["tokyo"])
    #expect(report.outcome.addresses == ["127.0.10.1", "127.0.10.2"])
    #expect(
      report.candidates.map(\.region)
        == ["tokyo", "virginia", "frankfurt"].sorted {
          distance(report, $0) < distance(report, $1)
        })
    #expect(report.candidates.map(\.chosen) == [true, false, false])
    #expect(report.candidates[0].healthyEndpoints == 3)
    #expect(report.ttl == 20)
    #expect(!report.steps.isEmpty && report.steps.allSatisfy { $0.hasSuffix(".") })
    #expect(report.attribution == "IP Geolocation by DB-IP (https://db-ip.com)")
  }

  private func distance(_ report: RouteReport, _ region: String) -> Double {
    report.candidates.first { $0.region == region }?.distanceKilometres ?? .infinity
  }

  @Test func `gives the addresses of the type that was asked for`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let report = try report(
      world, "10.1.2.3", question: .name("www.example.org", isIPv6: true))
    #expect(report.type == "AAAA")
    #expect(report.outcome.addresses == ["2001:db8:ff::1"])
  }

  @Test func `gives a listener the sockets that a connection may go to`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let report = try report(world, "10.2.0.1", question: .listener("front"))
    #expect(report.listener == "front")
    #expect(report.name == nil && report.type == nil && report.ttl == nil)
    #expect(report.outcome.addresses == ["127.0.10.3:8080"])
  }

  @Test func `decides on the IPv4 address inside, and says so`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let report = try report(world, "2002:0a01:0203::1")
    #expect(report.client.source == "the IPv4 address 10.1.2.3 inside the address")
    #expect(report.outcome.regions == ["tokyo"])
    #expect(report.client.scopePlace == 32)
  }

  @Test func `knows nothing of a service that is not there`() throws {
    let edition = try AdminWorld().publisher.desk.take()
    let question = RouteReport.Question.listener("x")
    for service in [-1, 2, 99] {
      let report = RouteReport(
        edition: edition, address: .ipv4(1), service: service, question: question)
      #expect(report == nil)
    }
  }

  @Test func `names the fence that keeps a region out`() async throws {
    let world = try AdminWorld()
    await world.heal()
    await world.publisher.apply([
      "frankfurt/eu/127.0.20.3:8080": EndpointCondition(health: .unhealthy)
    ])
    let report = try report(world, "10.2.0.1", service: 1)
    #expect(report.outcome.kind == "fail")
    #expect(report.outcome.basis == "last_resort")
    #expect(report.outcome.addresses.isEmpty)
    #expect(report.steps.contains("The client is in fence residents: country DE."))
    #expect(report.steps.contains("Fence residents keeps virginia out."))
    let virginia = report.candidates.first { $0.region == "virginia" }
    #expect(virginia?.reason == "outside fence residents")
  }

  @Test func `comes back from its own JSON`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let report = try report(world, "10.1.2.3")
    let bytes = try jsonText(report)
    let json = JSON(String(decoding: bytes, as: UTF8.self))
    #expect(
      json.keys == [
        "attribution", "candidates", "client", "edition", "ip", "name", "outcome", "revision",
        "scope", "service", "steps", "ttl", "type",
      ])
    #expect(
      json["client"]["place"].keys == [
        "accuracy_radius_km", "asn", "city", "continent", "country", "european_union", "latitude",
        "longitude", "subdivision",
      ])
    #expect(
      json["candidates"][0].keys == [
        "chosen", "distance_km", "endpoints", "health", "healthy_endpoints", "latency_basis",
        "latency_ms", "reason", "region",
      ])
    #expect(try RouteReport(json: bytes) == report)
  }

  @Test func `reads well as text`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let text = try report(world, "10.1.2.3").text
    #expect(text.hasPrefix("10.1.2.3 → www.example.org A → tokyo (127.0.10.1 127.0.10.2)\n"))
    #expect(text.contains("Tokyo, JP-13, AS, AS2500 at 35.7,139.7 ± 20 km"))
    #expect(text.contains("▶ tokyo"))
    #expect(text.hasSuffix("IP Geolocation by DB-IP (https://db-ip.com)\n"))
  }

  /// The decision that serves, the answer's bytes and the report agree, whatever the health.
  @Test func `is the decision that is served`() async throws {
    var random = SeededGenerator(seed: Self.seed)
    let world = try AdminWorld()
    for round in 0..<12 {
      for region in ["tokyo", "frankfurt", "virginia"] {
        let health = [Health.healthy, .degraded, .unknown, .unhealthy].randomElement(using: &random)
        await world.report(health ?? .healthy, of: region)
      }
      let edition = world.publisher.desk.take()
      for _ in 0..<100 {
        let address = randomAddress(&random)
        for service in 0..<2 {
          var silent = SilentTrace()
          let served = edition.steering.route(address.client, to: service, trace: &silent)
          let outcome = edition.targets.outcome(of: served)
          let report = try #require(
            RouteReport(
              edition: edition, address: address, service: service,
              question: .name("www.example.org", isIPv6: false)))
          let note = Comment("seed \(Self.seed), round \(round), \(address)")
          #expect(report.scope == Int(served.scopeBits), note)
          #expect(report.client.cohort == Int(served.cohort), note)
          #expect(
            report.outcome.regions == outcome.regions.map { edition.model.regions[$0].name }, note)
          #expect(
            report.outcome.addresses.count
              == Int(edition.answers.entry(outcome: served.outcome, slot: .a).recordCount),
            note)
          let chosen = report.candidates.filter(\.chosen).map(\.region)
          #expect(Set(chosen) == Set(report.outcome.regions), note)
        }
      }
    }
  }

  private func randomAddress(_ random: inout SeededGenerator) -> IPAddress {
    let bits = UInt32.random(in: 0...UInt32.max, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return .ipv4(bits)
    case 1: return .ipv6(UInt128(bits) << 96)
    case 2: return .ipv6(0x2001_0DB8_0001 << 80 | UInt128(bits))
    default: return .ipv4(10 << 24 | (bits % 5) << 16 | bits & 0xFFFF)
    }
  }
}

@Suite struct `A step of a decision as a sentence` {
  static let cases: [(RouteStep, String)] = [
    (.override([0, 2]), "An override prefix prefers tokyo, then virginia."),
    (.rule(index: 0, reason: "country JP"), "Rule 1 matches: country JP."),
    (.defaultRule, "No rule matches: the default applies."),
    (
      .panic(healthyShare: 0.25, threshold: 0.5),
      "Panic: 25 % of the endpoints are healthy, fewer than 50 %; health is ignored."
    ),
    (.tier(.degraded), "The best standing of any region is degraded: nothing worse is used."),
    (.lastResort(.backup(1)), "No region is usable: on_all_down is backup frankfurt."),
    (
      .spread(
        from: 0,
        shares: [RegionShare(region: 1, share: 0.625), RegionShare(region: 2, share: 0.375)]),
      "tokyo, the first choice, is lost: its clients are spread over frankfurt 62.5 %, "
        + "virginia 37.5 %."
    ),
    (.drawn(slot: 7), "The client's prefix draws share 7 of 1024."),
    (
      .cohort(index: 3, scopeBits: 20), "The client is in cohort 3, and so is all of its /20."
    ),
  ]

  @Test(arguments: cases) func `names regions and figures`(step: RouteStep, text: String) throws {
    #expect(try step.sentence(in: AdminWorld().publisher.desk.take().model) == text)
  }
}
