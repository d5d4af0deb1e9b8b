import Admitting
import Routing
import Settings

/// What regions with capacities have to carry.
extension BoardKeeper {
  /// Takes how many new connections a second each cohort of each service asks for. Openings follow
  /// with the next board.
  ///
  /// - Parameter openConnections: that the proxy has, by the id of their endpoints.
  package mutating func apply(
    demands: [[Double]], openConnections: [String: Int] = [:], now: Duration
  ) {
    load.note(readings(openConnections, now: now), now: now)
    load.measure(demands, now: now)
  }

  /// Takes the load that a region reports; of one that has no such capacity it counts for nothing.
  mutating func apply(_ reading: LoadReading, now: Duration) {
    reports.take(reading, now: now)
  }

  /// New connections a second of each region, as they were reckoned with last; empty where no
  /// region has a capacity.
  package var loads: [Double] { load.loads }

  /// By region: how full it is, and what it may take.
  package var uses: [RegionUse] {
    capacities.enumerated().map { region, rule in
      RegionUse(
        reading: region < load.gauges.count ? load.gauges[region].last : .init(),
        limit: load.limit(ofRegion: region, rule, atShare: rule.spillAt))
    }
  }

  /// By service and cohort, new connections a second, as they are reckoned with.
  package var demands: [[Double]] { load.demands }

  /// Whether any region has a capacity, so that demand matters.
  package var hasCapacities: Bool { capacities.contains(where: \.hasLimits) }

  private func readings(
    _ openConnections: [String: Int], now: Duration
  ) -> [RegionGauge.Reading] {
    var counts = regions.map { _ in 0 }
    for endpoint in model.endpoints {
      counts[endpoint.region] += openConnections[endpoint.id] ?? 0
    }
    return regions.indices.map { region in
      RegionGauge.Reading(
        openConnections: capacities[region].openConnections == nil ? nil : Double(counts[region]),
        reportedLoad: reports.share(ofRegion: regions[region], now: now))
    }
  }
}
