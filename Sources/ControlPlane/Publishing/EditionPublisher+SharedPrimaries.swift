package import Admitting

/// Primaries that the nodes of a fleet agree on.
extension EditionPublisher {
  /// What this node would have the fleet change, by service.
  package var primaryProposals: [String: SharedPrimary] { keeper.primaryProposals }

  /// The primaries as this node has them.
  package var sharedPrimaries: [String: (primary: SharedPrimary, isReplicated: Bool)] {
    keeper.sharedPrimaries
  }

  /// Takes what the fleet has decided. Epochs are on the disk before they are served.
  ///
  /// - Parameter isReachable: the fleet's store answers.
  package func follow(_ decided: [String: SharedPrimary], isReachable: Bool) {
    guard !isFrozen else { return }
    if keeper.follow(decided, isReachable: isReachable, now: moment) { publish() }
  }

  /// What an operator's word would have the fleet change. See ``makePrimary``.
  package func proposal(
    promoting region: String?, ofService service: String,
    accepting acceptance: PrimaryStateMachine.Acceptance, epoch: UInt64?
  ) throws(PrimaryRefusal) -> SharedPrimary {
    try expect(epoch, of: service)
    let proposal: SharedPrimary?
    do throws(PrimaryStateMachine.Refusal) {
      proposal = try keeper.proposal(
        promoting: region, ofService: service, accepting: acceptance)
    } catch {
      throw .refused(error)
    }
    guard let proposal else { throw .unknownService }
    return proposal
  }

  /// Whether this node may decide alone while the fleet's store does not answer.
  package func promotesAlone(_ service: String) -> Bool { keeper.promotesAlone(service) }
}
