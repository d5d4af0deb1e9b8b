extension Settings {
  /// What nodes share, and where.
  package struct Fleet: Sendable, Equatable {
    /// Of all nodes that share it.
    package var name: String
    /// etcd's members, such as `https://10.0.0.1:2379`, at least one.
    package var members: [String]
    package var user: String?
    package var password: String?
    /// PEM files, absolute; nil: the system's roots, no certificate.
    package var roots: String?
    package var certificate: String?
    package var key: String?
    /// For one question to one member.
    package var timeout = Duration.seconds(2)
    /// How long a start waits for the store before it takes what it has.
    package var startWait = Duration.seconds(5)
    /// The share of regions, endpoints, services or zones that one revision may take away.
    package var shrinkLimit = 0.5
    package var origin: Origin
  }
}
