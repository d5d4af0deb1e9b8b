import Admin
import Announcing
import CLinux
import Clustering
import Compiling
import Editions
import Foundation
import Logging
import Places
import Probing
import Proxying
import Publishing
import Routing
import Settings
import Simulating

/// What has become of the word of a fleet's store.
struct StoredStanding: Sendable {
  /// nil: nothing of the store.
  var inForce: StoredConfiguration?
  /// What the store says now is in force.
  var isValid: Bool
}

/// Replaces the running configuration by what its file says now: whole or not at all.
actor Reloader {
  struct Counts: Sendable {
    var accepted = 0
    var refused = 0
  }

  private(set) var counts = Counts()
  /// What is in force of the fleet's store; nil: nothing.
  private var stored: StoredConfiguration?
  /// What it says now, in force or not.
  private var offered: StoredConfiguration?
  nonisolated let source: ConfigurationSource
  nonisolated var file: String { source.file }
  private let publisher: EditionPublisher
  private let prober: Prober
  /// nil: the node goes by its own checks.
  private let fleetHealth: FleetHealth?
  private let probes: ProbeRunner
  private let dataPlane: DataPlane
  private let transfers: TransferAssembly
  /// nil: the admin server shows no certificate.
  private let adminIdentity: AdminIdentity?
  private let tellStored: @Sendable (StoredStanding) -> Void
  private let logger: Logger
  /// Reloads come one after the other.
  private var last: Task<[Fault], Never>?
  private let homesHashSeed = UInt64.random(in: .min ... .max)

  /// - Parameters:
  ///   - stored: what the running configuration has from the fleet's store.
  ///   - tellStored: hears after each reload what has become of the store's word.
  init(
    source: ConfigurationSource, stored: StoredConfiguration?, publisher: EditionPublisher,
    prober: Prober, fleetHealth: FleetHealth?, probes: ProbeRunner,
    dataPlane: DataPlane, transfers: TransferAssembly, adminIdentity: AdminIdentity?,
    logger: Logger,
    tellStored: @escaping @Sendable (StoredStanding) -> Void
  ) {
    self.source = source
    self.stored = stored
    offered = stored
    self.publisher = publisher
    self.prober = prober
    self.fleetHealth = fleetHealth
    self.probes = probes
    self.dataPlane = dataPlane
    self.transfers = transfers
    self.adminIdentity = adminIdentity
    self.logger = logger
    self.tellStored = tellStored
  }

  /// - Returns: what is wrong with the file; empty: it is in force.
  ///
  /// - Parameters:
  ///   - isForced: takes databases that move more people than `geo.max_moved` too, and what takes
  ///     more away than `fleet.shrink_limit`.
  ///   - stored: what the fleet's store says now; nil: as before. If that is in force, nothing is
  ///     read again.
  func reload(isForced: Bool = false, stored: StoredConfiguration? = nil) async -> [Fault] {
    let before = last
    let task = Task {
      _ = await before?.value
      let faults = await replace(isForced: isForced, stored: stored)
      tellStored(storedStanding)
      return faults
    }
    last = task
    return await task.value
  }

  /// Reads the files of overrides of homes again, and nothing else.
  ///
  /// - Returns: false if something is wrong in them: the last good ones go on.
  func reloadHomes() async -> Bool {
    let before = last
    let task = Task {
      _ = await before?.value
      return await replaceHomes()
    }
    last = task
    return await task.value.isEmpty
  }

  /// Reads databases and files of overrides again, with the configuration that is in force: as a
  /// reload would, and no more people are moved than by one.
  ///
  /// - Returns: false if something is wrong: the last good ones go on.
  func reloadGeodata() async -> Bool {
    let before = last
    let task = Task {
      _ = await before?.value
      return await replace(isForced: false, kept: publisher.compiled.settings)
    }
    last = task
    return await task.value.isEmpty
  }

  private func replaceHomes() async -> [Fault] {
    do throws(Faults) {
      let homes = try await publisher.compiled.rereadHomes(hashSeed: homesHashSeed)
      await publisher.replace(
        homes: homes, conditions: await health)
      clinux_release_free_memory()
      let revision = await publisher.edition.revision
      counts.accepted += 1
      logger.info("overrides of homes reloaded", metadata: ["revision": "\(revision)"])
      return []
    } catch {
      await refuse(error)
      return error.faults
    }
  }

  private func refuse(_ faults: Faults) async {
    counts.refused += 1
    await publisher.record([refusal(faults)])
    for fault in faults.faults {
      logger.error("configuration refused", metadata: ["fault": "\(fault)"])
    }
  }

  private func replace(isForced: Bool, stored next: StoredConfiguration?) async -> [Fault] {
    if let next {
      offered = next
      if next.saysTheSame(as: stored) {
        stored = next
        return []
      }
    }
    return await replace(isForced: isForced)
  }

  /// - Parameter kept: settings that are read from nowhere; nil: from the file and the store.
  private func replace(isForced: Bool, kept: Settings? = nil) async -> [Fault] {
    let current = await publisher.compiled
    let read = offered
    do throws(Faults) {
      try await refuseAfterHandover()
      let settings = if let kept { kept } else { try source.settings(read) }
      try refuseFixedChanges(from: current.settings, to: settings)
      try refuseShrinking(from: current.settings, to: settings, isForced: isForced)
      if !probes.allowsCommands { try refuseCommands(settings, file: file) }
      let next = try CompiledSettings(
        settings, previous: current, zoneHashSeed: .random(in: .min ... .max))
      try refuseManyMoved(from: current, to: next, isForced: isForced)
      let tls = try LoadedTLS(settings)
      // Last: from here on everything succeeds.
      let bound = try dataPlane.bind(settings, tls, file: file)
      probes.forgetRoots()
      let health = await watch(next)
      dataPlane.prepare(tls)
      let lost = await publisher.replace(
        with: next, conditions: health)
      await repeatHealth()
      dataPlane.update(settings, tls, bound: bound)
      if let identity = tls.admin { adminIdentity?.adopt(identity) }
      await transfers.update(settings, lost: lost)
      clinux_release_free_memory()
      let revision = await publisher.edition.revision
      counts.accepted += 1
      if kept == nil { stored = read }
      logger.info("configuration reloaded", metadata: ["revision": "\(revision)"])
      tls.warn(settings, logger)
      return []
    } catch {
      await refuse(error)
      return error.faults
    }
  }

  /// What counts of the endpoints.
  private var health: [String: EndpointCondition] {
    get async {
      if let fleetHealth { return await fleetHealth.conditions }
      return conditions(await prober.states.map { ($0, $1) })
    }
  }

  /// Has the endpoints of the next configuration watched.
  private func watch(_ next: CompiledSettings) async -> [String: EndpointCondition] {
    if let fleetHealth { return await fleetHealth.replace(with: next, prober: prober) }
    let states = await prober.replaceTargets(
      probeTargets(next), settings: next.settings.health)
    return conditions(states.map { ($0, $1) })
  }

  /// What a new endpoint's first probe found before the edition knew the endpoint.
  private func repeatHealth() async {
    if let fleetHealth {
      await fleetHealth.repeatAll()
    } else {
      await publisher.apply(await health)
    }
  }

  /// What is replaced now would change nothing for anybody.
  private func refuseAfterHandover() async throws(Faults) {
    guard await publisher.isFrozen else { return }
    throw Faults([
      Fault(
        origin: Origin(file: file, path: "handover"),
        message: "another process has taken over, or is about to",
        suggestion: "have that one read the configuration")
    ])
  }

  var storedStanding: StoredStanding {
    StoredStanding(
      inForce: stored, isValid: offered == nil || offered?.saysTheSame(as: stored) == true)
  }

  private func refuseShrinking(
    from current: Settings, to next: Settings, isForced: Bool
  ) throws(Faults) {
    guard let fleet = current.fleet, !isForced,
      let loss = current.shrinkage(
        to: next, limit: fleet.shrinkLimit,
        settled: { stored?.settledIfRolled.flatMap { try? source.settings($0) } })
    else { return }
    throw Faults([shrinkFault(loss, origin: fleet.origin)])
  }

  /// The last good databases stay in force where others would move very many people.
  private func refuseManyMoved(
    from current: CompiledSettings, to next: CompiledSettings, isForced: Bool
  ) throws(Faults) {
    guard let gate = try GeodataGate(from: current, to: next) else { return }
    let report = gate.report(limit: next.settings.geo.maximumMoved)
    logger.notice(
      "the databases have changed",
      metadata: ["moved": "\(report.summary)", "forced": "\(isForced)"])
    guard !isForced, !report.isWithinLimit else { return }
    throw Faults([movedFault(report, file: file)])
  }

  /// Threads, and the sockets of DNS and admin, are made at the start: what asks for others takes a
  /// restart, which can be a hot one.
  private func refuseFixedChanges(from old: Settings, to new: Settings) throws(Faults) {
    var runningDNS = old.dns
    // Files of the same place are read anew, and another place is as good.
    if let tls = new.dns.tls, old.dns.tls?.listensLike(tls) == true { runningDNS.tls = tls }
    let changes: [(path: String, isChanged: Bool)] = [
      ("node.id", old.node.id != new.node.id), ("log", old.log != new.log),
      ("dns", runningDNS != new.dns),
      ("proxy.threads", old.proxy.threads != new.proxy.threads),
      ("proxy.client_table", old.proxy.clientTableBytes != new.proxy.clientTableBytes),
      ("proxy.access_log", old.proxy.accessLog != new.proxy.accessLog),
      ("decision_log", old.decisionLog != new.decisionLog),
      ("admin.listen", !old.admin.listensLike(new.admin)),
      ("admin.metrics", old.admin.metrics != new.admin.metrics),
      ("admin.audit_log", old.admin.auditLog != new.admin.auditLog),
      ("events", old.events != new.events),
      ("fleet", old.fleet.map { !$0.saysTheSame(as: new.fleet) } ?? (new.fleet != nil)),
      ("state", old.stateFolder != new.stateFolder), ("handover", old.handover != new.handover),
    ]
    let faults = changes.filter(\.isChanged).map {
      Fault(
        origin: Origin(file: file, path: $0.path),
        message: "cannot change while running", suggestion: "restart to apply it")
    }
    guard faults.isEmpty else { throw Faults(faults) }
  }
}

/// What consumers are told of a configuration that was refused: its first faults.
private func refusal(_ faults: Faults) -> Change {
  let shown = faults.faults.prefix(5).map(\.description)
  let more = faults.faults.count - shown.count
  return Change(
    .configurationRefused, of: "",
    cause: (shown + (more > 0 ? ["and \(more) more"] : [])).joined(separator: "; "))
}

/// Whoever may write the configuration may not run programs by it, unless whoever starts the
/// process says so.
func refuseCommands(_ settings: Settings, file: String) throws(Faults) {
  let faults = settings.monitors.compactMap { monitor -> Fault? in
    guard case .command = monitor.kind else { return nil }
    return Fault(
      origin: Origin(file: file, path: "monitors.\(monitor.name)"),
      message: "would run a command, which is not allowed",
      suggestion: "start with --allow-commands")
  }
  guard faults.isEmpty else { throw Faults(faults) }
}

/// More people would move than may.
func movedFault(_ report: MovedReport, file: String) -> Fault {
  Fault(
    origin: Origin(file: file, path: "geo.databases"),
    message: "would move \(report.summary), more than geo.max_moved allows; the databases in force "
      + "stay",
    suggestion: "if that is meant: POST /v1/reload?force=true")
}

/// Probing's states as the health board has them.
func conditions(_ states: [(String, EndpointState)]) -> [String: EndpointCondition] {
  Dictionary(
    states.map {
      (
        $0,
        EndpointCondition(
          health: $1.health, lastGood: $1.lastGood, sharePercent: $1.sharePercent)
      )
    },
    uniquingKeysWith: { $1 })
}
