import Counters

extension ProxyWorker {
  /// Reads in a row that filled the buffer, after which a stream goes through a pipe.
  private static let fullReadsBeforeSplicing: UInt8 = 3
  /// Moves in a row through a pipe below ``smallMove``, after which it goes through the buffer
  /// again.
  private static let smallMovesBeforeCopying: UInt8 = 4
  private static let smallMove = 16_384
  private static let retryStep: UInt64 = 250_000_000

  /// What epoll says of one side of a connection.
  mutating func handle(
    _ readiness: Poller.Readiness, of side: Side, slot: Int, tag: UInt32
  ) {
    guard slot < pairs.capacity else { return }
    let pair = pairs[slot]
    guard pair[side].tag == tag else {
      // Else an event of a descriptor that was closed in this batch.
      if side == .upstream && rivals[slot]?.half.tag == tag { handleRival(readiness, slot: slot) }
      return
    }
    pair[side].note(readiness)
    switch pair.pointee.machine.phase {
    case .connecting where side == .upstream:
      if readiness.isBroken || readiness.isWritable || pair.pointee.secured?.upstream != nil {
        finishConnecting(slot, .first, isBroken: readiness.isBroken)
      }
    case .relaying: relay(slot, side, readiness)
    case .greeting where side == .client:
      greet(slot)
      if readiness.isBroken && pair[side].tag == tag { handle(.reset(side), slot: slot) }
    default: if readiness.isBroken { handle(.reset(side), slot: slot) }
    }
  }

  private mutating func handleRival(_ readiness: Poller.Readiness, slot: Int) {
    rivals[slot]?.half.note(readiness)
    guard readiness.isBroken || readiness.isWritable || rivals[slot]?.session != nil else { return }
    finishConnecting(slot, .rival, isBroken: readiness.isBroken)
  }

  private mutating func relay(_ slot: Int, _ side: Side, _ readiness: Poller.Readiness) {
    let pair = pairs[slot]
    let tag = pair[side].tag
    if pair[side].isReadable {
      if pair[side].isBlocked && !readiness.isBroken && pair.pointee.secured == nil {
        setQuiet(true, slot, side)
      } else {
        pump(slot, from: side)
      }
    }
    // What was sent before a reset is read above and passed on: the peers' own kernels do so too.
    if readiness.isBroken {
      if pair[side].tag == tag { handle(.reset(side), slot: slot) }
      return
    }
    if readiness.isWritable && pair[side].tag == tag && pair[side.other].isBlocked {
      pump(slot, from: side.other)
    }
  }

  /// A sender who is faster than the other side would wake the thread for each segment that comes:
  /// 10 % of the processor time of eight long streams.
  private func setQuiet(_ isQuiet: Bool, _ slot: Int, _ side: Side) {
    let pair = pairs[slot]
    guard pair[side].isQuiet != isQuiet else { return }
    pair[side].isQuiet = isQuiet
    poller.setQuiet(isQuiet, pair[side].fd, data: eventData(slot, side))
  }

  private func eventData(_ slot: Int, _ side: Side) -> UInt64 {
    Self.eventData(side == .client ? .client : .upstream, slot: slot, tag: pairs[slot][side].tag)
  }

  /// Whether a stream goes on after a move.
  private enum Step {
    case goOn
    /// After the others had their turn: by then there is more to move at once.
    case yield
    /// Until epoll says that the other side takes more.
    case wait
    case broken(Side)
  }

  /// Moves bytes from one side to the other until there are none, the other takes no more, or the
  /// turn is over. Reading stops while something is held, so that a slow reader slows the sender
  /// down and memory stays bounded.
  mutating func pump(_ slot: Int, from side: Side) {
    let pair = pairs[slot]
    if let ends = pair.pointee.secured { return pumpSecured(slot, ends, from: side) }
    pair[side].isBlocked = false
    for _ in 0..<Self.roundsPerTurn {
      var step = flush(pair, from: side)
      if case .goOn = step {
        setQuiet(false, slot, side)
        if pair[side].isAtEnd { return handle(.ended(side), slot: slot) }
        guard pair[side].isReadable else { return }
        step =
          if pair[side].pipe.isOpen { splice(pair, from: side) } else if pool.isExhausted {
            relayUnheld(pair, from: side)
          } else { copy(pair, from: side) }
      }
      switch step {
      case .goOn: continue
      case .yield: return enqueue(slot, side)
      case .wait: return block(pair, side)
      case .broken(let broken): return handle(.reset(broken), slot: slot)
      }
    }
    enqueue(slot, side)
  }

  /// Waits for epoll to say that the other side takes more.
  mutating func block(_ pair: PairReference, _ side: Side) {
    pair[side].isBlocked = true
    nextRetryAt = min(nextRetryAt, now &+ Self.retryStep)
  }

  /// Tries those again that wait. While the system is short of memory for sockets (`tcp_mem`), it
  /// refuses bytes to one that has none under way; nothing is acknowledged then, and epoll never
  /// tells that there is room.
  mutating func retryBlocked() {
    guard now >= nextRetryAt else { return }
    nextRetryAt = .max
    for slot in 0..<pairs.capacity where pairs[slot].pointee.isInUse {
      for side in Side.allCases where pairs[slot][side].isBlocked {
        if pairs[slot].pointee.machine.phase == .relaying { pump(slot, from: side) }
      }
    }
  }

  /// Writes what is held of an earlier read.
  @inline(__always)
  private mutating func flush(_ pair: PairReference, from side: Side) -> Step {
    let transfer: Transfer
    if !pair[side].pending.isEmpty {
      transfer = pool.flush(&pair[side].pending, to: pair[side.other].fd)
    } else if pair[side].pipe.count > 0 {
      transfer = pair[side].pipe.flush(to: pair[side.other].fd)
    } else {
      return .goOn
    }
    switch transfer {
    case .moved:
      pair.pointee.machine.noteActivity(now: now)
      return pair[side].pending.isEmpty && pair[side].pipe.count == 0 ? .goOn : .wait
    case .wouldBlock: return .wait
    case .ended, .broken: return .broken(side.other)
    }
  }

  /// Through the buffer: least work for what is small.
  private mutating func copy(_ pair: PairReference, from side: Side) -> Step {
    let limit = listeners[Int(pair.pointee.listener)].rules.bufferLimit
    switch pool.receive(pair[side].fd, limit: limit) {
    case .moved(let count):
      noteRead(count, of: limit, from: side, pair)
      if pair.pointee.machine.isRepeatable { noteRepeatable(count, from: side, pair) }
      if case .broken = pool.send(count, to: pair[side.other].fd, rest: &pair[side].pending) {
        return .broken(side.other)
      }
      return pair[side].pending.isEmpty ? .goOn : .wait
    case .wouldBlock: pair[side].isReadable = false
    case .ended: pair[side].isAtEnd = true
    case .broken: return .broken(side)
    }
    return .goOn
  }

  /// Through a pipe, without a copy: least work for what is much. Only an empty read tells that the
  /// source has no more, for a pipe can be full of few bytes.
  private mutating func splice(_ pair: PairReference, from side: Side) -> Step {
    switch pair[side].pipe.fill(from: pair[side].fd) {
    case .moved(let count):
      self.count(bytes: count, from: side, pair)
      pair[side].streak = count < Self.smallMove ? pair[side].streak &+ 1 : 0
      let step = flush(pair, from: side)
      if pair[side].streak >= Self.smallMovesBeforeCopying && pair[side].pipe.count == 0 {
        pipes.giveBack(&pair[side].pipe)
        pair[side].streak = 0
      }
      if case .goOn = step { return .yield }
      return step
    case .wouldBlock: pair[side].isReadable = false
    case .ended:
      pipes.giveBack(&pair[side].pipe)
      pair[side].isAtEnd = true
    case .broken: return .broken(side)
    }
    return .goOn
  }

  /// While the memory for held bytes is used up.
  private mutating func relayUnheld(_ pair: PairReference, from side: Side) -> Step {
    // Nothing is kept while memory is used up.
    if pair.pointee.machine.isRepeatable { endRepeatable(pair) }
    let limit = listeners[Int(pair.pointee.listener)].rules.bufferLimit
    switch pool.relay(from: pair[side].fd, to: pair[side.other].fd, limit: limit) {
    case .moved(let count, let isAll):
      guard isAll else {
        self.count(bytes: count, from: side, pair)
        return .wait
      }
      noteRead(count, of: limit, from: side, pair)
    case .source(.wouldBlock): pair[side].isReadable = false
    case .source(.ended): pair[side].isAtEnd = true
    case .source: return .broken(side)
    case .sink(.wouldBlock): return .wait
    case .sink: return .broken(side.other)
    }
    return .goOn
  }

  /// A read that did not fill the buffer has emptied the queue: no further read is needed to learn
  /// that, and if the FIN was there before, this was the end. Some that do fill it, one after
  /// another, are a long stream.
  @inline(__always)
  private mutating func noteRead(
    _ count: Int, of limit: Int, from side: Side, _ pair: PairReference
  ) {
    self.count(bytes: count, from: side, pair)
    if count < limit {
      pair[side].streak = 0
      guard !pair[side].isUrgent else { return }
      pair[side].isReadable = false
      if pair[side].isFinished { pair[side].isAtEnd = true }
      return
    }
    pair[side].streak &+= 1
    guard pair[side].streak >= Self.fullReadsBeforeSplicing, !pair.pointee.machine.isRepeatable
    else { return }
    pair[side].streak = 0
    if !pair[side].isUrgent, let pipe = pipes.take() { pair[side].pipe = pipe }
  }

  @inline(__always)
  func count(bytes: Int, from side: Side, _ pair: PairReference) {
    pair[side].byteCount &+= UInt64(bytes)
    pair.pointee.machine.noteActivity(now: now)
    let listener = Int(pair.pointee.listener)
    shard.add(
      UInt64(bytes),
      to: side == .client
        ? listeners[listener].counters.bytesFromClient
        : listeners[listener].counters.bytesFromUpstream)
  }

  /// The turn is over before all is moved: goes on after the others.
  mutating func enqueue(_ slot: Int, _ side: Side) {
    let pair = pairs[slot]
    guard !pair[side].isQueued else { return }
    pair[side].isQueued = true
    queue.append(eventData(slot, side))
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
      // It may be connecting anew.
      if pair.pointee.machine.phase == .relaying { pump(slot, from: side) }
    }
    turn.removeAll(keepingCapacity: true)
  }
}
