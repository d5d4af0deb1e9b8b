import Admitting
import Routing
import TestSupport
import Testing

/// Regions whose fullness follows from what comes to them, and the machine that only sees how full
/// they are.
private struct Filling {
  enum Measure: Sendable {
    /// Connections last so long on average, in seconds.
    case openConnections(lasting: Double)
    /// The load that is reported is as late, in seconds.
    case reportedLoad(lag: Double)

    /// What is told late is known late: while the demand rises, by as much too little.
    var greatestUse: Double { if case .reportedLoad(10) = self { 1.1 } else { 1 } }
  }

  var world: CapacityWorld
  var machine = CapacityStateMachine()
  let measure: Measure
  /// Open connections, or the load times 100, by region.
  private(set) var levels: [Double]
  /// Of ``levels``.
  private(set) var full: Double
  private(set) var now = Duration.zero
  private let demands: [[Double]]
  private let rules: [CapacityStateMachine.Rules]

  static let step = 2.0

  init(seed: UInt64, surplus: Double, measure: Measure) {
    var generator = SeededGenerator(seed: seed)
    world = CapacityWorld(regionCount: 5, using: &generator)
    self.measure = measure
    demands = world.demands
    levels = world.model.regions.map { _ in 0 }
    let rate = max(world.fenced / 2, world.total / 5) * surplus
    switch measure {
    case .openConnections(let lasting):
      full = rate * lasting
      let rule = CapacityStateMachine.Rules(
        capacity: nil, openConnections: full, spillAt: 0.9, returnAt: 0.75)
      rules = levels.map { _ in rule }
    case .reportedLoad:
      full = rate
      let rule = CapacityStateMachine.Rules(
        capacity: nil, isReporting: true, spillAt: 0.9, returnAt: 0.75)
      rules = levels.map { _ in rule }
    }
  }

  mutating func tick(factor: Double = 1) {
    now += .seconds(Self.step)
    let loads = machine.loads
    for (region, load) in loads.enumerated() {
      switch measure {
      case .openConnections(let lasting):
        let goal = load * factor * lasting
        levels[region] = goal + (levels[region] - goal) * exponential(-Self.step / lasting)
      case .reportedLoad(let lag):
        let goal = load * factor
        levels[region] = goal + (levels[region] - goal) * exponential(-Self.step / max(lag, 0.1))
      }
    }
    machine.measure(demands.map { $0.map { $0 * factor } }, now: now)
    machine.note(
      levels.map { level in
        switch measure {
        case .openConnections: .init(openConnections: level.rounded())
        case .reportedLoad: .init(reportedLoad: min(1, level / full))
        }
      }, now: now)
    adjust()
  }

  mutating func adjust() {
    machine.adjust(model: world.model, board: world.board, rules: rules, now: now)
  }

  var greatestUse: Double { (levels.max() ?? 0) / full }
}

@Suite struct `Regions that say how full they are` {
  private static let measures: [Filling.Measure] = [
    .openConnections(lasting: 0.5), .openConnections(lasting: 20),
    .openConnections(lasting: 300), .reportedLoad(lag: 0), .reportedLoad(lag: 10),
  ]

  @Test(arguments: measures, [UInt64(1), 3])
  fileprivate func `are not filled up while there is room elsewhere, and come to rest`(
    measure: Filling.Measure, seed: UInt64
  ) {
    var filling = Filling(seed: seed, surplus: 1.3, measure: measure)
    for tick in 0..<300 {
      // The demand of a morning.
      filling.tick(factor: min(1, Double(tick) / 100))
      #expect(filling.greatestUse <= measure.greatestUse, "seed \(seed), tick \(tick)")
    }
    #expect(filling.machine.openings.contains { $0 < 0.9 }, "seed \(seed)")
    #expect(filling.greatestUse <= 0.9 * 1.03, "seed \(seed)")
    let rested = filling.machine.openings
    for _ in 0..<60 {
      filling.tick()
      for (before, now) in zip(rested, filling.machine.openings) {
        #expect(abs(now - before) <= 0.2 * before, "seed \(seed)")
      }
    }
    for _ in 0..<150 { filling.tick(factor: 0.2) }
    #expect(filling.machine.openings.allSatisfy { $0 > 0.99 }, "seed \(seed)")
  }

  @Test(arguments: measures)
  fileprivate func `are not filled up in the moment in which another one is lost`(
    measure: Filling.Measure
  ) {
    var filling = Filling(seed: 2, surplus: 1.8, measure: measure)
    for tick in 0..<200 { filling.tick(factor: min(1, Double(tick) / 100)) }
    // Not one of those inside the fence, so that what is left suffices.
    filling.world.board.conditions[3].health = .unhealthy
    filling.adjust()
    for tick in 0..<100 {
      filling.tick()
      #expect(filling.greatestUse <= 1, "tick \(tick)")
    }
    #expect(filling.machine.loads[3] == 0)
  }

  @Test func `one that is nearly empty takes all that come`() {
    var gauge = RegionGauge()
    func limit() -> Double? {
      gauge.limit(atShare: 0.5, openConnections: 1000, isReporting: true)
    }
    #expect(limit() == nil)
    gauge.note(.init(openConnections: 5, reportedLoad: 0.1), load: 100, now: .seconds(1))
    #expect(limit() == nil)
    // Half of them would be half of the load.
    gauge = RegionGauge()
    gauge.note(.init(reportedLoad: 1), load: 100, now: .seconds(1))
    #expect(limit() == 50)
    // As many as end, in proportion, and what fills the room in a minute.
    gauge.note(.init(openConnections: 250), load: 100, now: .seconds(3))
    #expect(
      gauge.limit(atShare: 0.5, openConnections: 1000, isReporting: false) == 200 + 250 / 60.0)
  }

  @Test func `what is not told any more holds as it was`() {
    var gauge = RegionGauge()
    gauge.note(.init(reportedLoad: 0.8), load: 80, now: .seconds(1))
    gauge.note(.init(), load: 10, now: .seconds(3))
    gauge.note(.init(), load: 10, now: .seconds(60))
    #expect(gauge.limit(atShare: 1, openConnections: nil, isReporting: true) == 100)
    #expect(gauge.last.reportedLoad == nil)
  }

  @Test func `another configuration finds each region's figures where it stands then`() {
    var filling = Filling(seed: 1, surplus: 1.3, measure: .reportedLoad(lag: 0))
    for _ in 0..<50 { filling.tick() }
    let before = filling.machine
    var after = before
    after.adopt(origins: [4, nil, 0])
    #expect(after.openings == [before.openings[4], 1, before.openings[0]])
    #expect(after.gauges == [before.gauges[4], RegionGauge(), before.gauges[0]])
    #expect(after.demands == [] && after.loads == [])
  }
}
