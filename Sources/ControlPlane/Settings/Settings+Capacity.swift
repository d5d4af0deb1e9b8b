extension Settings {
  /// How much a region can take, by at least one measure.
  package struct Capacity: Sendable, Equatable {
    /// New connections a second, above 0.
    package var connectionsPerSecond: Double?
    /// Connections that the proxy may have open to it, above 0.
    package var openConnections: Double?
    package var reportedLoad: ReportedLoad?
    /// The share beyond which clients go elsewhere, above 0 and at most 1.
    package var spillAt = 0.9
    /// Below ``spillAt``: the share up to which clients come back.
    package var returnAt = 0.75
  }

  /// How full a region says that it is.
  package struct ReportedLoad: Sendable, Equatable {
    /// What answers a number.
    package var url: String
    /// The number with which the region is full, above 0.
    package var full = 100.0
    package var interval = Duration.seconds(5)
    package var timeout = Duration.seconds(2)

    /// A figure that is older counts for nothing: two questions in a row went without one.
    package var maximumAge: Duration { interval * 2 + timeout + .seconds(1) }
  }
}
