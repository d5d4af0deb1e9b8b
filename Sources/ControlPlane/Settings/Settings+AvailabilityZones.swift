extension Settings {
  /// How a region's connections are shared over its availability zones.
  package enum ZoneSharing: Sendable, Equatable {
    /// The same for all zones.
    case spread
    /// The proxy takes endpoints of its own zone first.
    case preferSame
  }
}

extension Settings.Node {
  /// The availability zone that the node stands in; nil: it is not said.
  package var site: (region: Int, zone: String)? {
    guard let region, let availabilityZone else { return nil }
    return (region, availabilityZone)
  }
}
