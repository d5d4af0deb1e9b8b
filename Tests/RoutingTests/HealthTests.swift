import Places
import Routing
import TestSupport
import Testing

private let munich = 2

@Suite struct `Health and overrides decide who is used` {
  @Test(arguments: [
    (EndpointCondition(health: .healthy), Standing.healthy),
    (EndpointCondition(health: .degraded), .degraded),
    (EndpointCondition(health: .unknown), .unknown),
    (EndpointCondition(health: .unhealthy), .unhealthy),
    (EndpointCondition(health: .unhealthy, override: .up), .healthy),
    (EndpointCondition(health: .healthy, override: .down), .removed),
    (EndpointCondition(health: .healthy, override: .drain), .removed),
  ])
  func `an operator's word stands above probes`(
    condition: EndpointCondition, standing: Standing
  ) {
    #expect(condition.standing == standing)
  }

  @Test func `degraded comes after healthy and unknown after both`() {
    var world = World()
    world.spreadMilliseconds = 0
    let degraded = EndpointCondition(health: .degraded)
    let unknown = EndpointCondition(health: .unknown)
    let unhealthy = EndpointCondition(health: .unhealthy)
    var conditions = ["frankfurt": degraded]
    #expect(Routed(world, board: world.board(conditions)).regions(atPlace: munich) == ["dublin"])
    for site in World.sites { conditions[site.name] = unhealthy }
    conditions["frankfurt"] = unknown
    conditions["sydney"] = degraded
    #expect(Routed(world, board: world.board(conditions)).regions(atPlace: munich) == ["sydney"])
    conditions["sydney"] = unhealthy
    let last = Routed(world, board: world.board(conditions))
    #expect(last.regions(atPlace: munich) == ["frankfurt"])
    #expect(last.outcome(World.client(atPlace: munich)).basis == .unknown)
  }

  @Test func `a region with fewer healthy endpoints than its minimum is degraded`() {
    let healthy = EndpointCondition(health: .healthy)
    let unhealthy = EndpointCondition(health: .unhealthy)
    let one = RegionStanding(ipv4: [healthy, unhealthy], ipv6: [], minimumHealthy: 2)
    #expect(one.standing == .degraded)
    let both = RegionStanding(ipv4: [healthy], ipv6: [healthy], minimumHealthy: 2)
    #expect(both.standing == .healthy)
    #expect(RegionStanding(ipv4: [], ipv6: [], minimumHealthy: 1).standing == .absent)
  }

  @Test(arguments: [
    (Health.healthy, Health.healthy, Standing.healthy), (.healthy, .unhealthy, .degraded),
    (.unknown, .healthy, .degraded), (.degraded, .healthy, .degraded),
    (.unknown, .unhealthy, .unknown), (.unhealthy, .unhealthy, .unhealthy),
  ])
  func `a region with both address families is as good as both`(
    ipv4: Health, ipv6: Health, standing: Standing
  ) {
    let region = RegionStanding(
      ipv4: [EndpointCondition(health: ipv4)], ipv6: [EndpointCondition(health: ipv6)],
      minimumHealthy: 1)
    #expect(region.standing == standing)
  }

  @Test func `below the panic threshold health is ignored, but not an operator's word`() {
    var world = World()
    world.panicThreshold = 0.5
    var conditions: [String: EndpointCondition] = [:]
    for site in World.sites { conditions[site.name] = EndpointCondition(health: .unhealthy) }
    conditions["dublin"] = EndpointCondition(health: .healthy)
    let panic = Routed(world, board: world.board(conditions))
    #expect(panic.regions(atPlace: munich) == ["frankfurt"])
    #expect(panic.outcome(World.client(atPlace: munich)).basis == .panic)
    conditions["frankfurt"] = EndpointCondition(health: .healthy, override: .drain)
    #expect(
      !Routed(world, board: world.board(conditions)).regions(atPlace: munich).contains("frankfurt"))
  }
}

@Suite struct `Panic waits for a judgement` {
  @Test func `what was never checked is neither healthy nor a reason to panic`() {
    var world = World()
    world.panicThreshold = 0.5
    var conditions: [String: EndpointCondition] = [:]
    for site in World.sites { conditions[site.name] = EndpointCondition(health: .unknown) }
    let unchecked = Routed(world, board: world.board(conditions))
    #expect(unchecked.outcome(World.client(atPlace: munich)).basis == .unknown)
    conditions["dublin"] = EndpointCondition(health: .healthy)
    let one = Routed(world, board: world.board(conditions))
    #expect(one.regions(atPlace: munich) == ["dublin"])
  }
}

@Suite struct `When nothing is usable` {
  private func allDown(_ world: World) -> Routed {
    var conditions: [String: EndpointCondition] = [:]
    for (number, site) in World.sites.enumerated() {
      conditions[site.name] = EndpointCondition(health: .unhealthy, lastGood: UInt64(number))
    }
    return Routed(world, board: world.board(conditions))
  }

  @Test func `fail_open answers as if all were healthy`() {
    #expect(allDown(World()).regions(atPlace: munich) == ["frankfurt"])
  }

  @Test(arguments: [(LastResort.failClosed, Outcome.Kind.fail), (.noData, .noData)])
  func `fail_closed and nodata answer no region`(resort: LastResort, kind: Outcome.Kind) {
    var world = World()
    world.onAllDown = resort
    let outcome = allDown(world).outcome(World.client(atPlace: munich))
    #expect(outcome == Outcome(kind: kind, regions: [], basis: .lastResort))
  }

  @Test func `backup answers its region`() {
    var world = World()
    world.onAllDown = .backup(World.region("virginia"))
    #expect(allDown(world).regions(atPlace: munich) == ["virginia"])
  }

  @Test func `last_good answers the region that was healthy last`() {
    var world = World()
    world.onAllDown = .lastGood
    #expect(allDown(world).regions(atPlace: munich) == ["sydney"])
  }

  @Test func `what an operator took out stays out of every last resort`() {
    for resort in [LastResort.failOpen, .lastGood, .backup(2)] {
      var world = World()
      world.onAllDown = resort
      var conditions: [String: EndpointCondition] = [:]
      for site in World.sites {
        conditions[site.name] = EndpointCondition(health: .unhealthy, override: .down)
      }
      let routed = Routed(world, board: world.board(conditions))
      #expect(routed.outcome(World.client(atPlace: munich)).kind == .fail)
    }
  }
}

@Suite struct `A fence holds` {
  @Test func `through every state of health, last resort, panic and retry`() {
    var generator = SeededGenerator(seed: 2026)
    let resorts: [LastResort] = [
      .failOpen, .failClosed, .lastGood, .noData, .backup(World.region("tokyo")),
      .backup(World.region("dublin")),
    ]
    for round in 0..<3000 {
      var world = World()
      world.fences = [World.fence("eu-data", tag: "eu") { $0.isInEuropeanUnion = true }]
      world.onAllDown = resorts.randomElement(using: &generator) ?? .failOpen
      world.panicThreshold = [0, 0.3, 1].randomElement(using: &generator) ?? 0
      world.policy = randomPolicy(depth: 3, using: &generator)
      var conditions: [String: EndpointCondition] = [:]
      for site in World.sites { conditions[site.name] = randomCondition(using: &generator) }
      let routed = Routed(world, board: world.board(conditions))
      let client = World.client(atPlace: munich, host: .random(in: 0..<65_536, using: &generator))
      let decision = routed.decision(client)
      let cohort = Int(decision.cohort)
      let reachable = Set(
        routed.outcome(client).regions
          + routed.set.retryOrders[routed.set.retryOrderOfCohort[cohort]])
      let inside = Set(World.sites.indices.filter { World.sites[$0].tags.contains("eu") })
      #expect(reachable.isSubset(of: inside), "round \(round) of seed 2026")
      let used = reachable.filter { conditions[World.sites[$0].name]?.standing == .removed }
      #expect(used.isEmpty, "round \(round): a region that an operator took out is used")
    }
  }

  @Test func `a fence that leaves no region is told apart`() {
    var world = World()
    world.fences = [World.fence("mars", tag: "mars") { $0.isInEuropeanUnion = true }]
    let outcome = Routed(world).outcome(World.client(atPlace: munich))
    #expect(outcome == Outcome(kind: .fail, regions: [], basis: .fencedOut))
    #expect(Routed(world).regions(atPlace: 1) == ["tokyo"])
  }
}

func randomCondition(using generator: inout SeededGenerator) -> EndpointCondition {
  EndpointCondition(
    health: [.healthy, .healthy, .degraded, .unknown, .unhealthy]
      .randomElement(using: &generator) ?? .unknown,
    override: [.auto, .auto, .auto, .up, .down, .drain].randomElement(using: &generator) ?? .auto,
    lastGood: .random(in: 0...5, using: &generator))
}

extension World {
  /// Any policy, with a fence or without.
  static func random(using generator: inout SeededGenerator) -> World {
    var world = World()
    world.policy = randomPolicy(depth: 3, using: &generator)
    if Bool.random(using: &generator) {
      world.fences = [fence("eu-data", tag: "eu") { $0.isInEuropeanUnion = true }]
    }
    return world
  }

  /// Any health of every region.
  func randomBoard(using generator: inout SeededGenerator) -> HealthBoard {
    var conditions: [String: EndpointCondition] = [:]
    for site in Self.sites { conditions[site.name] = randomCondition(using: &generator) }
    return board(conditions)
  }
}

/// Any policy over the world's regions, nested up to `depth`.
func randomPolicy(depth: Int, using generator: inout SeededGenerator) -> Policy {
  let region = Policy.region(.random(in: 0..<World.sites.count, using: &generator))
  guard depth > 0 else { return region }
  var children: [Policy] = []
  for _ in 0..<Int.random(in: 1...3, using: &generator) {
    children.append(randomPolicy(depth: depth - 1, using: &generator))
  }
  let shares = children.map {
    Policy.PolicyShare(policy: $0, weight: .random(in: 0...3, using: &generator))
  }
  switch Int.random(in: 0..<7, using: &generator) {
  case 0: return region
  case 1:
    let regions = Array(World.sites.indices.shuffled(using: &generator).prefix(4))
    return .proximity(
      Policy.Proximity(
        regions: regions, biases: regions.map { _ in .random(in: -99...99, using: &generator) },
        unknown: regions))
  case 2: return .failover(children)
  case 3: return .weighted(shares)
  case 4: return .hash(shares, key: DrawKey(bitsIPv4: 24, bitsIPv6: 56))
  case 5: return .all(children)
  default:
    var match = ClientMatch()
    match.isInEuropeanUnion = true
    return .geo([Policy.Rule(match: match, policy: children[0])], otherwise: region)
  }
}
