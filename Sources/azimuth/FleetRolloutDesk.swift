import Admin
import Clustering
import Engine
import Settings

/// Rollouts for the admin API: what an operator wants, checked, and written by compare and swap.
struct FleetRolloutDesk: SharedRollouts {
  let configuration: FleetConfiguration
  let member: FleetMember
  let rollouts: FleetRollouts

  private var prefix: String { member.start.prefix }

  func report() async -> FleetReport.Rollout? { await rollouts.report }

  func begin(
    _ plan: Rollout.Plan, text: String, by word: Rollout.Word, isDry: Bool, isForced: Bool
  ) async throws(RolloutRefusal) -> LayerProposal {
    let (picture, layers, nodes) = try await listed()
    guard StoredRollout(picture, prefix: prefix) == nil else { throw .underWay }
    let present = layers.first { $0.name == plan.layer }
    let unfit = unfitness(plan, text, present, nodes)
    guard unfit.isEmpty else { throw .faults(unfit, isUnfit: true) }
    var proposal = await configuration.proposal(plan.layer, text, over: layers)
    proposal.faults += left(plan, nodes)
    guard !isDry else { return proposal }
    guard proposal.faults.isEmpty || (isForced && !proposal.isUnfit) else {
      throw .faults(proposal.faults, isUnfit: proposal.isUnfit)
    }
    let rollout = Rollout(plan, base: present?.version.revision ?? 0, by: word, nodes: nodes)
    try await commit(
      StoredRollout.beginning(rollout, text: text, over: picture, prefix: prefix))
    return proposal
  }

  func change(
    _ verb: RolloutVerb, by word: Rollout.Word, isForced: Bool
  ) async throws(RolloutRefusal) {
    let (picture, layers, nodes) = try await listed()
    guard let stored = StoredRollout(picture, prefix: prefix) else { throw .absent }
    let rollout = stored.rollout
    let layer = layers.first { $0.name == rollout.plan.layer }
    let isLayerAnother = layer?.version.revision ?? 0 != rollout.base
    let isStopped = rollout.phase == .stopped
    if isLayerAnother, verb == .resume || verb == .finish {
      throw .conflict("the layer was changed since it began: abandon it, and begin anew")
    }
    switch verb {
    case .stop:
      guard !isStopped else { throw .conflict("it is stopped already") }
      try await commit(stored.transaction(to: rollout.stopped(by: word), prefix: prefix))
    case .resume:
      guard isStopped else { throw .conflict("it is not stopped") }
      if let reason = RolloutStateMachine.unfitness(of: rollout.plan.order[0], nodes) {
        throw .conflict(reason)
      }
      try await commit(
        stored.transaction(to: rollout.resumed(by: word, nodes: nodes), prefix: prefix))
    case .abandon: try await commit(stored.abandonment(prefix: prefix))
    case .finish:
      guard !isStopped || isForced else {
        throw .conflict("it is stopped; if its text is to be the layer's: ?force=true")
      }
      try await commit(stored.finish(prefix: prefix))
    }
  }

  private func listed() async throws(RolloutRefusal) -> (
    picture: StorePicture, layers: [SharedLayer], nodes: [String: NodeWord]
  ) {
    do throws(SharedConfigurationFault) {
      // First: what is read later is not older.
      let picture = try await configuration.rollouts()
      return (picture, try await configuration.layers(), try await configuration.nodeWords())
    } catch {
      throw .store(error)
    }
  }

  private func commit(_ transaction: StoreTransaction) async throws(RolloutRefusal) {
    let outcome: StoreOutcome
    do throws(StoreFault) {
      outcome = try await member.commit(transaction)
    } catch {
      throw .store(SharedConfigurationFault(error))
    }
    guard case .committed = outcome else { throw .lost }
  }

  /// What no force mends.
  private func unfitness(
    _ plan: Rollout.Plan, _ text: String, _ present: SharedLayer?, _ nodes: [String: NodeWord]
  ) -> [Fault] {
    var faults: [Fault] = []
    if text == present?.text {
      faults.append(
        Fault(origin: Origin(file: "", path: "text"), message: "is what the layer says already"))
    }
    for region in plan.order.flatMap({ $0 }) {
      guard let reason = RolloutStateMachine.unfitness(of: [region], nodes) else { continue }
      faults.append(
        Fault(
          origin: Origin(file: "", path: "order"), message: reason,
          suggestion: "azimuth fleet status says how its nodes stand"))
    }
    return faults
  }

  /// Whoever reads the layer and is in no step would have the text at the end, and never bake it.
  private func left(_ plan: Rollout.Plan, _ nodes: [String: NodeWord]) -> [Fault] {
    let regions = plan.order.flatMap { $0 }
    let left = nodes.filter { id, word in
      !(word.region.map(regions.contains) ?? false)
        && LayerReader(region: word.region, zone: word.zone, node: id).names.contains(plan.layer)
    }
    guard !left.isEmpty else { return [] }
    let names = Set(left.values.map { $0.region ?? "no region" }).sorted()
    return [
      Fault(
        origin: Origin(file: "", path: "order"),
        message:
          "leaves out \(names.joined(separator: ", ")): nodes there would take it at the end",
        suggestion: "name every region whose nodes read the layer")
    ]
  }
}
