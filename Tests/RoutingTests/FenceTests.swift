import Places
import Routing
import TestSupport
import Testing

private let munich = 2
private let eu = Set(["frankfurt", "dublin"].map(World.region))

extension World {
  /// The fence of the tests: clients in the European Union only to regions there.
  static func european(_ whenEmpty: Fence.WhenEmpty) -> Fence {
    var fence = fence("eu-data", tag: "eu") { $0.isInEuropeanUnion = true }
    fence.whenEmpty = whenEmpty
    return fence
  }

  /// Everything healthy but Frankfurt and Dublin.
  func boardWithoutEurope(_ condition: EndpointCondition) -> HealthBoard {
    board(["frankfurt": condition, "dublin": condition])
  }
}

@Suite struct `When nothing inside a fence is usable` {
  private let unhealthy = EndpointCondition(health: .unhealthy)

  private func routed(
    _ whenEmpty: Fence.WhenEmpty, condition: EndpointCondition,
    change: (inout World) -> Void = { _ in }
  ) -> Routed {
    var world = World()
    world.fences = [World.european(whenEmpty)]
    change(&world)
    return Routed(world, board: world.boardWithoutEurope(condition))
  }

  @Test(arguments: [LastResort.failOpen, .lastGood, .noData, .backup(World.region("dublin"))])
  func `refuse refuses, whatever the last resort and the panic threshold say`(
    resort: LastResort
  ) {
    let routed = routed(.refuse, condition: unhealthy) {
      $0.onAllDown = resort
      $0.panicThreshold = 1
    }
    let outcome = routed.outcome(World.client(atPlace: munich))
    #expect(outcome == Outcome(kind: .fail, regions: [], basis: .fenceEmpty))
    #expect(routed.regions(atPlace: 1) == ["tokyo"], "clients outside the fence notice nothing")
  }

  @Test func `serve_unhealthy_inside goes by the policy over the regions inside`() {
    let routed = routed(.serveUnhealthyInside, condition: unhealthy) { $0.onAllDown = .failClosed }
    #expect(routed.regions(atPlace: munich) == ["frankfurt"])
    #expect(routed.outcome(World.client(atPlace: munich)).basis == .fenceEmpty)
  }

  @Test func `static gives its first region that no operator took out`() {
    let fixed = Fence.WhenEmpty.fixed(["dublin", "frankfurt"].map(World.region))
    #expect(routed(fixed, condition: unhealthy).regions(atPlace: munich) == ["dublin"])
    var world = World()
    world.fences = [World.european(fixed)]
    let drained = EndpointCondition(health: .unhealthy, override: .drain)
    let one = Routed(world, board: world.board(["dublin": drained, "frankfurt": unhealthy]))
    #expect(one.regions(atPlace: munich) == ["frankfurt"])
    let none = Routed(world, board: world.boardWithoutEurope(drained))
    #expect(none.outcome(World.client(atPlace: munich)).kind == .fail)
  }

  @Test func `static reaches a region that the policy does not name`() {
    let routed = routed(.fixed([World.region("dublin")]), condition: unhealthy) {
      $0.policy = .failover([.region(World.region("virginia")), .region(World.region("tokyo"))])
    }
    #expect(routed.regions(atPlace: munich) == ["dublin"])
  }

  @Test(arguments: [Health.degraded, .unknown])
  func `what is degraded or unchecked is usable`(health: Health) {
    let routed = routed(.refuse, condition: EndpointCondition(health: health))
    #expect(routed.outcome(World.client(atPlace: munich)).kind == .serve)
  }

  @Test func `on_all_down leaves it to the service`() {
    let routed = routed(.onAllDown, condition: unhealthy) { $0.onAllDown = .failClosed }
    let outcome = routed.outcome(World.client(atPlace: munich))
    #expect(outcome == Outcome(kind: .fail, regions: [], basis: .lastResort))
  }

  @Test func `of several fences the strictest decides`() {
    func outcome(_ first: Fence.WhenEmpty, _ second: Fence.WhenEmpty) -> Outcome {
      routed(first, condition: unhealthy) {
        var other = World.fence("de-data", tag: "eu") {
          $0.countries = [CountryCode("DE")].compactMap(\.self)
        }
        other.whenEmpty = second
        $0.fences.append(other)
      }.outcome(World.client(atPlace: munich))
    }
    let (frankfurt, dublin) = (World.region("frankfurt"), World.region("dublin"))
    #expect(outcome(.serveUnhealthyInside, .refuse).kind == .fail)
    #expect(outcome(.fixed([frankfurt]), .refuse).kind == .fail)
    #expect(outcome(.serveUnhealthyInside, .fixed([dublin])).regions == [dublin])
    #expect(outcome(.fixed([frankfurt, dublin]), .fixed([dublin])).regions == [dublin])
    #expect(outcome(.fixed([frankfurt]), .fixed([dublin])).kind == .fail)
    #expect(outcome(.onAllDown, .serveUnhealthyInside).basis == .fenceEmpty)
  }

  @Test func `an explanation says so`() {
    let explanation = routed(.refuse, condition: unhealthy)
      .explanation(World.client(atPlace: munich))
    #expect(explanation.steps.contains(.fenceEmpty(.refuse)))
    #expect(explanation.candidates.allSatisfy { !$0.isChosen })
  }
}

@Suite struct `No outcome leaves a fence` {
  /// What the fences allow at a place, found without the planner.
  private func allowed(_ world: World, place: Place) -> Set<Int> {
    let entered = world.fences.filter { $0.clients.reason(for: place, prefixSet: []) != nil }
    return Set(World.sites.indices.filter { region in entered.allSatisfy { $0.isInside[region] } })
  }

  private func randomFence(_ number: Int, using generator: inout SeededGenerator) -> Fence {
    let tags = ["eu", "de", "us", "jp", "mars"]
    var fence = World.fence("f\(number)", tag: tags.randomElement(using: &generator) ?? "eu") {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: $0.isInEuropeanUnion = true
      case 1: $0.countries = ["DE", "JP", "US"].compactMap { CountryCode($0) }
      case 2: $0.continents = ["EU", "AS"].compactMap { ContinentCode($0) }
      default: $0.isUnknown = true
      }
    }
    let fixed = Array(World.sites.indices.shuffled(using: &generator).prefix(2))
    let wishes: [Fence.WhenEmpty] = [.onAllDown, .refuse, .fixed(fixed), .serveUnhealthyInside]
    fence.whenEmpty = wishes.randomElement(using: &generator) ?? .onAllDown
    return fence
  }

  private func randomWorld(using generator: inout SeededGenerator) -> World {
    let resorts: [LastResort] = [
      .failOpen, .failClosed, .lastGood, .noData, .backup(0), .backup(3),
    ]
    var world = World()
    world.fences = (0..<Int.random(in: 1...3, using: &generator)).map {
      randomFence($0, using: &generator)
    }
    world.onAllDown = resorts.randomElement(using: &generator) ?? .failOpen
    world.panicThreshold = [0, 0.3, 1].randomElement(using: &generator) ?? 0
    world.policy = randomPolicy(depth: 3, using: &generator)
    world.overrides = [World.sites.map(\.name).shuffled(using: &generator)]
    for index in world.places.indices where Bool.random(using: &generator) {
      world.places[index].override = 1
    }
    return world
  }

  /// Every region that any client of a cohort may come to: by any slot, by any retry.
  private func reachable(_ set: VerdictSet, cohort: Int) -> Set<Int> {
    let verdict = set.verdicts[cohort]
    let outcomes =
      verdict.isDrawn ? Set(set.slotTables[verdict.index].map { Int($0) }) : [verdict.index]
    return Set(outcomes.flatMap { set.outcomes[$0].regions })
      .union(set.retryOrders[set.retryOrderOfCohort[cohort]])
  }

  @Test func `for random policies, fences, override prefixes, last resorts and health`() {
    var generator = SeededGenerator(seed: 4242)
    for round in 0..<3000 {
      let world = randomWorld(using: &generator)
      var conditions: [String: EndpointCondition] = [:]
      for site in World.sites { conditions[site.name] = randomCondition(using: &generator) }
      let routed = Routed(world, board: world.board(conditions))
      for (index, place) in world.places.enumerated() {
        let cohort = Int(routed.model.maps[0].cohortOfPlace[index])
        let reached = reachable(routed.set, cohort: cohort)
        let allowed = allowed(world, place: place)
        #expect(reached.isSubset(of: allowed), "round \(round) of seed 4242, place \(index)")
        let removed = reached.filter { conditions[World.sites[$0].name]?.standing == .removed }
        #expect(removed.isEmpty, "round \(round) of seed 4242: taken out by an operator, and used")
      }
    }
  }
}
