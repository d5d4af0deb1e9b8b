import Admitting
import Routing
import TestSupport
import Testing

/// A world whose demand is let rise and fall, and the machine that watches it every two seconds.
private struct Loaded {
  var world: CapacityWorld
  var machine = CapacityStateMachine()
  let rules: [CapacityStateMachine.Rules]
  private var now = Duration.zero
  private let demands: [[Double]]

  /// Every region has so much more than an even share of the whole demand.
  init(seed: UInt64, surplus: Double) {
    var generator = SeededGenerator(seed: seed)
    world = CapacityWorld(regionCount: 5, using: &generator)
    let inside = max(world.fenced / 2, world.total / 5) * surplus
    rules = (0..<5).map { _ in
      CapacityStateMachine.Rules(capacity: inside, spillAt: 0.9, returnAt: 0.75)
    }
    demands = world.demands
  }

  mutating func tick(factor: Double) {
    now += .seconds(2)
    machine.measure(demands.map { $0.map { $0 * factor } }, now: now)
    adjust()
  }

  mutating func adjust() {
    machine.adjust(model: world.model, board: world.board, rules: rules, now: now)
  }

  var greatestUse: Double {
    zip(machine.loads, rules).map { $0 / ($1.capacity ?? 1) }.max() ?? 0
  }
}

@Suite struct `Loaded regions over time` {
  @Test(arguments: UInt64(0)..<6)
  func `under a constant demand everything comes to rest, below where it spills`(seed: UInt64) {
    var loaded = Loaded(seed: seed, surplus: 1.3)
    for _ in 0..<60 { loaded.tick(factor: 1) }
    #expect(loaded.greatestUse <= 0.9 * 1.011, "seed \(seed)")
    let rested = loaded.machine.openings
    for _ in 0..<100 {
      loaded.tick(factor: 1)
      #expect(loaded.machine.openings == rested, "seed \(seed)")
    }
  }

  @Test(arguments: UInt64(0)..<6)
  func `a demand that goes a little up and down moves nobody`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var loaded = Loaded(seed: seed, surplus: 1.4)
    for _ in 0..<100 { loaded.tick(factor: .random(in: 0.97...1.03, using: &generator)) }
    var changes = 0
    for _ in 0..<200 {
      let before = loaded.machine.openings
      loaded.tick(factor: .random(in: 0.97...1.03, using: &generator))
      if loaded.machine.openings != before { changes += 1 }
    }
    #expect(changes <= 10, "seed \(seed)")
  }

  @Test func `no neighbour is above its capacity in the moment in which a region is lost`() {
    for seed in UInt64(0)..<20 {
      var loaded = Loaded(seed: seed, surplus: 1.8)
      for _ in 0..<30 { loaded.tick(factor: 1) }
      // Not one of those inside the fence, so that what is left suffices.
      loaded.world.board.conditions[3].health = .unhealthy
      loaded.adjust()
      #expect(loaded.greatestUse <= 0.9 * 1.011, "seed \(seed)")
      #expect(loaded.machine.loads[3] == 0, "seed \(seed)")
    }
  }

  @Test func `it closes at once and opens slowly`() {
    var loaded = Loaded(seed: 3, surplus: 1.3)
    for _ in 0..<30 { loaded.tick(factor: 0.2) }
    #expect(loaded.machine.openings.allSatisfy { $0 == 1 })
    for _ in 0..<30 { loaded.tick(factor: 1) }
    let closed = loaded.machine.openings.min() ?? 1
    #expect(closed < 1)
    loaded.tick(factor: 0.2)
    for _ in 0..<200 { loaded.tick(factor: 0.2) }
    #expect(loaded.machine.openings.allSatisfy { $0 > 0.999 })
  }

  @Test func `without capacities there is nothing to open`() {
    var loaded = Loaded(seed: 5, surplus: 1)
    let none = loaded.rules.map { _ in
      CapacityStateMachine.Rules(capacity: nil, spillAt: 1, returnAt: 1)
    }
    loaded.tick(factor: 1)
    loaded.machine.adjust(
      model: loaded.world.model, board: loaded.world.board, rules: none, now: .seconds(9))
    #expect(loaded.machine.openings == [] && loaded.machine.loads == [])
  }
}

@Suite struct `Demand is what was counted, a second` {
  private func sums(_ answers: [UInt64], _ connections: [UInt64]) -> DemandMeter.Sums {
    DemandMeter.Sums(answers: answers, connections: connections)
  }

  @Test func `answers by their weight, connections as they are`() {
    var meter = DemandMeter()
    func read(_ sums: DemandMeter.Sums, _ revision: UInt64, at second: Int) -> [[Double]]? {
      meter.read(
        sums, cohortCounts: [2, 1], connectionsPerAnswer: [10, 0], revision: revision,
        now: .seconds(second))
    }
    #expect(read(sums([1, 1, 1, 0], [0, 0, 0, 0]), 1, at: 10) == nil)
    #expect(
      read(sums([5, 1, 9, 0], [0, 2, 4, 0]), 1, at: 12) == [[20, 1], [2]])
    // Rows have another meaning after a reload.
    #expect(read(sums([6, 1, 9, 0], [0, 2, 4, 0]), 2, at: 14) == nil)
    #expect(read(sums([6, 3, 9, 0], [0, 2, 4, 0]), 2, at: 16) == [[0, 10], [0]])
  }

  @Test func `rows that share a cell share its count`() {
    var meter = DemandMeter()
    for (second, count) in [(0, UInt64(0)), (1, 4)] {
      let rates = meter.read(
        sums([count, 0], [0, 0]), cohortCounts: [4], connectionsPerAnswer: [1], revision: 1,
        now: .seconds(second))
      if second > 0 { #expect(rates == [[2, 0, 2, 0]]) }
    }
  }
}
