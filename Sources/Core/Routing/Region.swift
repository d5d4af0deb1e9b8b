public import Places

/// A place with coordinates that serves traffic: the unit of steering. Referred to by its index in
/// ``RoutingModel/regions``.
public struct Region: Sendable, Equatable {
  public var name: String
  /// nil only where no policy measures distance to it.
  public var point: GeoPoint?
  /// Jurisdiction tags that fences name.
  public var tags: [String]

  public init(name: String, point: GeoPoint?, tags: [String]) {
    self.name = name
    self.point = point
    self.tags = tags
  }
}

/// The latency expected where nothing was measured.
public enum LatencyPrior {
  /// Round-trip milliseconds for a great-circle distance: 10 ms + 16.5 ms per 1000 km, fitted on
  /// meshes of real hosts; optimistic on purpose, so that an untried region is tried.
  public static func roundTripMilliseconds(distanceKilometres: Double) -> Double {
    10 + 16.5 * distanceKilometres / 1000
  }
}
