import Admin
import Clustering
import Engine
import Etcd
import Foundation
import Logging
import ServiceLifecycle
import Settings
import Synchronization

/// A node's part in its fleet: follows the store, has the node take what it says, and lets the
/// fleet see the node.
final class FleetMember: Sendable {
  let start: FleetStart
  private let store: EtcdStore
  private let follower: StoreFollower
  private let latest: LatestConfiguration
  private let following: Task<Void, Never>
  private let snapshot: FleetSnapshot?
  private let standing: NodeStanding
  private let logger: Logger

  /// Begins to follow at once.
  init(_ start: FleetStart, logger: Logger = Logger(label: "azimuth.fleet")) throws(Faults) {
    self.start = start
    self.logger = logger
    let snapshot = start.stateFolder.flatMap { FleetSnapshot(folder: $0) }
    self.snapshot = snapshot
    let fleet = start.fleet
    let access = EtcdStore.Access(
      members: fleet.members,
      user: fleet.user.map { EtcdStore.User(name: $0, password: fleet.password ?? "") },
      rootsFile: fleet.roots, certificateFile: fleet.certificate, keyFile: fleet.key,
      timeout: fleet.timeout)
    do {
      store = try EtcdStore(access)
    } catch {
      throw Faults([Fault(origin: fleet.origin, message: "tls cannot be used: \(error)")])
    }
    let latest = LatestConfiguration()
    let standing = NodeStanding(version: AzimuthVersion.text)
    let keys = start.layerKeys
    let reporter = StoreFaultReporter(logger)
    follower = StoreFollower(
      store, prefix: start.prefix, nodeID: start.nodeID, known: snapshot?.configuration.picture,
      heartbeat: StoreFollower.Heartbeat(key: start.nodeKey) { standing.json },
      report: { reporter.report($0) }, publish: { latest.take(StoredConfiguration($0, keys: keys)) }
    )
    self.latest = latest
    self.standing = standing
    let follower = follower
    following = Task { await follower.run() }
  }

  /// What the node begins with: waits until there is something, however long that takes.
  func first(of source: ConfigurationSource) async -> (Settings, StoredConfiguration?) {
    signal(SIGHUP, SIG_IGN)
    let clock = ContinuousClock()
    var deadline = clock.now + start.fleet.startWait
    var refused: Set<String> = []
    while true {
      while latest.value == nil && clock.now < deadline {
        try? await Task.sleep(for: .milliseconds(20))
      }
      let stored = latest.value
      let choice = FleetChoice(
        stored: stored, snapshot: snapshot, shrinkLimit: start.fleet.shrinkLimit,
        read: { configuration throws(Faults) in try source.settings(configuration) },
        refuse: { faults in
          // Once each: it is asked again and again.
          for fault in faults.faults where refused.insert("\(fault)").inserted {
            logger.error("configuration refused", metadata: ["fault": "\(fault)"])
          }
        })
      if let taken = take(choice) { return taken }
      logger.warning("nothing to serve yet: waits for the fleet's store")
      deadline = clock.now + .seconds(60)
      while latest.value == stored && clock.now < deadline {
        try? await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  private func take(_ choice: FleetChoice) -> (Settings, StoredConfiguration?)? {
    switch choice {
    case .store(let settings, let stored):
      keep(stored)
      return (settings, stored)
    case .snapshot(let settings, let snapshot):
      let age = Int(Date.now.timeIntervalSince1970 - snapshot.savedAt)
      logger.warning(
        "starts with what the fleet's store last said",
        metadata: ["age_seconds": "\(age)", "revision": "\(snapshot.configuration.revision)"])
      return (settings, snapshot.configuration)
    case .file(let settings):
      logger.warning("starts with its own file: the fleet's store does not answer")
      return (settings, nil)
    case .nothing: return nil
    }
  }

  /// Offers what the store says to the node until that stops.
  fileprivate func serve(_ reloader: Reloader) async {
    var offered = await reloader.stored
    while !Task.isCancelled {
      if let value = latest.value, !value.saysTheSame(as: offered) {
        offered = value
        _ = await reloader.reload(stored: value)
      }
      let applied = await reloader.stored
      if let applied, applied != kept { keep(applied) }
      standing.revision.store(applied?.revision ?? 0, ordering: .relaxed)
      standing.isValid.store(await reloader.isStoreValid, ordering: .relaxed)
      try? await Task.sleep(for: .milliseconds(100))
    }
  }

  fileprivate func close() async {
    following.cancel()
    await following.value
    await store.close()
  }

  private let keptConfiguration = Mutex<StoredConfiguration?>(nil)
  private var kept: StoredConfiguration? { keptConfiguration.withLock { $0 } }

  private func keep(_ configuration: StoredConfiguration) {
    keptConfiguration.withLock { $0 = configuration }
    guard let folder = start.stateFolder, !configuration.layers.isEmpty else { return }
    do {
      try FleetSnapshot(configuration, savedAt: Date.now.timeIntervalSince1970).save(in: folder)
    } catch {
      logger.warning(
        "the fleet's configuration cannot be kept", metadata: ["reason": "\(error)"])
    }
  }

  var engine: StoreFollower.Standing { get async { await follower.standing } }
}

/// The member's work, until the node stops.
struct FleetService: Service {
  let member: FleetMember
  let reloader: Reloader

  func run() async throws {
    await cancelWhenGracefulShutdown { await member.serve(reloader) }
    await member.close()
  }
}

/// Figures of the fleet for `/metrics`; none where there is none.
func fleetSamples(_ member: FleetMember?, _ reloader: Reloader) async -> [MetricSample] {
  guard let member else { return [] }
  let engine = await member.engine
  var samples = [
    MetricSample("azimuth_engine_connected", value: engine.isConnected ? 1 : 0),
    MetricSample("azimuth_engine_verified", value: engine.isVerified ? 1 : 0),
    MetricSample("azimuth_config_valid", value: await reloader.isStoreValid ? 1 : 0),
    MetricSample(
      "azimuth_config_revision", value: Double(await reloader.stored?.revision ?? 0)),
  ]
  if let lag = engine.lag {
    samples.append(
      MetricSample("azimuth_engine_watch_lag_seconds", value: lag / .seconds(1)))
  }
  return samples
}

/// What the store said last.
private final class LatestConfiguration: Sendable {
  private let configuration = Mutex<StoredConfiguration?>(nil)
  var value: StoredConfiguration? { configuration.withLock { $0 } }
  func take(_ next: StoredConfiguration) { configuration.withLock { $0 = next } }
}

/// What the node says of itself under its key.
private final class NodeStanding: Sendable {
  let revision = Atomic<Int64>(0)
  let isValid = Atomic<Bool>(true)
  private let version: String

  init(version: String) { self.version = version }

  var json: [UInt8] {
    let valid = isValid.load(ordering: .relaxed)
    let at = Int(Date.now.timeIntervalSince1970)
    let text = """
      {"version": "\(version)", "revision": \(revision.load(ordering: .relaxed)), \
      "valid": \(valid), "at": \(at)}
      """
    return Array(text.utf8)
  }
}

/// Tells what is wrong with the store once a minute.
private final class StoreFaultReporter: Sendable {
  private let logger: Logger
  private let last = Mutex<ContinuousClock.Instant?>(nil)

  init(_ logger: Logger) { self.logger = logger }

  func report(_ fault: StoreFault) {
    let now = ContinuousClock.now
    let isDue = last.withLock { last in
      guard last.map({ now - $0 >= .seconds(60) }) ?? true else { return false }
      last = now
      return true
    }
    if isDue { logger.warning("the fleet's store", metadata: ["fault": "\(fault)"]) }
  }
}
