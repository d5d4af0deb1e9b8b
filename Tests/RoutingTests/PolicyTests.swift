import Places
import Routing
import Testing

private let tokyo = 1
private let munich = 2
private let newYork = 3
private let rio = 4
private let london = 5

@Suite struct `A policy orders regions` {
  @Test(arguments: [
    (tokyo, "tokyo"), (munich, "frankfurt"), (newYork, "virginia"), (rio, "saopaulo"),
    (london, "dublin"),
  ])
  func `proximity takes the nearest`(place: Int, region: String) {
    #expect(Routed(World()).regions(atPlace: place) == [region])
  }

  @Test func `an unknown place takes the configured order`() {
    var world = World()
    world.policy = .proximity(
      Policy.Proximity(
        regions: [0, 2], biases: [0, 0], unknown: [World.region("frankfurt"), 0]))
    #expect(Routed(world).regions(atPlace: 0) == ["frankfurt"])
  }

  @Test(arguments: [(0, "dublin"), (60, "frankfurt"), (-99, "dublin")])
  func `bias grows and shrinks a catchment`(bias: Int, region: String) {
    var world = World()
    var proximity = World.everyRegion
    proximity.biases[World.region("frankfurt")] = bias
    world.policy = .proximity(proximity)
    #expect(Routed(world).regions(atPlace: london) == [region])
  }

  @Test func `a negative bias pushes clients to the next region`() {
    var world = World()
    var proximity = World.everyRegion
    proximity.biases[World.region("frankfurt")] = -80
    world.policy = .proximity(proximity)
    #expect(Routed(world).regions(atPlace: munich) == ["dublin"])
  }

  @Test func `the first rule that matches decides, and the default where none does`() {
    var world = World()
    world.policy = .geo(
      [
        rule(to: "sydney") { $0.subdivisions = [Subdivision("US-NY")].compactMap(\.self) },
        rule(to: "tokyo") { $0.countries = [CountryCode("US")].compactMap(\.self) },
        rule(to: "singapore") { $0.continents = [ContinentCode("EU")].compactMap(\.self) },
      ], otherwise: .region(World.region("virginia")))
    let routed = Routed(world)
    #expect(routed.regions(atPlace: newYork) == ["sydney"])
    #expect(routed.regions(atPlace: munich) == ["singapore"])
    #expect(routed.regions(atPlace: tokyo) == ["virginia"])
    #expect(routed.regions(atPlace: 0) == ["virginia"])
  }

  @Test func `rules match networks, prefixes, the European Union and the unknown`() {
    var world = World()
    world.places[tokyo].asn = 2500
    world.places[rio].prefixSet = 1
    world.prefixSets = [[], [7]]
    world.policy = .geo(
      [
        rule(to: "dublin") { $0.asns = [2500] },
        rule(to: "sydney") {
          $0.prefixes = [7]
          $0.prefixNames = ["192.0.2.0/24"]
        },
        rule(to: "frankfurt") { $0.isInEuropeanUnion = true },
        rule(to: "singapore") { $0.isUnknown = true },
      ], otherwise: .region(World.region("virginia")))
    let routed = Routed(world)
    #expect(routed.regions(atPlace: tokyo) == ["dublin"])
    #expect(routed.regions(atPlace: rio) == ["sydney"])
    #expect(
      routed.explanation(World.client(atPlace: rio)).steps
        .contains(.rule(index: 1, reason: "prefix 192.0.2.0/24")))
    #expect(routed.regions(atPlace: munich) == ["frankfurt"])
    #expect(routed.regions(atPlace: london) == ["virginia"])
    #expect(routed.regions(atPlace: 0) == ["singapore"])
  }

  @Test func `an override prefix goes before the policy, which follows it`() {
    var world = World()
    world.overrides = [["sydney", "nowhere"]]
    world.places[tokyo].override = 1
    #expect(Routed(world).regions(atPlace: tokyo) == ["sydney"])
    let down = world.board(["sydney": EndpointCondition(health: .unhealthy)])
    #expect(Routed(world, board: down).regions(atPlace: tokyo) == ["tokyo"])
  }

  @Test func `failover takes the first that has anything usable, through nested policies`() {
    var world = World()
    world.policy = .failover([
      .region(World.region("sydney")),
      .proximity(Policy.Proximity(regions: [2, 3], biases: [0, 0], unknown: [2, 3])),
    ])
    #expect(Routed(world).regions(atPlace: london) == ["sydney"])
    let down = world.board(["sydney": EndpointCondition(health: .unhealthy)])
    #expect(Routed(world, board: down).regions(atPlace: london) == ["dublin"])
  }

  @Test func `all answers the union, without what is down`() {
    var world = World()
    world.policy = .all([.region(0), .failover([.region(1), .region(2)]), .region(3)])
    #expect(
      Routed(world).regions(atPlace: rio) == ["tokyo", "singapore", "frankfurt", "dublin"])
    let down = world.board(["tokyo": EndpointCondition(health: .unhealthy)])
    #expect(
      Routed(world, board: down).regions(atPlace: rio) == ["singapore", "frankfurt", "dublin"])
  }
}

private func rule(to region: String, _ match: (inout ClientMatch) -> Void) -> Policy.Rule {
  var clients = ClientMatch()
  match(&clients)
  return Policy.Rule(match: clients, policy: .region(World.region(region)))
}

@Suite struct `Shares are drawn by address` {
  /// How many of the /20s of 32 /16s get each region.
  private func tally(_ routed: borrowing Routed, stepBits: Int = 12) -> [String: Int] {
    var counts: [String: Int] = [:]
    for prefix in 0..<65_536 {
      let client = ClientAddress(ipv4: UInt32(prefix) << UInt32(stepBits) | 1)
      for region in routed.outcome(client).regions {
        counts[World.sites[region].name, default: 0] += 1
      }
    }
    return counts
  }

  private func weighted(_ shares: [(String, Int)]) -> Policy {
    .weighted(
      shares.map {
        Policy.PolicyShare(policy: .region(World.region($0.0)), weight: $0.1)
      })
  }

  @Test func `weights hold within one per cent`() {
    var world = World()
    world.policy = weighted([("tokyo", 3), ("sydney", 1)])
    let counts = tally(Routed(world))
    #expect(abs(Double(counts["tokyo", default: 0]) / 65_536 - 0.75) < 0.01)
  }

  @Test func `a lost share moves only its own clients`() {
    var world = World()
    world.policy = weighted([("tokyo", 2), ("sydney", 1), ("dublin", 1)])
    let before = Routed(world)
    let after = Routed(
      world, board: world.board(["sydney": EndpointCondition(health: .unhealthy)]))
    for prefix in 0..<4096 {
      let client = ClientAddress(ipv4: UInt32(prefix) << 12)
      let region = before.outcome(client).regions
      if region != [World.region("sydney")] { #expect(after.outcome(client).regions == region) }
    }
    let counts = tally(after)
    #expect(abs(Double(counts["tokyo", default: 0]) / 65_536 - 0.667) < 0.02)
    #expect(counts["sydney"] == nil)
  }

  @Test func `a standby is used only when all weighted ones are gone`() {
    var world = World()
    world.policy = weighted([("tokyo", 1), ("sydney", 0)])
    #expect(tally(Routed(world)) == ["tokyo": 65_536])
    let down = world.board(["tokyo": EndpointCondition(health: .unhealthy)])
    #expect(tally(Routed(world, board: down)) == ["sydney": 65_536])
  }

  @Test func `hash tells single addresses apart and answers with their full length`() {
    var world = World()
    world.policy = .hash(
      [0, 1, 2].map { Policy.PolicyShare(policy: .region($0), weight: 1) },
      key: DrawKey(bitsIPv4: 32, bitsIPv6: 64))
    let routed = Routed(world)
    #expect(routed.decision(ClientAddress(ipv4: 99)).scopeBits == 32)
    #expect(routed.decision(ClientAddress(ipv6: 0x2A << 120)).scopeBits == 64)
    let counts = tally(routed, stepBits: 0)
    for (_, count) in counts { #expect(abs(Double(count) / 65_536 - 1.0 / 3) < 0.02) }
  }

  @Test func `the clients of a lost region are spread by latency, and stay put`() {
    let world = World()
    let down = world.board(["tokyo": EndpointCondition(health: .unhealthy)])
    let routed = Routed(world, board: down)
    var counts: [String: Int] = [:]
    for prefix in UInt32(0)..<16 {
      let first = routed.regions(atPlace: 1, host: prefix << 12)
      #expect(routed.regions(atPlace: 1, host: prefix << 12 | 0xFFF) == first)
      counts[first[0], default: 0] += 1
    }
    #expect(counts["singapore", default: 0] > counts["sydney", default: 0])
    #expect(counts["tokyo"] == nil)
    #expect(routed.decision(World.client(atPlace: 1)).scopeBits == 20)
    #expect(Routed(world).decision(World.client(atPlace: 1)).scopeBits == 16)
    let shares = routed.explanation(World.client(atPlace: 1)).steps.compactMap { step in
      if case .spread(_, let shares) = step { shares.map(\.share) } else { nil }
    }
    #expect(shares.count == 1 && shares[0].count > 1, "\(shares)")
    #expect(abs(shares[0].reduce(0, +) - 1) < 1e-9)
  }

  @Test func `without a spread the next candidate takes all`() {
    var world = World()
    world.spreadMilliseconds = 0
    let down = world.board(["frankfurt": EndpointCondition(health: .unhealthy)])
    #expect(Routed(world, board: down).regions(atPlace: 2) == ["dublin"])
    #expect(Routed(world, board: down).decision(World.client(atPlace: 2)).scopeBits == 16)
  }
}
