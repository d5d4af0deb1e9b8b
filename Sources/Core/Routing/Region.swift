public import Latency
public import Places

/// A place with coordinates that serves traffic: the unit of steering. Referred to by its index in
/// ``RoutingModel/regions``.
public struct Region: Sendable, Equatable {
  public var name: String
  /// nil only where no policy measures distance to it.
  public var point: GeoPoint?
  /// Jurisdiction tags that fences name.
  public var tags: [String]
  /// New connections a second that it can take; nil: as many as come.
  public var capacity: Double?

  public init(name: String, point: GeoPoint?, tags: [String], capacity: Double? = nil) {
    self.name = name
    self.point = point
    self.tags = tags
    self.capacity = capacity
  }
}

extension Region {
  /// As latencies see it.
  public var site: LatencySite { LatencySite(name: name, point: point) }
}
