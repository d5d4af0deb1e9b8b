import Places

extension LatencyModel {
  /// The regions in the order in which a client is to be sent to them: fastest first, then nearest,
  /// then by number; those of which nothing is known last.
  public static func ranking(
    of regions: some Sequence<Int>, by estimates: [LatencyEstimate?],
    distances: (Int) -> Double? = { _ in nil }
  ) -> [Int] {
    regions.map { region in
      (
        estimates[region]?.milliseconds ?? .infinity, distances(region) ?? .infinity, region
      )
    }
    .sorted { $0 < $1 }
    .map { $0.2 }
  }

  /// The round trips to expect once a region is lost, for its clients.
  ///
  /// - Parameter estimates: of ``estimates(from:network:)`` for this client.
  public func estimates(
    _ estimates: [LatencyEstimate?], afterLosing lost: Int
  ) -> [LatencyEstimate?] {
    estimates.indices.map { region in
      guard var estimate = estimates[region], region != lost else { return estimates[region] }
      estimate.milliseconds = Self.roundTripMilliseconds(
        estimate.milliseconds, confidence: estimate.isMeasured ? estimate.confidence : 0,
        fromLost: roundTrip(from: lost, to: region))
      return estimate
    }
  }

  /// The round trip to expect of a client whose region is lost: as much of it as was measured, and
  /// of the rest half what is expected of the client, half the round trip from the lost region.
  public static func roundTripMilliseconds(
    _ own: Double, confidence: Double, fromLost between: Double?
  ) -> Double {
    guard let between else { return own }
    return confidence * own + (1 - confidence) * (own + between) / 2
  }
}
