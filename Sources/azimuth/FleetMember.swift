import Clustering
import Engine
import Etcd
import Foundation
import Gating
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
  let snapshot: FleetSnapshot?
  let standing: NodeStanding
  private let view: FleetObserver
  let logger: Logger

  /// Begins to follow at once.
  init(_ start: FleetStart, logger: Logger = Logger(label: "azimuth.fleet")) throws(Faults) {
    self.start = start
    self.logger = logger
    let snapshot = start.stateFolder.flatMap { FleetSnapshot(folder: $0) }
    self.snapshot = snapshot
    let fleet = start.fleet
    store = try EtcdStore(fleet)
    let feed = Broadcast<StorePicture>()
    let standing = NodeStanding(start)
    let view = FleetObserver(FleetView(fleet: fleet.name, prefix: start.prefix))
    let reporter = StoreFaultReporter(logger)
    follower = StoreFollower(
      store, prefix: start.prefix, nodeID: start.nodeID, known: snapshot?.configuration.picture,
      heartbeat: StoreFollower.Heartbeat(key: start.nodeKey) { standing.word(connected: $0).json },
      report: { reporter.report($0) },
      publish: { picture in
        view.take(picture)
        feed.send(picture)
      })
    self.feed = feed
    self.view = view
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

  /// A lease of its own, for what outlives the node.
  func grantLease(seconds: Int) async throws(StoreFault) -> Int64 {
    try await store.grantLease(seconds: seconds, member: await follower.standing.member)
  }

  /// What the node says of itself has changed.
  private func sayNow() {
    Task { [follower] in await follower.sayNow() }
  }

  var isConnected: Bool { get async { await follower.standing.isConnected } }

  var engine: StoreFollower.Standing { get async { await follower.standing } }

  /// The fleet as this node sees it.
  var report: FleetReport {
    get async {
      let engine = await engine
      let store = FleetReport.Store(
        connected: engine.isConnected, member: start.fleet.members[engine.member],
        verified: engine.isVerified, revision: engine.revision,
        lagSeconds: engine.lag.map { ($0 / .milliseconds(100)).rounded() / 10 },
        fault: engine.lastFault?.description)
      return view.report(by: start.nodeID, store: store)
    }
  }

  /// How the other nodes stand that have anycast addresses, as they last said.
  var otherAnycastStandings: [AnycastStanding] { view.anycastStandings(besides: start.nodeID) }

  func close() async {
    following.cancel()
    await following.value
    feed.finish()
    await store.close()
  }

  /// Takes note of what is in force, for the fleet to see and for a start without the store.
  func note(_ next: StoredStanding) {
    let before = standing.take(next)
    if next.isValid != before.isValid || next.inForce?.revision != before.inForce?.revision
      || next.inForce?.rolloutRevision != before.inForce?.rolloutRevision
    {
      sayNow()
    }
    if let configuration = next.inForce, configuration != before.inForce { keep(configuration) }
  }

  /// How the node stands with its anycast addresses; nil: it has none.
  func note(_ anycast: AnycastStanding?) {
    if standing.take(anycast: anycast) { sayNow() }
  }

  /// The node begins to serve.
  func begin(_ settings: Settings) {
    standing.take(settings)
    sayNow()
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
