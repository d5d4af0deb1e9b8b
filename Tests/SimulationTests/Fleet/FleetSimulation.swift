import Clustering
import Compiling
import Publishing
import Routing
import TestSupport
import Voting

/// Five nodes and a store of three members, second by second, while links, members, nodes,
/// endpoints and operators do what a seed says.
struct FleetSimulation {
  let seed: UInt64
  private(set) var inspector: FleetInspector
  private var world: FleetWorld
  private var nodes: [SimulatedNode]
  private let compiled: CompiledSettings
  private var generator: SeededGenerator
  private var said: [(target: Override.Target, record: SharedOverride)] = []
  /// What happened, for whoever replays it.
  private(set) var events: [String] = []
  private(set) var failures: [String] = []

  init(seed: UInt64) {
    self.seed = seed
    let compiled = FleetWorld.configurations[Int(seed % 3)]
    self.compiled = compiled
    generator = SeededGenerator(seed: seed)
    let world = FleetWorld(compiled)
    self.world = world
    nodes = FleetNetwork.nodes.map { SimulatedNode($0, compiled, second: world.second) }
    inspector = FleetInspector(compiled)
  }

  /// To the end, or to the first thing that is wrong.
  mutating func run() {
    advance(5)
    for _ in 0..<12 where failures.isEmpty {
      happen()
      advance(.random(in: 1...12, using: &generator))
    }
    guard failures.isEmpty else { return }
    world.network.heal()
    events.append("\(world.second): all is healed")
    // Leases, detection, a failover, a return, and the words that were kept back.
    advance(45, isLate: false)
    if failures.isEmpty { checkAgreement() }
  }

  private mutating func advance(_ seconds: Int, isLate mayBeLate: Bool = true) {
    for _ in 0..<seconds where failures.isEmpty {
      world.second += 1
      if world.network.hasCluster { world.store.expire(second: world.second) }
      for index in nodes.indices.shuffled(using: &generator) {
        let isLate = mayBeLate && Int.random(in: 0..<4, using: &generator) == 0
        let isCutOff = !world.network.hasStore(index)
        let epoch = nodes[index].primary?.primary.epoch ?? 0
        nodes[index].advance(&world, isLate: isLate, using: &generator)
        if isCutOff, nodes[index].primary?.primary.epoch ?? 0 != epoch {
          failures.append("second \(world.second), edge-\(index): a new epoch without the store")
        }
        inspector.inspect(nodes[index], in: world)
      }
      failures += inspector.failures
    }
  }

  private mutating func happen() {
    let node = Int.random(in: 0..<nodes.count, using: &generator)
    let region = FleetWorld.regions.randomElement(using: &generator) ?? ""
    let before = world.network
    switch Int.random(in: 0..<10, using: &generator) {
    case 0..<4:
      world.network.disturb(using: &generator)
      events.append("\(world.second): \(before) becomes \(world.network)")
    case 4:
      nodes[node] = SimulatedNode(node, compiled, second: world.second, before: nodes[node])
      events.append("\(world.second): edge-\(node) starts anew")
    case 5, 6:
      world.toggleEndpoints(using: &generator)
      events.append("\(world.second): dead are \(world.dead.sorted())")
    case 7, 8: override(region, by: node)
    default:
      nodes[node].promote(region, in: &world)
      events.append("\(world.second): edge-\(node) promotes \(region)")
    }
  }

  private mutating func override(_ region: String, by node: Int) {
    guard let target = Override.Target(region) else { return }
    let states: [OverrideState] = [.auto, .up, .drain, .down]
    let word = Override(
      target: target, state: states.randomElement(using: &generator) ?? .up, reason: "",
      author: "edge-\(node)", expiresAt: nil, setAt: Double(world.second))
    if let record = nodes[node].say(word, in: &world) { said.append((target, record)) }
    events.append("\(world.second): edge-\(node) is told \(word.state) of \(region)")
  }

  /// What must be once all links and members are there again.
  private mutating func checkAgreement() {
    let first = nodes[0]
    for node in nodes {
      let name = "edge-\(node.id)"
      if node.ledger.entries != first.ledger.entries || !node.ledger.due.isEmpty {
        failures.append("\(name) has other overrides than edge-0")
      }
      if node.primary?.primary.epoch != first.primary?.primary.epoch
        || node.primary?.primary.region != first.primary?.primary.region
        || node.primary?.isReplicated != true
      {
        failures.append("\(name) has another primary than edge-0")
      }
      if node.verdicts.isIsolated || node.verdicts.standing != .voting {
        failures.append("\(name) does not know that it is back")
      }
      for (endpoint, verdict) in node.verdicts.verdicts
      where (verdict.opinion.health == .unhealthy) != world.dead.contains(endpoint) {
        failures.append("\(name) finds \(endpoint) \(verdict.opinion.health)")
      }
    }
    for (target, record) in said
    where first.ledger.entries[target]?.record.covers(record) != true {
      failures.append("a word on \(target) was lost")
    }
  }
}
