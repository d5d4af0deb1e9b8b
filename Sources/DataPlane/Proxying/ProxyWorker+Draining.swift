extension ProxyWorker {
  /// Connections that are being closed are looked at so often.
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

  /// Looks at connections when those of the first draining listener are to be closed.
  mutating func scheduleDrains() {
    let begins = listeners.compactMap { $0.rules.drain }.map { max(now, $0.begin) }
    nextDrainAt = begins.min() ?? .max
  }

  /// Begins to drain when the proxy does, and closes the connections whose time has come: the
  /// proxy's, or before it their listener's.
  mutating func drain() {
    let schedule = shared.drainSchedule
    if schedule != nil && !isDraining {
      isDraining = true
      stopListening()
      nextDrainAt = now
    }
    guard now >= nextDrainAt else { return }
    for slot in 0..<pairs.capacity where pairs[slot].pointee.isInUse {
      let sequence = pairs[slot].pointee.sequence
      let own = listeners[Int(pairs[slot].pointee.listener)].rules.drain
      let time = min(
        schedule?.closingTime(sequence: sequence) ?? .max,
        own?.closingTime(sequence: sequence) ?? .max)
      if now >= time { handle(.drained, slot: slot) }
    }
    nextDrainAt = nextLook()
  }

  /// The proxy's drain ends with the process, a listener's when its last connection is closed.
  private func nextLook() -> UInt64 {
    let soon = now &+ Self.drainStep
    guard !isDraining else { return soon }
    let open = listeners.compactMap { $0.rules.drain }.filter { $0.end > now }
    return open.map { max(soon, $0.begin) }.min() ?? .max
  }
}
