import Admin
import CLinux
import Clustering
import Compiling
import Counters
import Editions
import Foundation
import Inheriting
import Learning
import Listening
import Logging
import NIOCore
import NIOPosix
import Places
import Probing
import Proxying
import Publishing
import Resolving
import Routing
import ServiceLifecycle
import Settings
import UnixSignals

/// One running Azimuth: the planes joined. Editions go down through the publisher's desk, counters
/// come up through the board.
final class Node: Sendable {
  let logger = Logger(label: "azimuth")
  let counters = CounterBoard()
  let publisher: EditionPublisher
  let dataPlane: DataPlane
  let prober: Prober
  let reloader: Reloader
  private let announcing: AnnouncingService
  private let latencies: LatencyKeeper
  private let coverage: SubnetCoverage
  private let decisionLog: DecisionLog?
  private let auditLog: AuditLog?
  private let resolver: NameResolver
  private let transfers: TransferAssembly
  private let admin: AdminAssembly?
  private let handover: HandoverService
  private let gate: RouteGate
  /// Those who write what two processes must not write at the same time.
  private let writers: [WritingService]
  private let systemd: Systemd
  /// nil: nobody waits for a word that the node lives.
  private let watchdog: Watchdog?
  /// nil: the node stands alone.
  private let fleet: FleetAssembly?

  /// Compiles the configuration and prepares everything; nothing listens yet.
  ///
  /// - Parameters:
  ///   - source: where the settings come from, for reloads.
  ///   - stored: what they have from the fleet's store.
  ///   - member: of the fleet; nil: the node stands alone.
  ///   - allowsCommands: monitors may run programs.
  ///   - inherited: sockets that this process was started with.
  ///   - systemd: is told how the node stands.
  ///   - whenListening: called once DNS and proxy listen.
  init(
    _ settings: Settings, source: ConfigurationSource, stored: StoredConfiguration? = nil,
    member: FleetMember? = nil, allowsCommands: Bool = false,
    inherited: InheritedSockets = InheritedSockets(),
    systemd: Systemd = Systemd(environment: [:], processID: 0),
    whenListening: @escaping @Sendable () -> Void = {}
  ) throws {
    if !allowsCommands { try refuseCommands(settings, file: source.file) }
    let probingLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let probes = ProbeRunner(
      group: MultiThreadedEventLoopGroup.singleton, loop: probingLoop,
      allowsCommands: allowsCommands)
    clinux_map_large_allocations()
    let compiled = try compile(settings)
    clinux_release_free_memory()
    let tls = try loadTLS(settings)
    tls.warn(settings, logger)
    // As late as can be: what this process would fail of, the running one is not troubled with. But
    // before anything is read that the running one writes.
    let predecessor = try settings.handover.socket.flatMap {
      try Predecessor.ask(at: $0, inherited: inherited)
    }
    let isMonitored = compiled.checks.values.contains { $0.monitor != nil }
    let events = AnnouncingService.log(settings, now: Date.now.timeIntervalSince1970)
    announcing = AnnouncingService(settings, log: events, logger: logger)
    let logger = logger
    publisher = EditionPublisher(
      compiled, isReady: !isMonitored || predecessor != nil, events: events,
      memory: settings.stateFolder.flatMap { BoardMemory(folder: $0) },
      handed: predecessor?.memory,
      primaryStore: settings.stateFolder.map { PrimaryStore(folder: $0) },
      sharesPrimaries: member != nil,
      tell: { log($0, to: logger) }, now: { Date.now.timeIntervalSince1970 })
    let transfers = TransferAssembly(settings, publisher: publisher, logger: logger)
    self.transfers = transfers
    let handover = HandoverService(
      path: settings.handover.socket, predecessor: predecessor, logger: logger)
    self.handover = handover
    self.systemd = systemd
    // The successor serves in place of the process that systemd has made it for.
    watchdog =
      systemd.watchdog
      ?? predecessor?.memory.watchdogMicroseconds.flatMap { Watchdog(limit: .microseconds($0)) }
    let gate = RouteGate(
      settings.anycast, handed: predecessor?.memory.anycast, member: member, logger: logger,
      record: { [publisher] change in Task { await publisher.record([change]) } })
    self.gate = gate
    dataPlane = try DataPlane(
      settings, tls: tls, inherited: inherited, systemd: systemd,
      desk: publisher.desk, counters: counters, uncommon: TransferMessages(transfers.desk),
      logger: logger, withdrawRoutes: { gate.end() }
    ) {
      whenListening()
      handover.noteListening()
      Task { await transfers.announce() }
    }
    let publisher = publisher
    fleet = member.map { [counters] in
      FleetAssembly(
        $0, compiled, publisher: publisher, counters: counters, logger: logger)
    }
    prober = makeProber(
      compiled, runner: probes, loop: probingLoop, publisher: publisher,
      fleetHealth: fleet?.health, passive: dataPlane.passive, logger: logger)
    resolver = makeResolver(settings, publisher: publisher, logger: logger)
    let measured = LatencySources(publisher: publisher, dataPlane: dataPlane, prober: prober)
    latencies = LatencyKeeper(
      publisher: publisher, logger: logger,
      nodeID: fleet?.latencies == nil ? nil : settings.node.id,
      now: { Date.now.timeIntervalSince1970 },
      collect: { await measured.take() })
    coverage = SubnetCoverage(settings.dns.subnetCoverage, collector: dataPlane.sampler)
    decisionLog = try makeDecisionLog(
      settings, collector: dataPlane.sampler, counters: counters, publisher: publisher,
      logger: logger)
    let door = try settings.admin.listen.map { try AdminDoor($0) }
    let auditLog = try makeAuditLog(settings, counters: counters, logger: logger)
    self.auditLog = auditLog
    reloader = Reloader(
      source: source, stored: stored, publisher: publisher, prober: prober,
      fleetHealth: fleet?.health, probes: probes, dataPlane: dataPlane, transfers: transfers,
      adminIdentity: door?.identity, logger: logger, tellStored: { member?.note($0) })
    admin = AdminAssembly(
      settings, door: door, publisher: publisher, counters: counters, prober: prober,
      reloader: reloader,
      dataPlane: dataPlane, transfers: transfers, latencies: latencies, announcing: announcing,
      coverage: coverage, gate: gate, fleet: fleet, audit: auditLog,
      hasPredecessor: predecessor != nil, logger: logger)
    var writers: [any Service] = [announcing, LearningService(latencies: latencies)]
    if let member, let shared = fleet?.latencies {
      writers.append(
        FleetLatencyService(
          shared: shared, latencies: latencies, member: member, publisher: publisher))
    }
    if let folder = settings.stateFolder {
      writers.append(RememberingService(publisher: publisher, folder: folder, logger: logger))
    }
    self.writers = writers.map { WritingService($0, isHeld: predecessor != nil) }
  }

  /// Serves until a signal or the task's cancellation ends it.
  func run() async throws {
    await transfers.start()
    // They end in the reverse order, one after the other: the data plane first, while the others
    // go on with their work for those who are still served.
    var services: [any Service] = writers
    services += [
      transfers, ProbingService(prober: prober), ResolvingService(resolver: resolver),
      DemandService(counters: counters, publisher: publisher, passive: dataPlane.passive),
      FigureService(publisher: publisher, logger: logger), coverage,
      HomesService(publisher: publisher, reloader: reloader),
      GeodataService(publisher: publisher, reloader: reloader),
      HangUpService(
        reloader: reloader, dataPlane: dataPlane, decisionLog: decisionLog, auditLog: auditLog,
        systemd: systemd),
      KeySchedulingService(publisher: publisher, logger: logger),
      WatchdogService(
        watchdog: watchdog, systemd: systemd, dataPlane: dataPlane, publisher: publisher,
        logger: logger),
    ]
    services.append(
      RouteGateService(
        gate: gate, dataPlane: dataPlane, publisher: publisher, reloader: reloader, fleet: fleet))
    if let fleet { services += fleet.services(reloader, prober) }
    if let decisionLog { services.append(decisionLog) }
    if let auditLog { services.append(auditLog) }
    services.append(handover)
    if let admin { services += admin.services }
    services.append(dataPlane)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services, gracefulShutdownSignals: [.sigterm],
        cancellationSignals: [.sigint], logger: logger))
    handover.use(handoverSteps(ending: group))
    try await group.run()
  }

  private func handoverSteps(ending group: ServiceGroup) -> HandoverService.Steps {
    HandoverService.Steps(
      pause: { [publisher, writers, dataPlane, gate, watchdog] in
        guard !dataPlane.isLeaving, var memory = await publisher.freeze() else { return nil }
        memory.anycast = gate.handed
        memory.watchdogMicroseconds = watchdog.map { Int64($0.limit / .microseconds(1)) }
        for writer in writers { await writer.hold() }
        return memory
      },
      resume: { [publisher, writers] in
        await publisher.thaw()
        for writer in writers { writer.resume() }
      },
      sockets: { [dataPlane] send throws(HandingFault) in try dataPlane.withSockets(send) },
      leave: { [dataPlane, admin] in
        dataPlane.noteHandedOver()
        await admin?.close()
        await group.triggerGracefulShutdown()
      })
  }
}

/// Runs the probes until the node stops.
private struct ProbingService: Service {
  let prober: Prober
  func run() async throws {
    await cancelWhenGracefulShutdown { await prober.run() }
  }
}

/// Resolves names that serve until the node stops.
private struct ResolvingService: Service {
  let resolver: NameResolver
  func run() async throws {
    await cancelWhenGracefulShutdown { await resolver.run() }
  }
}

/// Learns latencies until the node stops, and then keeps them.
private struct LearningService: Service {
  let latencies: LatencyKeeper
  func run() async throws {
    await cancelWhenGracefulShutdown { await latencies.run() }
  }
}

/// Reloads on SIGHUP, and opens the logs anew, for those who rotate them.
private struct HangUpService: Service {
  let reloader: Reloader
  let dataPlane: DataPlane
  let decisionLog: DecisionLog?
  let auditLog: AuditLog?
  let systemd: Systemd

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    for await _ in signals.cancelOnGracefulShutdown() {
      dataPlane.reopenAccessLog()
      decisionLog?.reopen()
      auditLog?.reopen()
      systemd.tellReloading()
      // What is wrong was logged; the last good configuration goes on.
      _ = await reloader.reload()
      systemd.tellReady(processID: getpid())
    }
  }
}

private func makeProber(
  _ compiled: CompiledSettings, runner: ProbeRunner, loop: any EventLoop,
  publisher: EditionPublisher, fleetHealth: FleetHealth?, passive: PassiveHealth, logger: Logger
) -> Prober {
  Prober(
    targets: probeTargets(compiled), settings: compiled.settings.health,
    eventLoop: loop, logger: logger,
    probe: { await runner.outcome(of: $0) },
    passiveFailures: {
      for ejection in passive.takeEjections() { log(ejection, logger) }
      return passive.takeFailures().map { (endpointID: $0.endpointID, failures: $0.count) }
    },
    publish: { update in
      for change in update.changes where change.state.health == .healthy {
        passive.forgive(endpointID: change.endpointID)
        if change.transition.from == .unhealthy {
          passive.start(endpointID: change.endpointID, now: monotonicNow())
        }
      }
      if let fleetHealth {
        await fleetHealth.take(update)
      } else {
        await publisher.apply(
          conditions(update.changes.map { ($0.endpointID, $0.state) }),
          unsettled: update.unsettled,
          causes: Dictionary(
            update.changes.map { ($0.endpointID, $0.transition.cause) }, uniquingKeysWith: { $1 }))
      }
      if update.isFirstRoundComplete { await publisher.markReady() }
    })
}

/// Who looks at an endpoint that gets nothing should find out why.
private func log(_ ejection: PassiveHealth.Ejection, _ logger: Logger) {
  let left = ejection.until - min(ejection.until, monotonicNow())
  logger.warning(
    "endpoint ejected: connections to it fail",
    metadata: [
      "endpoint": "\(ejection.endpointID)", "seconds": "\((left + 999_999_999) / 1_000_000_000)",
      "times": "\(ejection.times)",
    ])
}

private func makeResolver(
  _ settings: Settings, publisher: EditionPublisher, logger: Logger
) -> NameResolver {
  let configured = settings.dns.resolvers
  let stub = StubResolver(group: MultiThreadedEventLoopGroup.singleton) {
    if !configured.isEmpty { return configured }
    // Read each time: it changes with the network.
    return systemResolvers(
      (try? String(contentsOfFile: "/etc/resolv.conf", encoding: .utf8)) ?? "")
  }
  return NameResolver(
    logger: logger, wanted: { await publisher.edition.wantedNames },
    ask: { await stub.addresses(of: $0) }, publish: { await publisher.apply($0) })
}

/// Every endpoint, and where and how it is checked.
func probeTargets(_ compiled: CompiledSettings) -> [ProbeTarget] {
  compiled.model.endpoints.compactMap { endpoint in
    compiled.checks[endpoint.id].map {
      ProbeTarget(endpointID: endpoint.id, address: $0.socket, monitor: $0.monitor)
    }
  }
}
