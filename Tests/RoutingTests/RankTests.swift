import Places
import Routing
import Testing

/// Why clients of a place get what they get, over many of them.
private func reasons(
  _ world: World, _ board: HealthBoard, place: Int = 2
) -> [String: Set<String>] {
  let routed = Routed(world, board: board)
  return (0..<UInt32(2_000)).reduce(into: [:]) { found, host in
    let outcome = routed.outcome(World.client(atPlace: place, host: host))
    let region = outcome.regions.first.map { World.sites[$0].name } ?? "none"
    found[region, default: []].insert(outcome.reason)
  }
}

extension World {
  fileprivate func board(unhealthy: [String]) -> HealthBoard {
    board(
      Dictionary(
        uniqueKeysWithValues: unhealthy.map { ($0, EndpointCondition(health: .unhealthy)) }))
  }
}

@Suite struct `The reason of an outcome` {
  private var drawing: World {
    var world = World()
    world.drawKey = DrawKey(bitsIPv4: 32, bitsIPv6: 128)
    return world
  }

  @Test func `is preferred while the first choice is up`() {
    let world = drawing
    #expect(reasons(world, world.board()) == ["frankfurt": ["preferred"]])
  }

  @Test func `is failover for all whose first choice is lost, and for nobody else`() {
    let world = drawing
    let found = reasons(world, world.board(unhealthy: ["frankfurt"]))
    #expect(found["dublin"] == ["failover"] && found["frankfurt"] == nil)
    let others = reasons(world, world.board(unhealthy: ["frankfurt"]), place: 1)
    #expect(others == ["tokyo": ["preferred"]])
  }

  @Test func `is spill-over for those whom the first choice does not admit`() {
    let world = drawing
    var board = world.board()
    board.admissions = Admissions(dials: World.sites.map { $0.name == "frankfurt" ? 0.5 : 1 })
    let found = reasons(world, board)
    #expect(found["frankfurt"] == ["preferred"] && found["dublin"] == ["spill_over"])
  }

  @Test func `follows the order of a failover policy`() {
    var world = drawing
    world.policy = .failover([.region(2), .region(3), .region(0)])
    #expect(reasons(world, world.board()) == ["frankfurt": ["preferred"]])
    #expect(
      reasons(world, world.board(unhealthy: ["frankfurt", "dublin"])) == ["tokyo": ["failover"]])
    var board = world.board(unhealthy: ["frankfurt"])
    board.admissions = Admissions(dials: World.sites.map { $0.name == "dublin" ? 0.5 : 1 })
    #expect(
      reasons(world, board) == ["dublin": ["failover"], "tokyo": ["failover"]])
  }

  @Test func `of a share is preferred, unless it was another's`() {
    var world = drawing
    world.policy = .weighted(
      [2, 3].map { Policy.PolicyShare(policy: .region($0), weight: 1) })
    #expect(
      reasons(world, world.board()) == ["frankfurt": ["preferred"], "dublin": ["preferred"]])
    #expect(
      reasons(world, world.board(unhealthy: ["frankfurt"])) == [
        "dublin": ["preferred", "failover"]
      ])
  }

  @Test func `is the basis where health did not decide`() {
    var world = drawing
    world.onAllDown = .failClosed
    let down = world.board(unhealthy: World.sites.map(\.name))
    #expect(reasons(world, down) == ["none": ["last_resort"]])
    world.panicThreshold = 0.9
    #expect(
      reasons(world, world.board(unhealthy: ["tokyo"])).values.allSatisfy { $0 == ["panic"] })
  }
}
