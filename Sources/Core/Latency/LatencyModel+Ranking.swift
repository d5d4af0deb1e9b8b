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

  /// The round trips to expect once a region is lost, for its clients: what their own network
  /// measured, and else half of it by their distance, half by the round trip from the lost region,
  /// as regions measure each other.
  ///
  /// - Parameter estimates: of ``estimates(from:network:)`` for this client.
  public func estimates(
    _ estimates: [LatencyEstimate?], afterLosing lost: Int, from client: LatencyClient
  ) -> [LatencyEstimate?] {
    estimates.indices.map { region in
      guard var estimate = estimates[region], region != lost,
        let between = roundTrip(from: lost, to: region)
      else { return estimates[region] }
      let measured = estimate.basis == .distance ? 0 : estimate.confidence
      let own = estimate.milliseconds
      let shared = (own + between) / 2
      estimate.milliseconds = measured * own + (1 - measured) * shared
      return estimate
    }
  }
}
