extension Settings {
  /// What nodes share, and where.
  package struct Fleet: Sendable, Equatable {
    /// Of etcd.
    package struct User: Sendable, Equatable {
      package var name: String
      package var password: String
    }

    /// Of all nodes that share it.
    package var name: String
    /// etcd's members, such as `https://10.0.0.1:2379`, at least one.
    package var members: [String]
    /// Whom members are asked as; nil: they ask for no user.
    package var user: User?
    /// nil: the system's roots.
    package var roots: RootsFile?
    /// What members are shown that ask.
    package var certificate: CertificateFiles?
    /// For one question to one member.
    package var timeout = Duration.seconds(2)
    /// How long a start waits for the store before it takes what it has.
    package var startWait = Duration.seconds(5)
    /// The share of regions, endpoints, services or zones that one revision may take away.
    package var shrinkLimit = 0.5
    /// nil: each node goes by its own checks.
    package var health: Health? = Health()
    /// Nodes tell each other what they measure of round trips.
    package var sharesLatencies = true
    package var origin: Origin

    /// Whether it is the same, wherever in a file it stands.
    package func saysTheSame(as other: Fleet?) -> Bool {
      guard var other else { return false }
      other.origin = origin
      if let roots { other.roots?.origin = roots.origin }
      if let certificate {
        other.certificate?.certificateOrigin = certificate.certificateOrigin
        other.certificate?.keyOrigin = certificate.keyOrigin
      }
      return self == other
    }

    /// How nodes settle together what is healthy.
    package struct Health: Sendable, Equatable {
      /// Nodes of each region that watch an endpoint of another.
      package var observers = 3
      /// An endpoint is down where more than this share of those who watch it say so.
      package var quorum = 0.5
      /// With fewer who say anything of an endpoint, what a node itself finds counts.
      package var minimumObservers = 2
      /// How long what was settled of other regions stays when the store is lost.
      package var staleHold = Duration.seconds(300)
    }
  }
}
