import Clustering
import Engine
import Etcd
import Foundation
import Logging
import Settings
import Synchronization

/// A node's part in its fleet: follows the store, and lets the fleet see the node. Whoever works
/// with what nodes share has its pictures from here, and writes through it.
final class FleetMember: Sendable {
  let start: FleetStart
  private let store: EtcdStore
  private let follower: StoreFollower
  private let feed: Broadcast<StorePicture>
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
    let feed = Broadcast<StorePicture>()
    let standing = NodeStanding(version: AzimuthVersion.text)
    let reporter = StoreFaultReporter(logger)
    follower = StoreFollower(
      store, prefix: start.prefix, nodeID: start.nodeID, known: snapshot?.configuration.picture,
      heartbeat: StoreFollower.Heartbeat(key: start.nodeKey) { standing.json },
      report: { reporter.report($0) }, publish: { feed.send($0) })
    self.feed = feed
    self.standing = standing
    let follower = follower
    following = Task { await follower.run() }
  }

  /// What the store says, and each time that something in it changes: the newest alone is kept for
  /// a subscriber that is slow. Until the task that reads is cancelled or the node ends.
  func pictures() -> AsyncStream<StorePicture> { feed.values() }

  /// All of it or nothing, through the member that is followed, or each other one once.
  ///
  /// Where a member is gone before it has answered, `lost` may tell of what was written here.
  func commit(_ transaction: StoreTransaction) async throws(StoreFault) -> StoreOutcome {
    try await store.commit(transaction, startingWith: await follower.standing.member)
  }

  /// What stands below a prefix now, as the cluster vouches for it.
  func list(_ prefix: String) async throws(StoreFault) -> StorePicture {
    try await store.list(prefix: prefix, startingWith: await follower.standing.member)
  }

  /// Of the node's heartbeat, for keys that go with the node; nil: none yet. Keys are to be written
  /// anew when it is another.
  var lease: Int64? { get async { await follower.lease } }

  var isConnected: Bool { get async { await follower.standing.isConnected } }

  var engine: StoreFollower.Standing { get async { await follower.standing } }

  func close() async {
    following.cancel()
    await following.value
    feed.finish()
    await store.close()
  }

  /// Takes note of what is in force, for the fleet to see and for a start without the store.
  func note(_ next: StoredStanding) {
    let before = standing.take(next)
    if let configuration = next.inForce, configuration != before { keep(configuration) }
  }

  private func keep(_ configuration: StoredConfiguration) {
    guard let folder = start.stateFolder, !configuration.layers.isEmpty else { return }
    do {
      try FleetSnapshot(configuration, savedAt: Date.now.timeIntervalSince1970).save(in: folder)
    } catch {
      logger.warning(
        "the fleet's configuration cannot be kept", metadata: ["reason": "\(error)"])
    }
  }
}

// MARK: - the start

extension FleetMember {
  /// Between two words that the node still waits.
  private static let reminder = Duration.seconds(60)

  /// What the node begins with: waits until there is something, however long that takes.
  ///
  /// - Throws: `CancellationError` alone.
  func first(
    of source: ConfigurationSource
  ) async throws -> (Settings, StoredConfiguration?) {
    signal(SIGHUP, SIG_IGN)
    let (words, next) = AsyncStream.makeStream(of: StorePicture?.self)
    let listening = Task { for await picture in pictures() { next.yield(picture) } }
    let waiting = Task { [start] in
      var pause = start.fleet.startWait
      while (try? await Task.sleep(for: pause)) != nil {
        next.yield(nil)
        pause = Self.reminder
      }
    }
    defer {
      listening.cancel()
      waiting.cancel()
    }
    var stored: StoredConfiguration?
    var refused: Set<String> = []
    for await picture in words {
      if let picture {
        let said = StoredConfiguration(picture, keys: start.layerKeys)
        guard said != stored else { continue }
        stored = said
      }
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
    }
    throw CancellationError()
  }

  private func take(_ choice: FleetChoice) -> (Settings, StoredConfiguration?)? {
    switch choice {
    case .store(let settings, let stored):
      note(StoredStanding(inForce: stored, isValid: true))
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
}

/// What the node says of itself under its key.
private final class NodeStanding: Sendable {
  private let stored = Mutex(StoredStanding(inForce: nil, isValid: true))
  private let version: String

  init(version: String) { self.version = version }

  /// - Returns: what was in force before.
  func take(_ next: StoredStanding) -> StoredConfiguration? {
    stored.withLock { stored in
      defer { stored = next }
      return stored.inForce
    }
  }

  var json: [UInt8] {
    let stored = stored.withLock { $0 }
    let at = Int(Date.now.timeIntervalSince1970)
    let text = """
      {"version": "\(version)", "revision": \(stored.inForce?.revision ?? 0), \
      "valid": \(stored.isValid), "at": \(at)}
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
