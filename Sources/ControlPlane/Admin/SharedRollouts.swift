package import Clustering
package import Settings

/// The rollout of a fleet, as operators begin and change it.
package protocol SharedRollouts: Sendable {
  /// As this node sees it; nil: there is none.
  func report() async -> FleetReport.Rollout?

  /// What a text would change and what would be wrong, and, unless that is all that is asked for,
  /// its first step.
  ///
  /// - Parameters:
  ///   - isDry: nothing is begun.
  ///   - isForced: what nodes would refuse is begun all the same.
  func begin(
    _ plan: Rollout.Plan, text: String, by word: Rollout.Word, isDry: Bool, isForced: Bool
  ) async throws(RolloutRefusal) -> LayerProposal

  /// - Parameter isForced: finishes what is stopped, too.
  func change(
    _ verb: RolloutVerb, by word: Rollout.Word, isForced: Bool
  ) async throws(RolloutRefusal)
}

/// What operators do with a rollout.
package enum RolloutVerb: String, Sendable, CaseIterable {
  /// All regions read the layer again.
  case stop
  /// What is stopped begins anew.
  case resume
  /// The layer stays as it was.
  case abandon
  /// The text becomes the layer now.
  case finish
}

/// Why a rollout was not begun or changed.
package enum RolloutRefusal: Error, Sendable, Equatable {
  /// There is one.
  case underWay
  /// There is none.
  case absent
  /// - `isUnfit`: not by force either.
  case faults([Fault], isUnfit: Bool)
  /// It does not stand so that this could be done.
  case conflict(String)
  /// Somebody else was first.
  case lost
  case store(SharedConfigurationFault)
}
