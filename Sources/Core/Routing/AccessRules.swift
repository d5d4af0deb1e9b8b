public import Places

/// Whom a listener of the proxy takes, decided before anything is connected to.
public struct AccessRules: Sendable, Equatable {
  /// nil: all whom `denied` does not name.
  public var allowed: ClientMatch?
  /// Wins over `allowed`.
  public var denied: ClientMatch?

  public init(allowed: ClientMatch?, denied: ClientMatch?) {
    self.allowed = allowed
    self.denied = denied
  }

  /// - Complexity: a look-up, and linear in what the rules name; allocates nothing.
  public func takes(_ client: ClientAddress, in places: PlaceTable) -> Bool {
    let place = places.places[places.place(of: client).place]
    let prefixSet = places.prefixSets[Int(place.prefixSet)]
    if denied?.cause(for: place, prefixSet: prefixSet) != nil { return false }
    return allowed.map { $0.cause(for: place, prefixSet: prefixSet) != nil } ?? true
  }

  /// Why a client is not taken, such as `country DE`; nil: it is.
  public func denial(of client: ClientAddress, in places: PlaceTable) -> String? {
    guard !takes(client, in: places) else { return nil }
    let place = places.places[places.place(of: client).place]
    let reason = denied?.reason(for: place, prefixSet: places.prefixSets[Int(place.prefixSet)])
    return reason ?? "none of those that are allowed"
  }
}
