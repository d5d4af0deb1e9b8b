extension Settings.Policy {
  /// What a policy of type `primary` says: one region has all clients until it fails.
  package struct Primary: Sendable, Equatable {
    package enum Failback: Sendable, Equatable { case auto, gradual, manual }
    /// What a node of a fleet does when the primary fails while the store does not answer.
    package enum OnStoreLoss: Sendable, Equatable {
      /// Nothing: data are worth more than an answer.
      case hold
      /// It chooses for itself: an answer is worth more than data.
      case localPromote
    }

    /// Indices into ``Settings/regions``, most wanted first; at least two.
    package var order: [Int]
    /// How long the primary is down before another takes over.
    package var failHold = Duration.seconds(30)
    package var failback = Failback.manual
    /// How long a region is healthy before it gets its clients back by itself.
    package var failbackAfter = Duration.seconds(300)
    /// nil: a region takes over whatever its data are like.
    package var lag: Lag?
    package var onStoreLoss = OnStoreLoss.hold

    package struct Lag: Sendable, Equatable {
      /// The data, in time, that may be lost by a change that nobody asked for.
      package var maximumLoss: Duration
      /// Of each region of the order: what answers how many seconds it is behind.
      package var urls: [Int: String]
      package var interval = Duration.seconds(5)
      package var timeout = Duration.seconds(2)

      /// A figure that is older counts for nothing: two checks in a row went without one.
      package var maximumAge: Duration { interval * 2 + timeout + .seconds(1) }
    }
  }
}

extension Settings {
  /// What the policy of a service says, if that is of type `primary`.
  package func primary(of service: Service) -> Policy.Primary? {
    if case .primary(let primary) = policies[service.policy].kind { primary } else { nil }
  }
}
