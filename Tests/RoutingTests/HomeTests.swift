import Homes
import Places
import Routing
import TestSupport
import Testing

private let unhealthy = EndpointCondition(health: .unhealthy)
private let removed = EndpointCondition(health: .healthy, override: .down)

/// The world with a service that goes by a key; which key, each test says by its home.
private struct AtHome: ~Copyable {
  let model: RoutingModel
  let sets: [VerdictSet]
  let table: SteeringTable
  let board: HealthBoard
  let homes: [Home?]

  init(
    _ homes: [Home?], fallback: Policy? = nil, down: [String: EndpointCondition] = [:],
    change: (inout World) -> Void = { _ in }
  ) {
    var world = World()
    world.policy = .home(fallback: fallback)
    change(&world)
    var model = world.model
    let service = model.services[0]
    model.services[0].home = HomeCell(service: 0, home: nil)
    for home in homes.compactMap(\.self) {
      var cell = service
      cell.home = HomeCell(service: 0, home: home)
      model.services.append(cell)
    }
    var builder = HomeMapsBuilder(seed: 1)
    builder.beginMap()
    for (index, home) in homes.compactMap(\.self).enumerated() {
      builder.add(Self.key(of: home), rule: .exact, home: index)
    }
    model.homes = builder.finish().maps
    let uniform = Planner(
      regions: model.regions, policy: .home(fallback: nil), fences: [])
    model.maps.append(SteeringMap(planner: uniform, places: model.places))
    model.uniformMap = model.maps.count - 1
    let board = world.board(down)
    let sets = model.services.indices.map {
      VerdictCompiler(model: model, service: $0, board: board).compile()
    }
    table = SteeringTable(
      maps: CohortMaps(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) }),
      services: model.services, sets: sets, homes: model.homes, uniformMap: model.uniformMap)
    self.model = model
    self.sets = sets
    self.board = board
    self.homes = homes
  }

  static func key(of home: Home) -> String { "k\(home.region)-\(home.former ?? 99)" }

  func service(_ home: Home?) -> Int {
    let key = Array((home.map(Self.key) ?? "nobody").utf8)
    return table.cell(of: 0, key: key.span.bytes, at: 0, byteCount: key.count).service
  }

  func explanation(_ home: Home?, atPlace place: Int) -> Explanation {
    model.explain(
      World.client(atPlace: place), service: service(home), board: board, steering: table,
      sets: sets)
  }

  /// `tokyo home`, or `none no_home`.
  func outcome(_ home: Home?, atPlace place: Int) -> String {
    let explained = explanation(home, atPlace: place)
    let region = explained.outcome.regions.first.map { World.sites[$0].name } ?? "none"
    return "\(region) \(model.services[service(home)].reason(of: explained.outcome))"
  }
}

@Suite struct `A key's home` {
  private static let tokyo = Home(region: World.region("tokyo"))
  private static let moving = Home(
    region: World.region("frankfurt"), former: World.region("tokyo"))
  private static let all = Policy.latency(World.everyRegion)
  private static let listed = Policy.failover([.region(World.region("sydney"))])
  private static let munich = 2

  @Test(
    arguments: [
      (tokyo, nil, [:], "tokyo home"),
      // Nobody else has the data: what on_all_down says, here fail_open.
      (tokyo, nil, ["tokyo": unhealthy], "tokyo last_resort"),
      (tokyo, nil, ["tokyo": removed], "none last_resort"),
      (tokyo, listed, ["tokyo": unhealthy], "sydney home_down"),
      (tokyo, all, ["tokyo": unhealthy], "dublin home_down"),
      (tokyo, all, ["tokyo": removed], "dublin home_down"),
      (moving, nil, [:], "frankfurt home_moving"),
      (moving, nil, ["tokyo": unhealthy], "frankfurt home_moving"),
      (moving, nil, ["frankfurt": unhealthy], "tokyo home_moving"),
      (moving, listed, ["frankfurt": unhealthy], "tokyo home_moving"),
      (moving, listed, ["frankfurt": removed, "tokyo": removed], "sydney home_down"),
      (moving, nil, ["frankfurt": removed, "tokyo": removed], "none last_resort"),
    ] as [(Home, Policy?, [String: EndpointCondition], String)])
  func `has the clients, then where it moves from, then the fallback`(
    home: Home, fallback: Policy?, down: [String: EndpointCondition], wanted: String
  ) {
    var down = down
    if fallback == Self.all { down["frankfurt"] = unhealthy }
    let world = AtHome([home], fallback: fallback, down: down) { $0.spreadMilliseconds = 0 }
    #expect(world.outcome(home, atPlace: Self.munich) == wanted)
  }

  @Test(arguments: [LastResort.failOpen, .lastGood, .backup(0)], [nil, all])
  func `that is not known is nowhere, whatever stands in for others`(
    resort: LastResort, fallback: Policy?
  ) {
    let world = AtHome([Self.tokyo], fallback: fallback) {
      $0.onAllDown = resort
      $0.fences = [World.european(.fixed([2]))]
      $0.panicThreshold = 1
    }
    for place in 0..<7 { #expect(world.outcome(nil, atPlace: place) == "none no_home") }
    #expect(world.explanation(nil, atPlace: 2).decision.scopeBits == 0)
  }

  @Test func `is the same for all clients, so that the scope is 0; a fallback has scopes`() {
    let up = AtHome([Self.tokyo, Self.moving], fallback: Self.all)
    for place in 0..<7 {
      #expect(up.explanation(Self.tokyo, atPlace: place).decision.scopeBits == 0)
      #expect(up.explanation(Self.moving, atPlace: place).decision.scopeBits == 0)
    }
    let down = AtHome([Self.tokyo], fallback: Self.all, down: ["tokyo": unhealthy])
    #expect(down.explanation(Self.tokyo, atPlace: Self.munich).decision.scopeBits > 0)
  }

  @Test func `stays where it is when an override prefix prefers another region`() {
    let world = AtHome([Self.moving]) { world in
      world.overrides = [["tokyo"]]
      world.places[Self.munich].override = 1
    }
    #expect(world.outcome(Self.moving, atPlace: Self.munich) == "frankfurt home_moving")
  }

  @Test func `outside a fence is not for the clients inside it, and is told`() {
    let world = AtHome([Self.tokyo, Self.moving], fallback: Self.all) {
      $0.fences = [World.european(.onAllDown)]
      $0.spreadMilliseconds = 0
    }
    #expect(world.outcome(Self.tokyo, atPlace: Self.munich) == "frankfurt home_down")
    #expect(world.outcome(Self.moving, atPlace: Self.munich) == "frankfurt home_moving")
    #expect(world.outcome(Self.tokyo, atPlace: 1) == "tokyo home")
    let steps = world.explanation(Self.tokyo, atPlace: Self.munich).steps
    #expect(steps.contains(.fencedOut(region: World.region("tokyo"), by: "eu-data")))
    let alone = AtHome([Self.tokyo]) { $0.fences = [World.european(.onAllDown)] }
    #expect(alone.outcome(Self.tokyo, atPlace: Self.munich) == "none fenced_out")
    #expect(alone.explanation(Self.tokyo, atPlace: 1).decision.scopeBits > 0)
  }

  /// Every home and move, random health, every fallback, last resort and `when_empty`.
  @Test(arguments: 0..<60 as Range<UInt64>)
  func `never leads out of a fence, nor away from a region that is up`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let regions = World.sites.indices
    let homes = regions.flatMap { region in
      [Home(region: region)]
        + regions.filter { $0 != region }.map { Home(region: region, former: $0) }
    }
    var down: [String: EndpointCondition] = [:]
    for site in World.sites where Bool.random(using: &random) {
      down[site.name] = Bool.random(using: &random) ? unhealthy : removed
    }
    let fallback = [nil, Self.all, Self.listed].randomElement(using: &random) ?? nil
    let world = AtHome(homes, fallback: fallback, down: down) { world in
      let wishes: [Fence.WhenEmpty] = [.onAllDown, .refuse, .fixed([3]), .serveUnhealthyInside]
      world.fences = [World.european(wishes.randomElement(using: &random) ?? .refuse)]
      world.onAllDown =
        [LastResort.failOpen, .lastGood, .failClosed, .backup(1)]
        .randomElement(using: &random) ?? .failOpen
      world.panicThreshold = [0, 0.5, 1].randomElement(using: &random) ?? 0
    }
    for home in homes {
      let european = world.explanation(home, atPlace: Self.munich).outcome.regions
      #expect(
        european.allSatisfy { World.sites[$0].tags.contains("eu") }, "seed \(seed), \(home)")
      // Outside of the fence.
      let chosen = world.explanation(home, atPlace: 1).outcome.regions.first
      let usable = ([home.region] + (home.former.map { [$0] } ?? []))
        .first { down[World.sites[$0].name] == nil }
      if let usable, world.model.pools[0].panicThreshold == 0 {
        #expect(chosen == usable, "seed \(seed), \(home)")
      }
    }
  }
}
