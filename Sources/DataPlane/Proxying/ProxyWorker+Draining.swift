extension ProxyWorker {
  /// A draining worker looks at its connections so often.
  static let drainStep: UInt64 = 50_000_000

  /// Takes what waits in the backlogs, and listens no more.
  mutating func stopListening() {
    for index in listeners.indices {
      listeners[index].isPolled = true
      for socket in listeners[index].sockets {
        while listeners[index].isPolled && acceptTurn(socket: socket, listener: index) {}
        poller.remove(socket)
        Sockets.close(socket)
      }
      listeners[index].sockets = []
      listeners[index].resumesAt = .max
    }
  }

  /// Begins to drain when the proxy does, and closes the connections whose time has come.
  mutating func drain() {
    guard let schedule = shared.drainSchedule else { return }
    if !isDraining {
      isDraining = true
      stopListening()
    }
    guard now >= nextDrainAt else { return }
    nextDrainAt = now &+ Self.drainStep
    for slot in 0..<pairs.capacity where pairs[slot].pointee.isInUse {
      if now >= schedule.closingTime(sequence: pairs[slot].pointee.sequence) {
        handle(.drained, slot: slot)
      }
    }
  }
}
