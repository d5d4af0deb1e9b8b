import Routing

/// Whether a node is cut off, rather than what it watches broken.
enum Isolation {
  /// Of fewer endpoints in other regions nothing can be concluded.
  static let fewestEndpoints = 2
  /// They must be in so many regions, if there are: from one alone it may be the way there.
  static let fewestRegions = 2
  /// The share of them that must fail.
  static let nearlyAll = 0.9

  /// - Parameters:
  ///   - own: what the node has found.
  ///   - others: what the other nodes say.
  ///   - homes: the region of each endpoint.
  ///   - isConnected: to the fleet's store.
  static func isCutOff(
    _ own: HealthReport, others: some Collection<HealthReport>, homes: [String: String],
    isConnected: Bool, rules: VotingRules
  ) -> Bool {
    let remote = own.observations.filter { id, observation in
      observation.health != .unknown && homes[id].map { $0 != own.region } ?? false
    }
    let failing = remote.filter { $0.value.health == .unhealthy }.keys
    let elsewhere = Set(homes.values).subtracting([own.region])
    let tried = Set(remote.keys.compactMap { homes[$0] })
    guard remote.count >= fewestEndpoints, tried.count >= min(fewestRegions, elsewhere.count),
      Double(failing.count) >= nearlyAll * Double(remote.count)
    else { return false }
    guard isConnected else { return true }
    let well = failing.count { id in
      // The endpoint's own region is no witness: were it lost whole, its last words would still be
      // that it is well.
      let witnesses = others.compactMap { report -> Vote? in
        guard !report.isIsolated, report.region != homes[id] else { return nil }
        return report.observations[id].flatMap(Opinion.init)
          .map { Vote(region: report.region, opinion: $0) }
      }
      let opinions = HealthVerdict.regionalOpinions(of: witnesses, quorum: rules.quorum)
      let together = Opinion.majority(of: opinions, quorum: rules.quorum)
      return together.map { $0.health != .unhealthy } ?? false
    }
    return well * 2 > failing.count
  }
}
