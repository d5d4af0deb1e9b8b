import Clustering
import Compiling
import Engine
import Gating
import Settings
import Synchronization

/// What the node says of itself under its key.
final class NodeStanding: Sendable {
  private struct State {
    var stored = StoredStanding(inForce: nil, isValid: true)
    var isServing = false
    var figures: NodeFigures?
    var region: String?
    var availabilityZone: String?
    var admin: String?
    var anycast: AnycastStanding?
  }

  private let state: Mutex<State>
  private let startedAt = secondsSince1970()

  /// As its own file has it.
  init(_ start: FleetStart) {
    state = Mutex(
      State(
        region: start.region, availabilityZone: start.availabilityZone,
        admin: start.adminListen.map { "\($0)" }))
  }

  /// It begins to serve.
  func take(_ settings: Settings) {
    state.withLock { state in
      state.isServing = true
      state.admin = settings.admin.listen.map { "\($0)" }
    }
  }

  /// - Returns: how it stood before.
  func take(_ next: StoredStanding) -> StoredStanding {
    state.withLock { state in
      defer { state.stored = next }
      return state.stored
    }
  }

  /// Of the text of a rollout that is in force; nil: none is.
  var rolloutRevision: Int64? { state.withLock { $0.stored.inForce?.rolloutRevision } }

  /// What it does for its clients.
  func take(_ figures: NodeFigures) { state.withLock { $0.figures = figures } }

  /// - Parameter anycast: nil: it has no such addresses.
  /// - Returns: whether that is new.
  func take(anycast: AnycastStanding?) -> Bool {
    state.withLock { state in
      let isNew = state.anycast != anycast
      state.anycast = anycast
      return isNew
    }
  }

  /// - Parameter engine: how the node stands with the store.
  func word(connected engine: StoreFollower.Standing) -> NodeWord {
    let state = state.withLock { $0 }
    let now = secondsSince1970()
    return NodeWord(
      version: AzimuthVersion.text, region: state.region, zone: state.availabilityZone,
      admin: state.admin, revision: state.stored.inForce?.revision ?? 0,
      valid: state.stored.isValid, serving: state.isServing,
      rollout: state.stored.inForce?.rolloutRevision, figures: state.figures,
      startedAt: startedAt,
      connectedSince: engine.connected.map { now - Int($0 / .seconds(1)) }, at: now,
      anycast: state.anycast?.rawValue)
  }
}

/// What the node sees of the others.
final class FleetObserver: Sendable {
  private let view: Mutex<FleetView>
  private let start = ContinuousClock.now

  init(_ view: FleetView) { self.view = Mutex(view) }

  func take(_ picture: StorePicture) {
    view.withLock { $0.take(picture, now: ContinuousClock.now - start) }
  }

  func anycastStandings(besides node: String) -> [AnycastStanding] {
    view.withLock { $0 }.anycastStandings(besides: node)
      .compactMap { AnycastStanding(rawValue: $0) }
  }

  func report(by node: String, store: FleetReport.Store) -> FleetReport {
    view.withLock { $0 }.report(by: node, store: store, now: ContinuousClock.now - start)
  }
}
