import Synchronization

/// One listener, shared by all workers: what its owner wants of it, and how many connections it
/// has. Each worker has its own sockets for it.
final class ProxyListener: Sendable {
  let name: String
  /// Tells it from every other that has ever been.
  let serial: Int
  private let wanted: Mutex<Wanted>
  private let maximumConnections: Atomic<Int>
  private let openCount = Atomic<Int>(0)
  /// ``ProxyShared/settingsVersion`` with which it went; 0: it has not.
  private let retiredVersion = Atomic<UInt64>(0)

  private struct Wanted {
    var settings: ProxyListenerSettings
    /// nil: it does not drain.
    var schedule: DrainSchedule?
  }

  init(_ settings: ProxyListenerSettings, serial: Int, now: UInt64) {
    name = settings.name
    self.serial = serial
    wanted = Mutex(
      Wanted(settings: settings, schedule: settings.drain.map { DrainSchedule($0, now: now) }))
    maximumConnections = Atomic(max(1, settings.maximumConnections))
  }

  /// Takes new settings, or the old ones up again if it was gone. A drain that is under way goes on
  /// as it began, unless its own times are others.
  func update(_ new: ProxyListenerSettings, now: UInt64) {
    wanted.withLock { wanted in
      if new.drain != wanted.settings.drain {
        wanted.schedule = new.drain.map { DrainSchedule($0, now: now) }
      }
      wanted.settings = new
    }
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
  var currentSettings: ProxyListenerSettings { wanted.withLock { $0.settings } }

  /// When its open connections are closed; nil: it does not drain. Takes a lock.
  var drainSchedule: DrainSchedule? { wanted.withLock { $0.schedule } }

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

extension DrainSchedule {
  fileprivate init(_ drain: ProxyListenerSettings.Drain, now: UInt64) {
    self.init(
      now: now, deadline: drain.deadline.nanoseconds, spread: drain.spread.nanoseconds)
  }
}
