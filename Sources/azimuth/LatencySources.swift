import Compiling
import Editions
import Learning
import Places
import Probing
import Proxying
import Publishing
import Routing
import Settings

/// What this node measures by itself, from the region that it stands in: the proxy's round trips to
/// its clients and to the endpoints behind it, and its health checks of other regions.
struct LatencySources: Sendable {
  let publisher: EditionPublisher
  let dataPlane: DataPlane
  let prober: Prober

  /// Since the last call.
  func take() async -> Measurements {
    let roundTrips = dataPlane.takeRoundTrips()
    let compiled = await publisher.compiled
    let revision = await publisher.edition.revision
    guard let here = compiled.settings.latency.region else { return Measurements() }
    let names = compiled.settings.regions.map(\.name)
    var measured = Measurements()
    var lowest = lowestByChecks(await prober.reports, compiled)
    for roundTrip in roundTrips {
      let client = roundTrip.client.client
      let milliseconds = Double(roundTrip.microseconds) / 1000
      measured.samples.append(
        LatencySample(client: client, region: names[here], milliseconds: milliseconds))
      guard let beyond = roundTrip.beyond, beyond.revision == revision else { continue }
      let there = Int(beyond.region)
      guard there != here, names.indices.contains(there) else { continue }
      let between = Double(beyond.microseconds) / 1000
      lowest[there] = min(lowest[there] ?? .infinity, between)
      measured.samples.append(
        .detour(of: client, to: names[there], milliseconds: milliseconds + between))
    }
    measured.regionRoundTrips = lowest.map { region, milliseconds in
      RegionRoundTrip(from: names[here], to: names[region], milliseconds: milliseconds)
    }
    return measured
  }

  /// Of each region the endpoint with the lowest, of those whose last check succeeded.
  private func lowestByChecks(
    _ reports: [EndpointReport], _ compiled: CompiledSettings
  ) -> [Int: Double] {
    var lowest: [Int: Double] = [:]
    let regions = Dictionary(
      compiled.model.endpoints.map { ($0.id, $0.region) }, uniquingKeysWith: { a, _ in a })
    for report in reports {
      guard let probe = report.lastProbe, probe.outcome == .success,
        let region = regions[report.endpointID], region != compiled.settings.latency.region,
        let monitor = compiled.checks[report.endpointID]?.monitor,
        let count = roundTripCount(monitor.kind)
      else { continue }
      let milliseconds = probe.took / .milliseconds(1) / count
      lowest[region] = min(lowest[region] ?? .infinity, milliseconds)
    }
    return lowest
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
