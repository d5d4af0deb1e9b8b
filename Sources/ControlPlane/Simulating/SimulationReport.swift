/// What a scenario does to a population, service by service. Loads are in the unit of the
/// population's weights, or of the load that was given.
package struct SimulationReport: Sendable, Codable, Equatable {
  package struct Region: Sendable, Codable, Equatable {
    package var name: String
    /// Of all clients, 0...1.
    package var shareBefore: Double
    package var shareAfter: Double
    package var loadBefore: Double
    package var loadAfter: Double
  }

  package struct Flow: Sendable, Codable, Equatable {
    /// A region, or `refused`.
    package var from: String
    package var to: String
    /// Of all clients, 0...1.
    package var share: Double
    package var load: Double
  }

  /// Of those clients that are served and whose place is known.
  package struct Latency: Sendable, Codable, Equatable {
    package var medianMilliseconds: Double
    package var p95Milliseconds: Double
    package var meanMilliseconds: Double

    enum CodingKeys: String, CodingKey {
      case medianMilliseconds = "median_ms"
      case p95Milliseconds = "p95_ms"
      case meanMilliseconds = "mean_ms"
    }
  }

  package struct Fence: Sendable, Codable, Equatable {
    package var name: String
    /// Of the clients that stand in it.
    package var weight = 0.0
    package var movedWeight = 0.0
    package var refusedBefore = 0.0
    package var refusedAfter = 0.0

    func scaled(_ scale: Double) -> Fence {
      Fence(
        name: name, weight: weight * scale, movedWeight: movedWeight * scale,
        refusedBefore: refusedBefore * scale, refusedAfter: refusedAfter * scale)
    }
  }

  package struct Service: Sendable, Codable, Equatable {
    package var name: String
    /// Of all clients, 0...1: who gets another region than before.
    package var movedShare: Double
    package var movedLoad: Double
    /// In the order of the configuration.
    package var regions: [Region]
    package var refused: Region
    /// Clients that are served though nothing is usable, 0...1: by panic or a last resort.
    package var healthIgnoredBefore: Double
    package var healthIgnoredAfter: Double
    /// Largest first.
    package var flows: [Flow]
    package var latencyBefore: Latency?
    package var latencyAfter: Latency?
    /// Those that any client stands in.
    package var fences: [Fence]
  }

  /// What a region can take, and what comes to it over all services that were asked about.
  package struct Capacity: Sendable, Codable, Equatable {
    package var region: String
    package var connectionsPerSecond: Double
    /// The share beyond which clients go elsewhere while there is room.
    package var spillAt: Double
    package var loadBefore: Double
    package var loadAfter: Double
    /// Above 0 and at most 1, where it takes all that fall to it.
    package var openingBefore: Double
    package var openingAfter: Double

    package var isExceededAfter: Bool { loadAfter > connectionsPerSecond * 1.005 }
  }

  /// What is different, a sentence each.
  package var scenario: [String]
  package var populationSource: String
  package var clients: Int
  package var weight: Double
  /// Of clients that the geodata do not place; not in ``weight``.
  package var unplacedWeight: Double
  package var services: [Service]
  /// Of the regions that declare one; empty where no load is known.
  package var capacities: [Capacity] = []
}
