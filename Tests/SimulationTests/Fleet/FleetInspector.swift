import Compiling
import Places
import Publishing
import Routing
import TestSupport

/// Looks at what every node of a simulated fleet answers for what must never be.
struct FleetInspector {
  private(set) var failures: [String] = []
  private(set) var boardCount = 0
  private let compiled: CompiledSettings
  /// By node: what it served last.
  private var boards: [HealthBoard?]
  /// By epoch, of what any node served with the fleet's word, or the store has.
  private var regionOfEpoch: [UInt64: String] = [:]

  init(_ compiled: CompiledSettings) {
    self.compiled = compiled
    boards = FleetNetwork.nodes.map { _ in nil }
  }

  var epochCount: Int { regionOfEpoch.count }

  private mutating func fail(_ text: String, _ node: SimulatedNode, _ world: FleetWorld) {
    failures.append("second \(world.second), edge-\(node.id): \(text)")
  }

  mutating func inspect(_ node: SimulatedNode, in world: FleetWorld) {
    inspectPrimary(node, in: world)
    guard node.board != boards[node.id] else { return }
    boards[node.id] = node.board
    boardCount += 1
    let model = compiled.model
    for service in model.services.indices {
      let set = VerdictCompiler(model: model, service: service, board: node.board)
        .compile(reusing: nil)
      let table = SteeringTable(
        maps: compiled.maps, services: [model.services[service]], sets: [set])
      for place in Landscape.places {
        var silent = SilentTrace()
        let client = ClientAddress(ipv4: place.prefix | 7)
        let decision = table.route(client, to: 0, trace: &silent)
        let retries = set.retryOrders[set.retryOrderOfCohort[Int(decision.cohort)]]
        let answer = set.outcomes[decision.outcome].regions
        let what = "\(model.services[service].name) for \(IPAddress.ipv4(place.prefix))"
        check(answer, retries, what, place.isFenced, service, node, world)
      }
    }
  }

  private mutating func check(
    _ answer: [Int], _ retries: [Int], _ what: String, _ isFenced: Bool, _ service: Int,
    _ node: SimulatedNode, _ world: FleetWorld
  ) {
    let model = compiled.model
    var permitted = model.regions.indices.filter {
      !isFenced || Landscape.fencedIn.contains(model.regions[$0].name)
    }
    if let outside = (answer + retries).first(where: { !permitted.contains($0) }) {
      fail("\(what) leaves its fence for \(model.regions[outside].name)", node, world)
    }
    if model.services[service].primaryOrder != nil {
      let report = node.keeper.primaryReports.first
      let used = [report?.region, report?.former].compactMap(\.self)
      permitted.removeAll { !used.contains(model.regions[$0].name) }
      if let other = (answer + retries).first(where: { !used.contains(model.regions[$0].name) }) {
        fail("\(what) goes to \(model.regions[other].name), not \(used)", node, world)
      }
    }
    // Whatever is lost, only an operator leaves nobody.
    let isLeft = permitted.contains { region in
      model.standing(ofRegion: region, inPool: 0, on: node.board).standing < .removed
    }
    if isLeft, answer.isEmpty { fail("\(what) is empty", node, world) }
  }

  private mutating func inspectPrimary(_ node: SimulatedNode, in world: FleetWorld) {
    let stored = world.store.now.primary?.primary
    let own = node.primary.flatMap { $0.isReplicated ? $0.primary : nil }
    for primary in [stored, own].compactMap(\.self) where primary.epoch > 0 {
      let known = regionOfEpoch[primary.epoch] ?? primary.region
      regionOfEpoch[primary.epoch] = known
      if known != primary.region {
        fail("epoch \(primary.epoch) has \(known) and \(primary.region)", node, world)
      }
    }
  }
}
