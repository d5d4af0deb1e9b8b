import Places
import Synchronization

/// On which sockets the workers listen, and for whom. The server replaces it whole; each worker
/// goes by it as soon as the settings' version has grown.
struct ListeningPlan: Sendable {
  /// An address with its sockets: each belongs to one worker.
  struct Place: Sendable {
    /// Index into ``listeners``.
    var listener: Int
    /// As the settings have it.
    var configured: SocketAddress
    /// With the port that a port of 0 has become.
    var bound: SocketAddress
    /// By worker.
    var sockets: [[Int32]]
    /// ``ProxyShared/settingsVersion`` that it came with.
    var version: UInt64
  }

  /// By index, which connections hold on to: a listener that is gone keeps its place until its
  /// last connection has ended.
  var listeners: [ProxyListener] = []
  var places: [Place] = []
  /// Places that have gone, until every worker has followed: whoever has never seen one has a
  /// socket of it to close.
  private(set) var left: [(place: Place, version: UInt64)] = []

  /// Remembers the places of a plan before that this one, of a version, has not.
  ///
  /// - Parameter followed: the version that all workers go by at least.
  mutating func leave(_ before: [Place], version: UInt64, followed: UInt64) {
    let kept = Set(places.flatMap { $0.sockets.joined() })
    left.removeAll { $0.version <= followed }
    for place in before where kept.isDisjoint(with: place.sockets.joined()) {
      left.append((place, version))
    }
  }

  /// The sockets of a worker in places that are newer than a version, and have gone.
  func leftSockets(ofWorker worker: Int, after version: UInt64) -> [Int32] {
    left.filter { $0.place.version > version }.flatMap { $0.place.sockets[worker] }
  }

  /// The sockets of a worker, by listener.
  func sockets(ofWorker worker: Int) -> [[Int32]] {
    var sockets: [[Int32]] = listeners.map { _ in [] }
    for place in places { sockets[place.listener] += place.sockets[worker] }
    return sockets
  }

  /// Whether a place will do for an address of a listener. Port 0 is anybody's, so that what it has
  /// become stays with whoever got it.
  func serves(_ place: Place, _ address: SocketAddress, of listener: String) -> Bool {
    guard address.port == 0 else { return place.bound == address }
    return place.configured == address && listeners[place.listener].name == listener
  }

  /// Takes over sockets that were bound for one of the listeners.
  mutating func add(_ place: BoundListeners.Place, version: UInt64) {
    guard let index = listeners.firstIndex(where: { $0.name == place.listener }) else {
      return BoundListeners.close(place.sockets)
    }
    places.append(
      Place(
        listener: index, configured: place.configured, bound: place.bound,
        sockets: place.sockets, version: version))
  }
}

/// Sockets for other listeners than those of now: bound, but nobody accepts on them yet. Closed
/// with the object unless ``ProxyServer/update(listeners:with:)`` takes them.
package final class BoundListeners: Sendable {
  struct Place: Sendable {
    var listener: String
    var configured: SocketAddress
    var bound: SocketAddress
    /// By worker.
    var sockets: [[Int32]]
  }

  private let places: Mutex<[Place]>

  init(_ places: [Place]) { self.places = Mutex(places) }

  deinit { for place in takeAll() { Self.close(place.sockets) } }

  /// The sockets have another owner from now on.
  func takeAll() -> [Place] {
    places.withLock { places in
      defer { places = [] }
      return places
    }
  }

  static func close(_ sockets: [[Int32]]) {
    for socket in sockets.joined() { Sockets.close(socket) }
  }
}

/// How far a worker has come.
final class WorkerMark: Sendable {
  /// ``ProxyShared/settingsVersion`` that it goes by; 0: none yet.
  let version = Atomic<UInt64>(0)
  /// Turns of its loop; it alone writes it.
  let turns = Atomic<UInt64>(0)
}
