import Counters

extension ProxyWorker {
  /// Where the listener wants it, what the client sends is kept from now on until the endpoint
  /// answers. What earlier endpoints were sent goes to this one first.
  mutating func beginRepeatable(_ pair: PairReference) {
    guard listeners[Int(pair.pointee.listener)].rules.repeatedBytes > 0 else { return }
    pair.pointee.machine.setRepeatable(true)
    guard !pair.pointee.sent.isEmpty else { return }
    pool.discard(&pair.pointee.client.pending)
    pair.pointee.client.pending = pool.copy(pair.pointee.sent)
  }

  /// Bytes were read that go on.
  @inline(never)
  mutating func noteRepeatable(_ count: Int, from side: Side, _ pair: PairReference) {
    let limit = listeners[Int(pair.pointee.listener)].rules.repeatedBytes
    if side == .upstream || !pool.keep(count, in: &pair.pointee.sent, limit: limit) {
      endRepeatable(pair)
    }
  }

  /// The endpoint has answered, or too much was sent.
  mutating func endRepeatable(_ pair: PairReference) {
    pair.pointee.machine.setRepeatable(false)
    pool.discard(&pair.pointee.sent)
  }

  /// The endpoint has reset the connection without an answer: it is charged for that, and another
  /// one is looked for.
  func noteRepetition(_ pair: PairReference) {
    shard.add(to: listeners[Int(pair.pointee.listener)].counters.repetitions)
    noteEnd(pair, .upstreamReset)
    pair.pointee.connectNanoseconds = 0
  }
}
