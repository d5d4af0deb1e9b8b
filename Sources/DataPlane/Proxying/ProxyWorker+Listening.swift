import Synchronization

extension ProxyWorker {
  /// Goes by the settings and the plan of this version: takes up new sockets, and closes those that
  /// have gone, when it has accepted what waits in them.
  mutating func follow(version: UInt64) {
    let plan = shared.plan
    defer {
      settingsVersion = version
      shared.marks[self.index].version.store(version, ordering: .releasing)
    }
    guard !isDraining else { return closeSockets(of: plan, after: settingsVersion) }
    // Came and went between two looks at the plan.
    for socket in plan.leftSockets(ofWorker: index, after: settingsVersion) {
      Sockets.close(socket)
    }
    let planned = plan.sockets(ofWorker: index)
    let kept = Set(planned.joined())
    for index in listeners.indices { leaveSockets(of: index, planned[index], keeping: kept) }
    for (index, listener) in plan.listeners.enumerated() {
      if index == listeners.count {
        listeners.append(Listener(listener, board: shared.counters))
      } else if listeners[index].shared !== listener {
        // Nobody has a connection of the one that was here.
        listeners[index] = Listener(listener, board: shared.counters)
      }
      listeners[index].rules = Rules(listener)
      listeners[index].resumesAt = 0
      if listeners[index].sockets != planned[index] {
        listeners[index].sockets = planned[index]
        listeners[index].isPolled = false
      }
      // Without sockets there is nothing to resume.
      if planned[index].isEmpty { listeners[index].isPolled = true }
    }
    logInterval = shortestLogInterval()
    scheduleDrains()
  }

  /// Whoever drains has closed all that it had, and takes up nothing.
  private func closeSockets(of plan: ListeningPlan, after version: UInt64) {
    for place in plan.places where place.version > version {
      for socket in place.sockets[index] { Sockets.close(socket) }
    }
    for socket in plan.leftSockets(ofWorker: index, after: version) { Sockets.close(socket) }
  }

  /// Takes a listener's sockets from epoll if others are planned.
  private mutating func leaveSockets(of index: Int, _ planned: [Int32], keeping kept: Set<Int32>) {
    guard listeners[index].sockets != planned else { return }
    for socket in listeners[index].sockets {
      guard !kept.contains(socket) else {
        poller.remove(socket)
        continue
      }
      closeListening(socket, of: index)
    }
    listeners[index].sockets = []
  }

  /// Accepts what waits in a socket of a listener, and closes it. What comes in the moment between
  /// is reset by the system.
  mutating func closeListening(_ socket: Int32, of index: Int) {
    listeners[index].isPolled = true
    while listeners[index].isPolled && acceptTurn(socket: socket, listener: index) {}
    poller.remove(socket)
    Sockets.close(socket)
  }
}
