import Routing

/// Settles what counts for a node of each endpoint, as reports come and the store comes and goes.
///
///     never connected    what the node itself finds
///     connected          the votes (``HealthVerdict``)
///     store lost         its own region as it finds it, the others as they were settled last
///      … for long        what the node itself finds; what it does not watch, as it was
///
/// Nothing becomes unknown by it, so that no loss of nodes, regions or the store empties a board.
package struct VerdictKeeper: Sendable {
  /// What there is to judge by at one moment.
  package struct Evidence: Sendable {
    package var own: HealthReport
    /// Of the other nodes that live, by their ids.
    package var others: [String: HealthReport]
    /// The region of each endpoint that is to be judged, by id.
    package var homes: [String: String]
    /// Of these only what the node itself finds counts: nobody checks them, so that the others
    /// know nothing.
    package var unchecked: Set<String>
    /// To the fleet's store.
    package var isConnected: Bool

    package init(
      own: HealthReport, others: [String: HealthReport], homes: [String: String],
      unchecked: Set<String> = [], isConnected: Bool
    ) {
      self.own = own
      self.others = others
      self.homes = homes
      self.unchecked = unchecked
      self.isConnected = isConnected
    }
  }

  /// How the node stands to the fleet's votes.
  package enum Standing: String, Sendable, Equatable {
    case alone, voting, frozen
    case cutOff = "cut_off"
  }

  package let rules: VotingRules
  /// By the id of the endpoint; those of which nothing is known are left out.
  package private(set) var verdicts: [String: HealthVerdict] = [:]
  package private(set) var isIsolated = false
  package private(set) var standing = Standing.alone
  /// When the store was lost.
  private var lostAt: Duration?

  package init(_ rules: VotingRules) { self.rules = rules }

  package mutating func settle(_ evidence: Evidence, now: Duration) {
    stand(evidence.isConnected, now: now)
    // By itself a node has nobody to compare with.
    isIsolated =
      standing == .voting || standing == .frozen
      ? Isolation.isCutOff(
        evidence.own, others: evidence.others.values, homes: evidence.homes,
        isConnected: evidence.isConnected, rules: rules) : false
    var next: [String: HealthVerdict] = [:]
    for (id, home) in evidence.homes {
      next[id] = verdict(on: id, home: home, evidence) ?? kept(id)
    }
    verdicts = next
  }

  private mutating func stand(_ isConnected: Bool, now: Duration) {
    if isConnected {
      lostAt = nil
      standing = .voting
    } else if standing != .alone {
      let since = lostAt ?? now
      lostAt = since
      standing = now - since < rules.staleHold ? .frozen : .cutOff
    }
  }

  private func kept(_ id: String) -> HealthVerdict? {
    verdicts[id].map { HealthVerdict(opinion: $0.opinion, basis: .kept) }
  }

  private func verdict(on id: String, home: String, _ evidence: Evidence) -> HealthVerdict? {
    let found = evidence.own.observations[id].flatMap(Opinion.init)
    let local = found.map { HealthVerdict($0, .local, of: [$0]) }
    if evidence.unchecked.contains(id) { return local }
    switch standing {
    case .alone, .cutOff: return local
    case .frozen: return home == evidence.own.region ? local : kept(id) ?? local
    case .voting: break
    }
    let own = found.map {
      Vote(region: evidence.own.region, isIsolated: isIsolated, opinion: $0)
    }
    let others = evidence.others.values.compactMap { report in
      report.observations[id].flatMap(Opinion.init).map {
        Vote(region: report.region, isIsolated: report.isIsolated, opinion: $0)
      }
    }
    let isHome = home == evidence.own.region
    return HealthVerdict.counting(
      (own.map { [$0] } ?? []) + others, home: home, region: evidence.own.region,
      local: isIsolated && !isHome ? nil : found, rules: rules)
      // The first word on an endpoint, of a node that is cut off, is better than none.
      ?? (verdicts[id] == nil ? local : nil)
  }
}
