import Places
import Routing
import TestSupport
import Testing

private let munich = 2

/// A world in which frankfurt admits a part of its clients.
private func routed(_ world: World = World(), _ admissions: Admissions) -> Routed {
  var board = world.board()
  board.admissions = admissions
  return Routed(world, board: board)
}

private func dials(_ shares: [String: Double]) -> Admissions {
  Admissions(dials: World.sites.map { shares[$0.name] ?? 1 })
}

private func openings(_ shares: [String: Double]) -> Admissions {
  Admissions(openings: World.sites.map { shares[$0.name] ?? 1 })
}

/// The region of each slot for a client in a place, over many addresses.
private func regions(_ routed: borrowing Routed, place: Int = munich) -> [Int] {
  // A key of the full length, so that every address draws for itself.
  (0..<20_000).map { routed.outcome(World.client(atPlace: place, host: $0)).regions[0] }
}

private func share(_ name: String, of regions: [Int]) -> Double {
  Double(regions.count { $0 == World.region(name) }) / Double(regions.count)
}

private var fine: World {
  var world = World()
  world.drawKey = DrawKey(bitsIPv4: 32, bitsIPv6: 128)
  return world
}

@Suite struct `A region takes the share that it admits` {
  @Test(arguments: [1.0, 0.75, 0.3, 0.05, 0.0])
  func `a dial is the share of its clients that it keeps`(dial: Double) {
    let drawn = regions(routed(fine, dials(["frankfurt": dial])))
    #expect(abs(share("frankfurt", of: drawn) - dial) < 0.015)
    if dial < 1 { #expect(share("dublin", of: drawn) > 0.9 * (1 - dial) - 0.02) }
  }

  @Test func `moving it by x moves x of the clients and nobody else`() {
    var before = regions(routed(fine, dials([:])))
    for dial in [0.9, 0.6, 0.55, 0.2, 0, 0.35, 0.8, 1] {
      let from = share("frankfurt", of: before)
      let after = regions(routed(fine, dials(["frankfurt": dial])))
      let moved = zip(before, after).count { $0 != $1 }
      let change = abs(share("frankfurt", of: after) - from)
      #expect(Double(moved) / Double(after.count) <= change + 0.002, "to \(dial)")
      before = after
    }
  }

  @Test func `a dial of 0 is no outage: with nobody else the region has its clients`() {
    var world = fine
    world.policy = .region(World.region("frankfurt"))
    let alone = routed(world, dials(["frankfurt": 0]))
    #expect(regions(alone).allSatisfy { $0 == World.region("frankfurt") })
    world.policy = .failover([.region(2), .region(3)])
    let pair = regions(routed(world, dials(["frankfurt": 0.25])))
    #expect(abs(share("frankfurt", of: pair) - 0.25) < 0.015)
    #expect(abs(share("dublin", of: pair) - 0.75) < 0.015)
  }

  @Test func `what a share does not admit goes to the other shares`() {
    var world = fine
    world.policy = .weighted(
      [2, 3, 0].map { Policy.PolicyShare(policy: .region($0), weight: 1) })
    let drawn = regions(routed(world, dials(["frankfurt": 0])))
    #expect(share("frankfurt", of: drawn) == 0)
    #expect(abs(share("dublin", of: drawn) - 0.5) < 0.015)
    #expect(abs(share("tokyo", of: drawn) - 0.5) < 0.015)
  }

  @Test func `of all, a region is in as many answers as it admits`() {
    var world = fine
    world.policy = .all([.region(2), .region(3)])
    let routed = routed(world, dials(["frankfurt": 0.5]))
    let answers = (0..<20_000).map {
      routed.outcome(World.client(atPlace: munich, host: UInt32($0))).regions
    }
    let both = answers.count { $0 == [2, 3] }
    #expect(abs(Double(both) / 20_000 - 0.5) < 0.015)
    #expect(answers.allSatisfy { $0.contains(3) })
  }

  @Test func `the lower its opening the fewer clients a loaded region has`() {
    var last = 1.0
    for opening in [1, 0.7, 0.4, 0.1, 0.01, 0.0001] {
      let drawn = share("frankfurt", of: regions(routed(fine, openings(["frankfurt": opening]))))
      #expect(drawn <= last)
      last = drawn
    }
    #expect(last < 0.01)
  }

  @Test func `a loaded neighbour takes fewer of a lost region's clients`() {
    let down = ["frankfurt": EndpointCondition(health: .unhealthy)]
    var board = fine.board(down)
    let before = share("dublin", of: regions(Routed(fine, board: board)))
    board.admissions = openings(["dublin": 0.0001])
    let after = regions(Routed(fine, board: board))
    #expect(share("dublin", of: after) < 0.2 * before)
    #expect(share("frankfurt", of: after) == 0)
  }
}

@Suite struct `A region that is held` {
  private func held(_ hold: RegionReturn.Hold) -> Admissions {
    Admissions(returns: [
      World.sites.map { site in
        site.name == "frankfurt" ? RegionReturn(hold: hold) : .complete
      }
    ])
  }

  @Test func `comes after all that are healthy and before what is unhealthy`() {
    var world = World()
    world.spreadMilliseconds = 0
    var board = world.board()
    board.admissions = held(.waitingForOperator)
    #expect(Routed(world, board: board).regions(atPlace: munich) == ["dublin"])
    let explanation = Routed(world, board: board).explanation(World.client(atPlace: munich))
    let candidate = explanation.candidates.first { $0.region == World.region("frankfurt") }
    #expect(candidate?.reason == "healthy, but held back: fail-back waits for an operator")
    var conditions: [String: EndpointCondition] = [:]
    for site in World.sites where site.name != "frankfurt" {
      conditions[site.name] = EndpointCondition(health: .unhealthy)
    }
    board = world.board(conditions)
    board.admissions = held(.flapping)
    #expect(Routed(world, board: board).regions(atPlace: munich) == ["frankfurt"])
  }

  @Test func `an endpoint that flaps is used after steady ones`() {
    let flapping = EndpointCondition(health: .healthy, isFlapping: true)
    #expect(flapping.standing == .degraded)
    #expect(
      EndpointCondition(health: .healthy, override: .up, isFlapping: true).standing == .healthy)
  }
}

@Suite struct `A change that may be near` {
  @Test func `marks the outcomes of the clients whom it concerns, and no others`() {
    let world = World()
    let board = world.board(["frankfurt": EndpointCondition(health: .healthy, isUnsettled: true)])
    let routed = Routed(world, board: board)
    #expect(routed.outcome(World.client(atPlace: munich)).isChanging)
    #expect(!routed.outcome(World.client(atPlace: 1)).isChanging)
    #expect(routed.explanation(World.client(atPlace: munich)).steps.contains(.mayChange))
  }

  @Test func `a lost region whose checks succeed again concerns the clients that it will have`() {
    let world = World()
    let board = world.board([
      "frankfurt": EndpointCondition(health: .unhealthy, isUnsettled: true)
    ])
    let routed = Routed(world, board: board)
    #expect(routed.outcome(World.client(atPlace: munich)).isChanging)
    #expect(!routed.outcome(World.client(atPlace: 1)).isChanging)
  }
}

@Suite struct `All clients in the scope get the same, whatever is admitted` {
  @Test func `for random policies, fences, health and admissions`() {
    var generator = SeededGenerator(seed: 1998)
    for round in 0..<800 {
      let world = World.random(using: &generator)
      var board = world.randomBoard(using: &generator)
      board.admissions = randomAdmissions(using: &generator)
      let routed = Routed(world, board: board)
      for _ in 0..<20 {
        let address = UInt32(10 << 24) | .random(in: 0..<8 << 16, using: &generator)
        let own = routed.decision(ClientAddress(ipv4: address))
        let size = own.scopeBits == 32 ? 0 : ~UInt32(0) >> UInt32(own.scopeBits)
        let neighbour = (address & ~size) | .random(in: 0...size, using: &generator)
        let other = routed.decision(ClientAddress(ipv4: neighbour))
        #expect(
          own.outcome == other.outcome && own.scopeBits == other.scopeBits,
          "round \(round) of seed 1998: \(IPAddress.ipv4(address)), \(IPAddress.ipv4(neighbour))")
        checkOutcome(routed, ClientAddress(ipv4: address), world: world, round: round)
      }
    }
  }

  /// Inside the fence, nothing that an operator took out, and nothing unhealthy while something
  /// healthy is there.
  private func checkOutcome(
    _ routed: borrowing Routed, _ client: ClientAddress, world: World, round: Int
  ) {
    let outcome = routed.outcome(client)
    let cohort = routed.model.maps[0].cohorts[Int(routed.decision(client).cohort)]
    let standings = cohort.regions.map {
      routed.model.healthStanding(ofRegion: $0, inPool: 0, on: routed.board).standing
    }
    for region in outcome.regions {
      #expect(cohort.regions.contains(region), "round \(round)")
      let standing = routed.model.healthStanding(
        ofRegion: region, inPool: 0, on: routed.board
      ).standing
      #expect(standing != .removed, "round \(round)")
      if standings.contains(.healthy) { #expect(standing <= .degraded, "round \(round)") }
    }
    let isServed = standings.contains { $0 <= .unknown }
    if isServed { #expect(outcome.kind == .serve && !outcome.regions.isEmpty, "round \(round)") }
  }
}

private func randomAdmissions(using generator: inout SeededGenerator) -> Admissions {
  func share(_ generator: inout SeededGenerator) -> Double {
    [1, 1, 0, 0.001, 0.5, .random(in: 0...1, using: &generator)]
      .randomElement(using: &generator) ?? 1
  }
  let holds: [RegionReturn.Hold?] = [nil, nil, nil, .holdDown, .flapping]
  return Admissions(
    dials: World.sites.map { _ in share(&generator) },
    returns: [
      World.sites.map { _ in
        RegionReturn(
          hold: holds.randomElement(using: &generator) ?? nil, ramp: share(&generator))
      }
    ],
    openings: World.sites.map { _ in max(1e-9, share(&generator)) })
}
