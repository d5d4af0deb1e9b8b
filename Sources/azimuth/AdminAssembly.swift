import Admin
import Compiling
import Counters
import Foundation
import Learning
import Logging
import Places
import Probing
import Publishing
import ServiceLifecycle
import Settings
import Synchronization
import Transferring

/// The admin server as the node joins it to its parts; nil if the configuration has none.
struct AdminAssembly: Sendable {
  private let parts: [AdminService]

  init?(
    _ settings: Settings, door: AdminDoor?, publisher: EditionPublisher, counters: CounterBoard,
    prober: Prober, reloader: Reloader, dataPlane: DataPlane, transfers: TransferAssembly,
    latencies: LatencyKeeper, announcing: AnnouncingService, coverage: SubnetCoverage,
    gate: RouteGate, fleet: FleetAssembly?, audit: AuditLog?, hasPredecessor: Bool, logger: Logger
  ) {
    guard door != nil || settings.admin.metrics != nil else { return nil }
    var sources = AdminSources(
      node: NodeFacts(
        id: settings.node.id, version: AzimuthVersion.text,
        startedAt: Date.now.timeIntervalSince1970),
      publisher: publisher, counters: counters, now: { Date.now.timeIntervalSince1970 },
      settings: { publisher.adminSettings }, lookUpName: { lookUp($0, in: $1) },
      lookUpListener: { name, serverName, edition in
        lookUpListener(
          name, serverName: serverName, await publisher.compiled.settings, in: edition)
      },
      reload: { isForced in
        let faults = await reloader.reload(isForced: isForced)
        if !faults.isEmpty { throw Faults(faults) }
      })
    sources.probeReports = { await prober.reports.compactMap(probeReport) }
    sources.endpointUses = { dataPlane.passive.uses(of: $0) }
    sources.readiness = {
      [
        ReadinessCondition(
          name: "listening", isMet: dataPlane.isListening,
          detail: dataPlane.isListening ? "clients are let in" : "it does not listen yet"),
        ReadinessCondition(
          name: "not_ending", isMet: !dataPlane.isEnding,
          detail: dataPlane.isEnding ? "the node was told to end" : "nobody told the node to end"),
      ]
    }
    sources.samples = {
      probeSamples(await prober.counts) + reloadSamples(await reloader.counts)
        + (await loadSamples(publisher))
        + primarySamples(await publisher.primaryReports) + transferSamples(transfers.desk.counts)
        + zoneSamples(await transfers.zoneReports()) + latencySamples(await latencies.counts)
        + (await eventSamples(announcing.log, announcing.senders)) + coverage.samples
        + certificateSamples(dataPlane.certificateEnds)
        + anycastSamples(gate) + (await fleet?.samples(reloader) ?? [])
    }
    sources.histograms = { probeHistograms(await prober.counts) }
    fleet?.join(&sources, reloader)
    sources.anycast = { gate.report }
    if let audit { sources.audit = { audit.note($0) } }
    sources.takeLatencies = { posted in
      let taken = await latencies.add(
        posted.map {
          LatencySample(
            client: $0.client, region: $0.region, milliseconds: $0.milliseconds,
            count: $0.samples)
        })
      return LatencyReceipt(taken: taken, ignored: posted.count - taken)
    }
    let nodeID = settings.node.id
    sources.latency = { client in
      await latencyReport(latencies, fleet?.latencies, of: client, nodeID: nodeID)
    }
    sources.subnetCoverage = { coverage.report($0) }
    let simulations = SimulationDesk(file: reloader.file, publisher: publisher)
    sources.simulate = { try await simulations.answer($0) }
    let catchments = CatchmentDesk(publisher: publisher)
    sources.catchments = { try await catchments.answer($0) }
    sources.zones = { await transfers.zoneReports() }
    parts = Self.parts(
      AdminServer(sources, logger: logger), door: door, metrics: settings.admin.metrics,
      hasPredecessor: hasPredecessor, logger: logger)
  }

  private static func parts(
    _ server: AdminServer, door: AdminDoor?, metrics: SocketAddress?, hasPredecessor: Bool,
    logger: Logger
  ) -> [AdminService] {
    var parts: [AdminService] = []
    if let door {
      parts.append(
        AdminService(address: "\(door)", hasPredecessor: hasPredecessor, logger: logger) {
          server.services(door: door)
        })
    }
    if let metrics {
      parts.append(
        AdminService(address: "\(metrics)", hasPredecessor: hasPredecessor, logger: logger) {
          [server.metricsApplication(listen: metrics)]
        })
    }
    return parts
  }

  var services: [any Service] { parts }

  /// Listens no more, while the node goes on.
  func close() async { for part in parts { await part.close() } }
}

/// The admin server, whose failure names its address.
private final class AdminService: Service {
  /// A predecessor closes its admin server within so long, once it is replaced.
  private static let patience = Duration.seconds(10)

  private let address: String
  private let server: @Sendable () -> [any Service]
  private let hasPredecessor: Bool
  private let logger: Logger
  private let running = Mutex<ServiceGroup?>(nil)

  init(
    address: String, hasPredecessor: Bool, logger: Logger,
    server: @escaping @Sendable () -> [any Service]
  ) {
    self.address = address
    self.server = server
    self.hasPredecessor = hasPredecessor
    self.logger = logger
  }

  func run() async throws {
    let start = ContinuousClock.now
    while !Task.isShuttingDownGracefully {
      do {
        let group = ServiceGroup(services: server(), logger: logger)
        running.withLock { $0 = group }
        try await group.run()
        break
      } catch {
        guard hasPredecessor, ContinuousClock.now < start + Self.patience else {
          throw AdminFailure(address: address, cause: "\(error)")
        }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    // A service that ends would end the node.
    try? await gracefulShutdown()
  }

  func close() async {
    await running.withLock { $0 }?.triggerGracefulShutdown()
  }
}

private struct AdminFailure: Error, CustomStringConvertible {
  var address: String
  var cause: String
  var description: String { "admin: \(address): \(cause)" }
}

private func probeSamples(_ counts: ProbeCounts) -> [MetricSample] {
  let results: [(name: String, count: Int)] = [
    ("success", counts.succeeded), ("degraded", counts.degraded), ("failure", counts.failed),
    ("inconclusive", counts.inconclusive),
  ]
  return results.map {
    MetricSample(
      "azimuth_probes_total", labels: [.init("result", $0.name)], value: Double($0.count))
  } + [
    MetricSample("azimuth_health_transitions_total", value: Double(counts.transitions)),
    MetricSample("azimuth_passive_failures_total", value: Double(counts.passiveFailures)),
  ]
}

private func probeHistograms(
  _ counts: ProbeCounts
) -> [(series: CounterBoard.Series, value: Histogram)] {
  [(CounterBoard.Series("azimuth_probe_duration_seconds"), counts.durations)]
}

private func latencySamples(_ counts: LatencyCounts) -> [MetricSample] {
  [("taken", counts.taken), ("ignored", counts.ignored)].map { result, count in
    MetricSample(
      "azimuth_latency_samples_total", labels: [.init("result", result)], value: Double(count))
  } + [
    MetricSample("azimuth_latency_compilations_total", value: Double(counts.compilations)),
    MetricSample("azimuth_latency_networks", value: Double(counts.networks)),
  ]
}

private func reloadSamples(_ counts: Reloader.Counts) -> [MetricSample] {
  [("accepted", counts.accepted), ("refused", counts.refused)].map { result, count in
    MetricSample(
      "azimuth_reloads_total", labels: [.init("result", result)], value: Double(count))
  }
}

private func probeReport(_ report: EndpointReport) -> ProbeReport? {
  guard let probe = report.lastProbe else { return nil }
  let cause =
    switch probe.outcome {
    case .success: "success"
    case .degraded(let cause), .failure(let cause), .inconclusive(let cause): cause
    case .told: "success"
    }
  return ProbeReport(
    endpointID: report.endpointID, cause: cause, at: probe.at.seconds,
    durationMilliseconds: probe.took.seconds * 1000,
    since: report.lastTransition.map { $0.at.seconds })
}

extension Duration {
  fileprivate var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
