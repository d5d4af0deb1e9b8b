import Admitting
import Routing
import TestSupport
import Testing

/// Capacities that are random, and in all this much more than the demand.
private func capacities(
  _ world: CapacityWorld, surplus: Double, using generator: inout SeededGenerator
) -> [Double] {
  let parts = world.model.regions.map { _ in Double.random(in: 0.2...1, using: &generator) }
  // The regions inside the fence alone must hold the fenced clients.
  let inside = parts[0] + parts[1]
  let total = parts.reduce(0, +)
  let scale = surplus * max(world.total / total, world.fenced / inside)
  return parts.map { $0 * scale }
}

@Suite struct `Loads and capacities` {
  @Test(arguments: [1.05, 1.3, 3.0])
  func `none is above its capacity while they suffice, even with regions lost`(surplus: Double) {
    var generator = SeededGenerator(seed: 44)
    for round in 0..<60 {
      var world = CapacityWorld(
        regionCount: .random(in: 3...8, using: &generator), using: &generator)
      if Bool.random(using: &generator) {
        world.board.conditions[2].health = .unhealthy
        // What is lost is no capacity.
      }
      var capacities = capacities(world, surplus: surplus, using: &generator)
      if world.board.conditions[2].health == .unhealthy {
        let lost = capacities[2]
        let left = capacities.reduce(0, +) - lost
        capacities = capacities.map { $0 * (left + lost) / left }
      }
      let allocator = world.allocator
      let openings = allocator.openings(targets: capacities)
      let loads = allocator.loads(openings: openings)
      for (region, load) in loads.enumerated() where load > 0 {
        #expect(
          load <= capacities[region] * 1.005,
          "round \(round) of seed 44: \(load) of \(capacities[region])")
      }
      #expect(abs(loads.reduce(0, +) - world.total) < 1e-6 * world.total)
      // Nobody is turned away from a region that has room.
      for region in loads.indices where loads[region] < 0.98 * capacities[region] {
        #expect(openings[region] > 0.999, "round \(round) of seed 44, region \(region)")
      }
    }
  }

  @Test func `without declared capacities nothing moves`() {
    var generator = SeededGenerator(seed: 45)
    let world = CapacityWorld(regionCount: 5, using: &generator)
    let openings = world.allocator.openings(targets: [nil, nil, nil, nil, nil])
    #expect(openings == [1, 1, 1, 1, 1])
  }

  @Test func `fenced clients keep their places before those who may go elsewhere`() {
    var generator = SeededGenerator(seed: 46)
    for round in 0..<40 {
      let world = CapacityWorld(regionCount: 5, using: &generator)
      guard world.fenced > 0 else { continue }
      // Inside there is room for the fenced clients and next to nobody else.
      let inside = world.fenced * 1.02
      let targets: [Double?] = [inside / 2, inside / 2, nil, nil, nil]
      let allocator = world.allocator
      let loads = allocator.loads(openings: allocator.openings(targets: targets))
      #expect(loads[0] + loads[1] <= inside * 1.005, "round \(round) of seed 46")
      #expect(loads[0] + loads[1] >= world.fenced * 0.999, "round \(round) of seed 46")
    }
  }

  @Test func `more demand never opens a region, and less never closes one`() {
    var generator = SeededGenerator(seed: 47)
    for round in 0..<40 {
      var world = CapacityWorld(regionCount: 5, using: &generator)
      let targets = capacities(world, surplus: 1.2, using: &generator).map { Optional($0) }
      var last = [Double](repeating: 1, count: 5)
      let demands = world.demands
      for factor in [0.3, 0.6, 0.8, 1, 1.1] {
        world.demands = demands.map { $0.map { $0 * factor } }
        let openings = world.allocator.openings(targets: targets)
        for region in openings.indices {
          #expect(
            openings[region] <= last[region] * 1.05 + 1e-6,
            "round \(round) of seed 47: \(last[region]) to \(openings[region]) at \(factor)")
        }
        last = openings
      }
    }
  }

  @Test func `where it cannot be, what is too much is shared in proportion to capacity`() {
    var generator = SeededGenerator(seed: 48)
    for round in 0..<40 {
      let world = CapacityWorld(regionCount: 4, using: &generator)
      let targets = capacities(world, surplus: 0.7, using: &generator)
      let allocator = world.allocator
      let loads = allocator.loads(openings: allocator.openings(targets: targets))
      let use = zip(loads, targets).map { $0 / $1 }
      #expect((use.max() ?? 0) < 1.9, "round \(round) of seed 48: \(use)")
    }
  }

  @Test func `the shares that are reckoned with are those that slots give`() {
    var generator = SeededGenerator(seed: 49)
    for _ in 0..<20 {
      let world = CapacityWorld(regionCount: 5, using: &generator)
      var board = world.board
      board.admissions = Admissions(
        dials: board.conditions.map { _ in .random(in: 0...1, using: &generator) },
        openings: board.conditions.map { _ in .random(in: 0.01...1, using: &generator) })
      let compiler = VerdictCompiler(model: world.model, service: 0, board: board)
      let set = compiler.compile()
      for cohort in world.model.maps[0].cohorts.indices {
        let verdict = set.verdicts[cohort]
        var counted = [Double](repeating: 0, count: 5)
        for slot in 0..<SlotTable.slotCount {
          let outcome =
            verdict.isDrawn ? Int(set.slotTables[verdict.index][slot]) : verdict.index
          for region in set.outcomes[outcome].regions {
            counted[region] += 1 / Double(SlotTable.slotCount)
          }
        }
        for (share, found) in zip(compiler.regionShares(ofCohort: cohort), counted) {
          #expect(abs(share - found) < 0.005)
        }
      }
    }
  }
}
