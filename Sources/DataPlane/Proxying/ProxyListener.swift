import Synchronization

/// One listener, shared by all workers: what its owner wants of it, and how many connections it
/// has. Each worker has its own sockets for it.
final class ProxyListener: Sendable {
  let name: String
  /// Tells it from every other that has ever been.
  let serial: Int
  private let settings: Mutex<ProxyListenerSettings>
  private let maximumConnections: Atomic<Int>
  private let openCount = Atomic<Int>(0)
  /// ``ProxyShared/settingsVersion`` with which it went; 0: it has not.
  private let retiredVersion = Atomic<UInt64>(0)

  init(_ settings: ProxyListenerSettings, serial: Int) {
    name = settings.name
    self.serial = serial
    self.settings = Mutex(settings)
    maximumConnections = Atomic(max(1, settings.maximumConnections))
  }

  /// Takes new settings, or the old ones up again if it was gone.
  func update(_ new: ProxyListenerSettings) {
    settings.withLock { $0 = new }
    maximumConnections.store(max(1, new.maximumConnections), ordering: .relaxed)
    retiredVersion.store(0, ordering: .relaxed)
  }

  /// It takes no new connections from this version of the settings on.
  func retire(version: UInt64) {
    guard !isRetired else { return }
    retiredVersion.store(version, ordering: .relaxed)
  }

  var isRetired: Bool { retiredVersion.load(ordering: .relaxed) != 0 }

  /// Whether nobody can know it any more: it has gone, every worker has seen that, and its last
  /// connection has ended.
  ///
  /// - Parameter followed: the version that all workers go by at least.
  func isForgotten(followed: UInt64) -> Bool {
    isRetired && followed >= retiredVersion.load(ordering: .relaxed) && connectionCount == 0
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
