import Synchronization

/// One listener, shared by all workers: what its owner wants of it, and how many connections it
/// has. Each worker has its own sockets for it.
final class ProxyListener: Sendable {
  let name: String
  private let settings: Mutex<ProxyListenerSettings>
  private let maximumConnections: Atomic<Int>
  private let openCount = Atomic<Int>(0)

  init(_ settings: ProxyListenerSettings) {
    name = settings.name
    self.settings = Mutex(settings)
    maximumConnections = Atomic(max(1, settings.maximumConnections))
  }

  func update(_ new: ProxyListenerSettings) {
    settings.withLock { $0 = new }
    maximumConnections.store(max(1, new.maximumConnections), ordering: .relaxed)
  }

  /// Takes a lock.
  var currentSettings: ProxyListenerSettings { settings.withLock { $0 } }

  /// Takes one of the places of the connection cap; false if none is left. ``leave()`` gives it
  /// back.
  func enter() -> Bool {
    let count = openCount.add(1, ordering: .relaxed).newValue
    if count <= maximumConnections.load(ordering: .relaxed) { return true }
    leave()
    return false
  }

  func leave() { openCount.subtract(1, ordering: .relaxed) }

  var connectionCount: Int { openCount.load(ordering: .relaxed) }
  var isFull: Bool { connectionCount >= maximumConnections.load(ordering: .relaxed) }
}
