import Places
import Routing
import TestSupport
import Testing

@testable import Probing
@testable import Settings

@Suite struct CalculatedTests {
  /// h: healthy, d: degraded, x: unhealthy, u: unknown; of a, b, c and so on.
  static let tables: [(weights: [Int], need: Int, children: String, health: String)] = [
    // All.
    ([1, 1], 2, "hh", "h"), ([1, 1], 2, "hx", "x"), ([1, 1], 2, "hd", "d"),
    ([1, 1], 2, "dd", "d"), ([1, 1], 2, "hu", "u"), ([1, 1], 2, "du", "u"),
    ([1, 1], 2, "xu", "x"), ([1, 1], 2, "uu", "u"),
    // Any.
    ([1, 1], 1, "hx", "h"), ([1, 1], 1, "hu", "h"), ([1, 1], 1, "dx", "d"),
    ([1, 1], 1, "du", "u"), ([1, 1], 1, "xx", "x"), ([1, 1], 1, "xu", "u"),
    // Two of three.
    ([1, 1, 1], 2, "hhx", "h"), ([1, 1, 1], 2, "hhu", "h"), ([1, 1, 1], 2, "hdx", "d"),
    ([1, 1, 1], 2, "hxx", "x"), ([1, 1, 1], 2, "hxu", "u"), ([1, 1, 1], 2, "xxu", "x"),
    ([1, 1, 1], 2, "ddu", "d"), ([1, 1, 1], 2, "dxu", "u"),
    // Weights.
    ([3, 2, 1], 3, "hxx", "h"), ([3, 2, 1], 3, "xhh", "h"), ([3, 2, 1], 3, "xhx", "x"),
    ([3, 2, 1], 3, "xhd", "d"), ([3, 2, 1], 4, "hxd", "d"), ([3, 2, 1], 4, "hxu", "u"),
  ]

  @Test(arguments: tables.indices) func `the weights of the children decide`(row: Int) {
    let (weights, need, children, health) = Self.tables[row]
    let monitors = weights.indices.map { leaf("\($0)") }
    let calculation = Settings.Monitor.Calculation(
      children: zip(monitors, weights).map { .init(monitor: $0, weight: $1) }, need: need)
    let found = zip(monitors, children).map { monitor, letter in
      CalculatedHealth.Child(monitor: monitor.name, health: Self.health(letter))
    }
    var machine = CalculatedHealth(calculation)
    let transition = machine.settle(found, now: .seconds(7))
    #expect(machine.health == Self.health(health.first ?? "?"))
    #expect(transition?.to == (health == "u" ? nil : machine.health))
    #expect(machine.settle(found, now: .seconds(8)) == nil)
  }

  @Test func `what was known stays while children are unknown`() {
    let calculation = Settings.Monitor.Calculation(
      children: [.init(monitor: leaf("a")), .init(monitor: leaf("b"))], need: 2)
    var machine = CalculatedHealth(calculation, health: .healthy)
    #expect(machine.settle([.init(monitor: "a", health: .healthy)], now: .zero) == nil)
    #expect(machine.health == .healthy)
    let found: [CalculatedHealth.Child] = [
      .init(monitor: "a", health: .healthy),
      .init(monitor: "b", health: .unhealthy, cause: "status 503"),
    ]
    #expect(
      machine.settle(found, now: .zero)
        == HealthTransition(
          from: .healthy, to: .unhealthy,
          cause: "1 of 2 healthy, 2 needed: b unhealthy (status 503)", at: .zero))
  }

  @Test func `nested ones count as one child`() {
    let either = calculated("either", [leaf("b"), leaf("c")], need: 1)
    let calculation = Settings.Monitor.Calculation(
      children: [.init(monitor: leaf("a")), .init(monitor: either)], need: 2)
    func health(_ healths: String) -> Health {
      let found = zip(["a", "b", "c"], healths).map { name, letter in
        (name, CalculatedHealth.Child(monitor: name, health: Self.health(letter)))
      }
      return CalculatedHealth.health(
        of: calculation, Dictionary(uniqueKeysWithValues: found))
    }
    #expect(health("hhx") == .healthy)
    #expect(health("hxh") == .healthy)
    #expect(health("hxx") == .unhealthy)
    #expect(health("xhh") == .unhealthy)
    #expect(health("hdx") == .degraded)
    #expect(health("hux") == .unknown)
  }

  @Test func `each child is probed by its own monitor, and the endpoint follows at once`() {
    var web = leaf("web")
    web.interval = .seconds(4)
    var agent = leaf("agent")
    agent.kind = .agent(.init())
    agent.port = 99
    agent.rise = 1
    agent.fall = 1
    let monitor = calculated("all", [web, agent], need: 2)
    var simulation = Simulation(
      targets: [target("e", monitor: monitor, port: 80)], maximumConcurrent: 8, jitter: 0, seed: 1)
    var ports: [String: Set<UInt16>] = [:]
    var down = AgentWords()
    down.operation = .down
    var half = AgentWords()
    half.operation = .up
    half.sharePercent = 50
    simulation.run(until: .seconds(60)) { start, now in
      ports[start.target.monitor?.name ?? "", default: []].insert(start.target.address.port)
      guard start.target.monitor?.name == "agent" else { return .success }
      return now > .seconds(40) ? .told(half) : now > .seconds(20) ? .told(down) : .success
    }
    #expect(ports == ["web": [80], "agent": [99]])
    #expect(
      simulation.changes.map(\.transition.to) == [.healthy, .unhealthy, .healthy])
    #expect(
      simulation.changes[1].transition.cause
        == "1 of 2 healthy, 2 needed: agent unhealthy (agent says down)")
    #expect(simulation.changes[2].state.sharePercent == 50)
    #expect(Set(simulation.scheduler.states.keys) == ["e"])
    #expect(simulation.scheduler.reports.count == 1)
    #expect(simulation.scheduler.reports.first?.lastProbe?.outcome == .success)
    #expect(simulation.scheduler.counts.transitions == 3)
  }

  @Test func `failed connections count for every child but agents`() {
    var agent = leaf("agent")
    agent.kind = .agent(.init())
    agent.fall = 1
    let monitor = calculated("all", [leaf("a"), leaf("b"), agent], need: 3)
    var simulation = Simulation(
      targets: [target("e", monitor: monitor)], maximumConcurrent: 8, jitter: 0, seed: 1)
    simulation.run(until: .seconds(30)) { _, _ in .success }
    #expect(simulation.scheduler.states["e"]?.health == .healthy)
    for count in [2, 1] {
      let change = simulation.scheduler.noteConnectionFailures(
        of: "e", count: count, now: simulation.now)
      #expect(change?.transition.to == (count == 2 ? nil : .unhealthy))
    }
    let cause = simulation.scheduler.reports.first?.lastTransition?.cause ?? ""
    #expect(cause.contains("a unhealthy") && !cause.contains("agent"), "\(cause)")
  }

  @Test func `what is known of children outlives a reload that does not change them`() {
    let (a, b) = (leaf("a"), leaf("b"))
    let before = target("e", monitor: calculated("all", [a, b], need: 2))
    var simulation = Simulation(targets: [before], maximumConcurrent: 8, jitter: 0, seed: 1)
    simulation.run(until: .seconds(30)) { _, _ in .success }
    var generator = SeededGenerator(seed: 2)
    let after = target("e", monitor: calculated("all", [a, leaf("c")], need: 2))
    simulation.scheduler.replaceTargets(
      [after], maximumConcurrent: 8, jitter: 0, now: simulation.now, using: &generator)
    #expect(simulation.scheduler.states["e"]?.health == .healthy)
    var probed: [String] = []
    simulation.run(until: simulation.now + .milliseconds(10)) { start, _ in
      probed.append(start.target.monitor?.name ?? "")
      return .failure("no")
    }
    #expect(probed == ["c"])
    #expect(simulation.scheduler.states["e"]?.health == .unhealthy)
  }

  static func health(_ letter: Character) -> Health {
    ["h": .healthy, "d": .degraded, "x": .unhealthy][letter] ?? .unknown
  }

  private func leaf(_ name: String) -> Settings.Monitor {
    var monitor = tcpMonitor()
    monitor.name = name
    return monitor
  }

  private func calculated(
    _ name: String, _ children: [Settings.Monitor], need: Int
  ) -> Settings.Monitor {
    var monitor = leaf(name)
    monitor.kind = .calculated(.init(children: children.map { .init(monitor: $0) }, need: need))
    return monitor
  }
}

extension Simulation {
  /// Probes take no time.
  mutating func run(
    until end: Duration, world: (ProbeScheduler.Start, Duration) -> ProbeOutcome
  ) {
    while true {
      let (starts, changes) = scheduler.advance(now: now)
      self.changes += changes
      for start in starts {
        let change = scheduler.finish(
          start.token, outcome: world(start, now), took: .zero, now: now, using: &generator)
        if let change { self.changes.append(change) }
      }
      guard let next = scheduler.nextDue, next <= end else {
        now = end
        return
      }
      now = max(now, next)
    }
  }
}
