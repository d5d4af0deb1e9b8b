import Admin
import Probing
import Routing
import ServiceLifecycle
import Voting

/// Reports what this node's probes find to its fleet, and takes what the others report, until the
/// node stops.
struct FleetHealthService: Service {
  /// How often is looked at who lives, whether the store is there, and whether a report is due.
  private static let interval = Duration.milliseconds(100)

  let health: FleetHealth
  let member: FleetMember
  let prober: Prober

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { for await picture in member.pictures() { await health.take(picture) } }
        group.addTask { await advance() }
        group.addTask { await report() }
      }
    }
  }

  private func advance() async {
    while !Task.isCancelled {
      await health.advance(isConnected: await member.isConnected, prober: prober)
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// Apart from the other, since a store that is lost answers late.
  private func report() async {
    while !Task.isCancelled {
      if await health.mayReport {
        let times = await prober.reports.compactMap { report in
          report.roundTrip.map { (report.endpointID, $0) }
        }
        await health.report(
          to: member, roundTrips: Dictionary(times, uniquingKeysWith: { first, _ in first }))
      }
      try? await Task.sleep(for: Self.interval)
    }
  }
}

/// Figures of the fleet's votes for `/metrics`; none where there are none.
func fleetHealthSamples(_ health: FleetHealth?) async -> [MetricSample] {
  guard let figures = await health?.figures else { return [] }
  return [
    MetricSample("azimuth_fleet_isolated", value: figures.isIsolated ? 1 : 0),
    MetricSample("azimuth_fleet_frozen", value: figures.standing == .frozen ? 1 : 0),
    MetricSample("azimuth_fleet_reports", value: Double(figures.reports)),
    MetricSample("azimuth_fleet_reports_malformed", value: Double(figures.malformed)),
    MetricSample("azimuth_fleet_reports_written_total", value: Double(figures.written)),
    MetricSample("azimuth_fleet_watched_endpoints", value: Double(figures.watched)),
  ]
}

/// For `GET /v1/fleet/votes`; nil where there are none.
func fleetVotes(_ health: FleetHealth?) async -> FleetVotesReport? {
  guard let health else { return nil }
  let figures = await health.figures
  var endpoints: [FleetVotesReport.Endpoint] = []
  for (id, home, verdict, says) in await health.votes {
    let votes = says.compactMap { node, report in
      report.observations[id].map { FleetVotesReport.Vote($0, node: node, report) }
    }
    endpoints.append(
      FleetVotesReport.Endpoint(
        id: id, region: home, health: verdict?.opinion.health.rawValue ?? "unknown",
        basis: verdict?.basis.rawValue, voices: verdict?.voices ?? 0,
        voicesDown: verdict?.voicesDown ?? 0, votes: votes))
  }
  return FleetVotesReport(
    standing: figures.standing.rawValue, isIsolated: figures.isIsolated, endpoints: endpoints)
}

extension FleetVotesReport.Vote {
  fileprivate init(_ observation: Observation, node: String, _ report: HealthReport) {
    let microseconds = Double(observation.roundTrip)
    self.init(
      node: node, region: report.region, isIsolated: report.isIsolated,
      health: observation.health.rawValue, since: Double(observation.since) / 1000,
      share: observation.sharePercent,
      roundTripMilliseconds: microseconds > 0 ? microseconds / 1000 : nil)
  }
}
