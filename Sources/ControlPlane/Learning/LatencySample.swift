package import Places

/// Round trips between a client and a region, as the proxy, or whoever posts them, measured them.
package struct LatencySample: Sendable, Equatable {
  /// Anyone of the network.
  package var client: ClientAddress
  package var region: String
  /// The lowest or the median of them.
  package var milliseconds: Double
  /// How many they were, at least 1.
  package var count: Int
  /// It went by way of another region, so that the straight way takes at most so long: it counts
  /// only where more is expected.
  package var isDetour = false

  package init(client: ClientAddress, region: String, milliseconds: Double, count: Int = 1) {
    self.client = client
    self.region = region
    self.milliseconds = milliseconds
    self.count = count
  }
}

extension LatencySample {
  /// Of a connection by way of another region.
  package static func detour(
    of client: ClientAddress, to region: String, milliseconds: Double
  ) -> LatencySample {
    var sample = LatencySample(client: client, region: region, milliseconds: milliseconds)
    sample.isDetour = true
    return sample
  }
}

/// What a node has measured by itself since it was last asked.
package struct Measurements: Sendable, Equatable {
  package var samples: [LatencySample] = []
  /// From the region where the node stands.
  package var regionRoundTrips: [RegionRoundTrip] = []

  package init() {}
}

/// A round trip between two regions, as one sees the other.
package struct RegionRoundTrip: Sendable, Equatable {
  package var from: String
  package var to: String
  package var milliseconds: Double

  package init(from: String, to: String, milliseconds: Double) {
    self.from = from
    self.to = to
    self.milliseconds = milliseconds
  }
}

/// What came of samples and of what was learned from them.
package struct LatencyCounts: Sendable, Equatable {
  package var taken = 0
  /// Of regions that are none, or while no policy asks for latencies; or detours that say nothing
  /// new.
  package var ignored = 0
  /// Times that maps were compiled anew.
  package var compilations = 0
  /// Networks of which something is known.
  package var networks = 0
}
