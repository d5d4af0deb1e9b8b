package import Admitting
import Compiling
import Routing
import Settings

/// A service's primary as a fleet has it.
package struct SharedPrimary: Sendable, Equatable {
  package var region: String
  package var epoch: UInt64
  /// An operator chose it.
  package var isChosen: Bool
  /// The primary before, where clients return gradually.
  package var former: String?

  package init(region: String, epoch: UInt64, isChosen: Bool = false, former: String? = nil) {
    self.region = region
    self.epoch = epoch
    self.isChosen = isChosen
    self.former = former
  }
}

/// What is to be agreed with the fleet: this node proposes, and follows what was decided.
///
///     machine ── proposal ──▶ compare and swap in the store ──▶ follow, on every node ──▶ edition
struct SharedPrimaryDesk: Sendable {
  /// The fleet's store answers.
  var isReachable = false
  /// What this node would change, by service, as of the last board.
  var proposals: [String: PrimaryStateMachine.Proposal] = [:]
  /// Services whose primary this node has chosen alone.
  var unreplicated: Set<String> = []
}

extension PrimaryDesk {
  /// Whether a change is made at once; else it is noted as a proposal, if there is a fleet.
  mutating func decides(
    _ proposal: PrimaryStateMachine.Proposal, service: String, index: Int
  ) -> Bool {
    guard var shared else { return true }
    defer { self.shared = shared }
    let isAlone = !shared.isReachable && promotesAlone.contains(index)
    if isAlone, proposal.cause == .failure {
      shared.unreplicated.insert(service)
      return true
    }
    shared.proposals[service] = proposal
    return false
  }
}

extension BoardKeeper {
  /// From now on the fleet decides. What nobody knows has the epoch 0.
  package mutating func sharePrimaries() { primaries.shared = SharedPrimaryDesk() }

  /// What this node would have the fleet change, by service.
  package var primaryProposals: [String: SharedPrimary] {
    (primaries.shared?.proposals ?? [:]).compactMapValues { $0 }.reduce(into: [:]) {
      let (service, proposal) = $1
      guard let epoch = primaries.machines[service]?.epoch else { return }
      $0[service] = SharedPrimary(proposal, epoch: epoch + 1)
    }
  }

  /// The primaries as this node has them, of services that are active-passive now.
  package var sharedPrimaries: [String: (primary: SharedPrimary, isReplicated: Bool)] {
    primaryReports.reduce(into: [:]) { result, report in
      result[report.service] = (
        SharedPrimary(
          region: report.region, epoch: report.epoch, isChosen: report.isChosen,
          former: report.former), !report.isUnreplicated
      )
    }
  }

  /// Takes what the fleet has decided; an older epoch than the one that is known changes nothing.
  ///
  /// - Parameter isReachable: the fleet's store answers.
  /// - Returns: whether anything is other than before.
  package mutating func follow(
    _ decided: [String: SharedPrimary], isReachable: Bool, now: Duration
  ) -> Bool {
    guard let shared = primaries.shared else { return false }
    var isChanged = shared.isReachable != isReachable
    primaries.shared?.isReachable = isReachable
    for (service, primary) in decided {
      guard var machine = primaries.machines[service] else {
        primaries.machines[service] = PrimaryStateMachine(
          primary: primary.region, epoch: primary.epoch, isChosen: primary.isChosen)
        isChanged = true
        continue
      }
      let proposal = PrimaryStateMachine.Proposal(
        region: primary.region, cause: .fleet, isChosen: primary.isChosen, former: primary.former)
      if let change = machine.follow(proposal, epoch: primary.epoch, now: now) {
        primaries.machines[service] = machine
        primaries.changes.append(PrimaryChange(service: service, change: change))
        isChanged = true
      }
      let isSame = machine.primary == primary.region && machine.epoch == primary.epoch
      if isSame, primaries.shared?.unreplicated.remove(service) != nil { isChanged = true }
    }
    return isChanged
  }

  /// What an operator's word would have the fleet change; nil: there is no such service.
  ///
  /// - Parameter region: nil: the most wanted one that is up.
  package func proposal(
    promoting region: String?, ofService name: String,
    accepting acceptance: PrimaryStateMachine.Acceptance
  ) throws(PrimaryStateMachine.Refusal) -> SharedPrimary? {
    guard let index = model.services.firstIndex(where: { $0.name == name }),
      index < primaries.rules.count, let rules = primaries.rules[index],
      let machine = primaries.machines[name]
    else { return nil }
    guard let region else {
      let proposal = try machine.failback(accepting: acceptance, rules: rules)
      return SharedPrimary(proposal, epoch: machine.epoch + 1)
    }
    let proposal = try machine.promotion(of: region, accepting: acceptance, rules: rules)
    return SharedPrimary(proposal, epoch: machine.epoch + 1)
  }

  /// Whether the policy of a service lets a node decide alone while the store does not answer.
  package func promotesAlone(_ service: String) -> Bool {
    model.services.firstIndex { $0.name == service }
      .map { primaries.promotesAlone.contains($0) } ?? false
  }

  /// An operator's word was followed without the fleet.
  mutating func noteUnreplicated(_ service: String) {
    primaries.shared?.unreplicated.insert(service)
  }
}

extension SharedPrimary {
  init(_ proposal: PrimaryStateMachine.Proposal, epoch: UInt64) {
    self.init(
      region: proposal.region, epoch: epoch, isChosen: proposal.isChosen, former: proposal.former)
  }
}
