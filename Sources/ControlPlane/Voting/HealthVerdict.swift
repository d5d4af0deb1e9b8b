package import Routing

/// How votes are counted.
package struct VotingRules: Sendable, Equatable {
  /// An endpoint is down where more than this share of those who watch it say so.
  package var quorum: Double
  /// With fewer who say anything of an endpoint, what the node itself has found counts.
  package var minimumObservers: Int
  /// How long what was settled of other regions stays when the store is lost.
  package var staleHold: Duration

  package init(
    quorum: Double = 0.5, minimumObservers: Int = 2, staleHold: Duration = .seconds(300)
  ) {
    self.quorum = quorum
    self.minimumObservers = minimumObservers
    self.staleHold = staleHold
  }
}

/// What some who watch an endpoint come to.
package struct Opinion: Sendable, Equatable {
  package var health: Health
  /// As `EndpointCondition/lastGood`; of one that is lost: milliseconds since 1970, the same on
  /// every node.
  package var lastGood: UInt64
  package var sharePercent: Int

  package init(health: Health, lastGood: UInt64, sharePercent: Int) {
    self.health = health
    self.lastGood = lastGood
    self.sharePercent = sharePercent
  }

  /// nil: nothing is known.
  package init?(_ observation: Observation) {
    switch observation.health {
    case .unknown: return nil
    case .healthy, .degraded: lastGood = .max
    case .unhealthy: lastGood = observation.wasGood ? observation.since : 0
    }
    health = observation.health
    sharePercent = observation.sharePercent
  }

  /// Down where more than the quorum say so; else healthy where half find it so, degraded where
  /// not. Their order does not matter.
  ///
  /// - Returns: nil: there are none.
  package static func majority(of opinions: [Opinion], quorum: Double) -> Opinion? {
    guard !opinions.isEmpty else { return nil }
    let down = opinions.filter { $0.health == .unhealthy }
    let isDown = Double(down.count) > quorum * Double(opinions.count)
    let counted = isDown ? down : opinions.filter { $0.health != .unhealthy }
    let shares = (counted.isEmpty ? opinions : counted).map(\.sharePercent).sorted()
    let share = shares[(shares.count - 1) / 2]
    guard !isDown else {
      // Whoever found it good last knows best when it was.
      let lastGood = down.map(\.lastGood).max() ?? 0
      return Opinion(health: .unhealthy, lastGood: lastGood, sharePercent: share)
    }
    let healthy = opinions.count { $0.health == .healthy }
    return Opinion(
      health: healthy * 2 >= opinions.count ? .healthy : .degraded, lastGood: .max,
      sharePercent: share)
  }
}

/// One node's word on one endpoint.
package struct Vote: Sendable, Equatable {
  package var region: String
  /// See ``HealthReport/isIsolated``.
  package var isIsolated: Bool
  package var opinion: Opinion

  package init(region: String, isIsolated: Bool = false, opinion: Opinion) {
    self.region = region
    self.isIsolated = isIsolated
    self.opinion = opinion
  }
}

/// What counts for a node of an endpoint, and why.
package struct HealthVerdict: Sendable, Equatable {
  package enum Basis: String, Sendable, Equatable {
    /// Most of those who watch it from the node's own region: what its clients would meet.
    case ownRegion = "own_region"
    /// Nobody of the node's region says anything that counts, or one alone that no other region
    /// agrees with: most of the regions.
    case regions
    /// What the node itself has found: too few others watch it, or the store is lost for long.
    case local
    /// What was settled before: the store is lost, or nobody says anything.
    case kept
  }

  package var opinion: Opinion
  package var basis: Basis
  /// Of so many whose word counted…
  package var voices: Int
  /// …so many said that it is down.
  package var voicesDown: Int

  package init(opinion: Opinion, basis: Basis, voices: Int = 0, voicesDown: Int = 0) {
    self.opinion = opinion
    self.basis = basis
    self.voices = voices
    self.voicesDown = voicesDown
  }

  init(_ opinion: Opinion, _ basis: Basis, of counted: [Opinion]) {
    self.init(
      opinion: opinion, basis: basis, voices: counted.count,
      voicesDown: counted.count { $0.health == .unhealthy })
  }

  /// Counts the votes on an endpoint, the node's own among them.
  ///
  /// - Parameters:
  ///   - home: the region of the endpoint.
  ///   - region: of the node.
  ///   - local: what the node itself has found, if it may go by that.
  /// - Returns: nil: nobody says anything.
  package static func counting(
    _ votes: [Vote], home: String, region: String, local: Opinion?, rules: VotingRules
  ) -> HealthVerdict? {
    // What an isolated node finds in its own region is good for its own region.
    let counted = votes.filter { !$0.isIsolated || home == region && $0.region == region }
    if counted.count < rules.minimumObservers {
      if let local { return HealthVerdict(local, .local, of: [local]) }
      let opinions = counted.map(\.opinion)
      return Opinion.majority(of: opinions, quorum: rules.quorum)
        .map { HealthVerdict($0, .regions, of: opinions) }
    }
    let own = counted.filter { $0.region == region }.map(\.opinion)
    let regional = regionalOpinions(of: counted, quorum: rules.quorum)
    if let opinion = Opinion.majority(of: own, quorum: rules.quorum) {
      // That it answers cannot be by mistake; that it does not may be the fault of a single node.
      let isSure =
        opinion.health != .unhealthy || home == region || own.count >= rules.minimumObservers
      let agreeing = regional.count { $0.health == .unhealthy }
      if isSure || agreeing * 2 >= regional.count {
        return HealthVerdict(opinion, .ownRegion, of: own)
      }
    }
    return Opinion.majority(of: regional, quorum: rules.quorum)
      .map { HealthVerdict($0, .regions, of: regional) }
  }

  /// Of each region one, so that a large one is not louder than a small one.
  package static func regionalOpinions(of votes: [Vote], quorum: Double) -> [Opinion] {
    Dictionary(grouping: votes, by: \.region).values
      .compactMap { Opinion.majority(of: $0.map(\.opinion), quorum: quorum) }
  }
}
