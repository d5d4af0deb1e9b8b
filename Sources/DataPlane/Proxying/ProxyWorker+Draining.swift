extension ProxyWorker {
  /// A draining worker looks at its connections so often.
  static let drainStep: UInt64 = 50_000_000

  /// Takes what waits in the backlogs, and listens no more.
  mutating func stopListening() {
    for index in listeners.indices {
      for socket in listeners[index].sockets { closeListening(socket, of: index) }
      listeners[index].sockets = []
      // Nothing is to be resumed.
      listeners[index].isPolled = true
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
