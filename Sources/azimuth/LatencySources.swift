import Compiling
import Learning
import Places
import Probing
import Proxying
import Publishing
import Routing
import Settings

/// What this node measures by itself: the proxy's round trips to its clients, which are of the
/// region that it stands in, and its health checks of other regions.
struct LatencySources: Sendable {
  let publisher: EditionPublisher
  let dataPlane: DataPlane
  let prober: Prober

  /// Since the last call.
  func samples() async -> [LatencySample] {
    let roundTrips = dataPlane.takeRoundTrips()
    let settings = await publisher.compiled.settings
    guard let here = settings.latency.region else { return [] }
    return roundTrips.map {
      LatencySample(
        client: $0.client.client, region: settings.regions[here].name,
        milliseconds: Double($0.microseconds) / 1000)
    }
  }

  /// The lowest of each region's endpoints, by name; of those whose last check succeeded.
  func regionRoundTrips() async -> [RegionRoundTrip] {
    let compiled = await publisher.compiled
    guard let here = compiled.settings.latency.region else { return [] }
    var lowest: [Int: Double] = [:]
    let regions = Dictionary(
      compiled.model.endpoints.map { ($0.id, $0.region) }, uniquingKeysWith: { a, _ in a })
    for report in await prober.reports {
      guard let probe = report.lastProbe, probe.outcome == .success,
        let region = regions[report.endpointID], region != here,
        let monitor = compiled.checks[report.endpointID]?.monitor,
        let count = roundTripCount(monitor.kind)
      else { continue }
      let milliseconds = probe.took / .milliseconds(1) / count
      lowest[region] = min(lowest[region] ?? .infinity, milliseconds)
    }
    return lowest.map { region, milliseconds in
      RegionRoundTrip(
        from: compiled.settings.regions[here].name, to: compiled.settings.regions[region].name,
        milliseconds: milliseconds)
    }
  }

  /// Round trips that a check takes at least: of TCP, of TLS 1.3 (RFC 8446 §2), of the request; nil
  /// where its time says little of the way.
  private func roundTripCount(_ kind: Settings.Monitor.Kind) -> Double? {
    if case .tcp = kind { return 1 }
    if case .http = kind { return 2 }
    if case .https = kind { return 3 }
    return nil
  }
}
