import Counters

extension ProxyWorker {
  /// What epoll says of one side of a connection.
  mutating func handle(
    _ readiness: Poller.Readiness, of side: Side, slot: Int, tag: UInt32
  ) {
    guard slot < pairs.capacity else { return }
    let pair = pairs[slot]
    // An event of a descriptor that was closed in this batch.
    guard pair[side].tag == tag else { return }
    if readiness.isReadable { pair[side].isReadable = true }
    if readiness.isFinished { pair[side].isFinished = true }
    if readiness.isUrgent { pair[side].isUrgent = true }
    switch pair.pointee.machine.phase {
    case .connecting where side == .upstream:
      if readiness.isBroken || readiness.isWritable {
        finishConnecting(slot, isBroken: readiness.isBroken)
      }
    case .relaying: relay(slot, side, readiness)
    default: if readiness.isBroken { handle(.reset(side), slot: slot) }
    }
  }

  private mutating func relay(_ slot: Int, _ side: Side, _ readiness: Poller.Readiness) {
    let pair = pairs[slot]
    let tag = pair[side].tag
    if pair[side].isReadable { pump(slot, from: side) }
    // What was sent before a reset is read above and passed on: the peers' own kernels do so too.
    if readiness.isBroken {
      if pair[side].tag == tag { handle(.reset(side), slot: slot) }
      return
    }
    if readiness.isWritable && pair[side].tag == tag
      && !pair[side.other].pending.isEmpty
    {
      pump(slot, from: side.other)
    }
  }

  /// Moves bytes from one side to the other until there are none, the other takes no more, or the
  /// turn is over. Reading stops while something is pending, so that a slow reader slows the
  /// sender down and memory stays bounded.
  mutating func pump(_ slot: Int, from side: Side) {
    let pair = pairs[slot]
    let source = pair[side].fd
    let sink = pair[side.other].fd
    let limit = listeners[Int(pair.pointee.listener)].bufferLimit
    for _ in 0..<Self.roundsPerTurn {
      if !pair[side].pending.isEmpty {
        switch pool.flush(&pair[side].pending, to: sink) {
        case .moved: pair.pointee.machine.noteActivity(now: now)
        case .wouldBlock: return
        case .ended, .broken: return handle(.reset(side.other), slot: slot)
        }
        // epoll tells when there is room again.
        guard pair[side].pending.isEmpty else { return }
      }
      if pair[side].isAtEnd { return handle(.ended(side), slot: slot) }
      guard pair[side].isReadable else { return }
      switch pool.receive(source, limit: limit) {
      case .moved(let count):
        noteRead(count, limit: limit, from: side, pair)
        if case .broken = pool.send(count, to: sink, rest: &pair[side].pending) {
          return handle(.reset(side.other), slot: slot)
        }
        guard pair[side].pending.isEmpty else { return }
      case .wouldBlock: pair[side].isReadable = false
      case .ended: pair[side].isAtEnd = true
      case .broken: return handle(.reset(side), slot: slot)
      }
    }
    enqueue(slot, side)
  }

  /// A read that did not fill the buffer has emptied the queue: no further read is needed to learn
  /// that, and if the FIN was there before, this was the end.
  @inline(__always)
  private func noteRead(_ count: Int, limit: Int, from side: Side, _ pair: PairReference) {
    pair[side].byteCount &+= UInt64(count)
    pair.pointee.machine.noteActivity(now: now)
    if count < limit && !pair[side].isUrgent {
      pair[side].isReadable = false
      if pair[side].isFinished { pair[side].isAtEnd = true }
    }
    let listener = Int(pair.pointee.listener)
    shard.add(
      UInt64(count),
      to: side == .client
        ? listeners[listener].counters.bytesFromClient
        : listeners[listener].counters.bytesFromUpstream)
  }

  /// The turn is over before all is moved: goes on after the others.
  private mutating func enqueue(_ slot: Int, _ side: Side) {
    let pair = pairs[slot]
    guard !pair[side].isQueued else { return }
    pair[side].isQueued = true
    let kind = side == .client ? EventKind.client : .upstream
    queue.append(Self.eventData(kind, slot: slot, tag: pair[side].tag))
  }

  /// Gives every connection that waited its next turn.
  mutating func runQueue() {
    guard !queue.isEmpty else { return }
    swap(&turn, &queue)
    for index in turn.indices {
      let data = turn[index]
      let slot = Int(data >> 2 & 0x3FFF_FFFF)
      let side: Side = data & 3 == EventKind.client.rawValue ? .client : .upstream
      let pair = pairs[slot]
      guard pair[side].tag == UInt32(truncatingIfNeeded: data >> 32) else { continue }
      pair[side].isQueued = false
      pump(slot, from: side)
    }
    turn.removeAll(keepingCapacity: true)
  }
}
