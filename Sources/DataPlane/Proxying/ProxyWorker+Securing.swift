import Counters
import Editions
import Places
import Securing

/// Connections on which TLS begins or ends here. Their bytes go through the shared buffer, for a
/// pipe can't decrypt.
///
/// A session may want its socket to be readable for a write, or writable for a read: epoll tells
/// of both, and every event of a socket lets both directions go on.
extension ProxyWorker {
  // MARK: - Handshakes

  /// Goes on with the client's handshake; then the greeting is whole.
  mutating func shakeHandsWithClient(_ slot: Int, _ greeting: Greeting) {
    let pair = pairs[slot]
    guard let session = clientSession(pair) else { return handle(.refused(.overload), slot: slot) }
    switch session.handshake() {
    case .done:
      pair.pointee.secured?.facts = session.facts
      greeting.awaited = .nothing
      // The session may hold more than the handshake by now, of which epoll says nothing.
      pair[.client].isReadable = true
      handle(.greeted, slot: slot)
    case .wantsRead, .wantsWrite: return
    case .ended, .broken(.truncated): handle(.refused(.greetingEnded), slot: slot)
    case .broken(.reset): handle(.reset(.client), slot: slot)
    case .broken(.failed):
      let reason = pair.pointee.secured?.closeReason(of: .client, .failed) ?? .clientTLS
      handle(.refused(reason), slot: slot)
    }
  }

  /// nil: there is no memory.
  private func clientSession(_ pair: PairReference) -> TLSSession? {
    if let session = pair.pointee.secured?.client { return session }
    guard let context = listeners[Int(pair.pointee.listener)].rules.tls,
      let session = TLSSession(server: context, on: pair[.client].fd)
    else { return nil }
    securedEnds(of: pair).client = session
    return session
  }

  func securedEnds(of pair: PairReference) -> SecuredEnds {
    if let ends = pair.pointee.secured { return ends }
    let ends = SecuredEnds()
    pair.pointee.secured = ends
    return ends
  }

  /// Begins TLS with the endpoint of an attempt, if its pool wants that.
  ///
  /// - Returns: false if there is nothing to begin it with.
  mutating func secure(
    _ slot: Int, _ which: ConnectionStateMachine.Attempt, _ attempt: Attempt,
    _ address: SocketAddress
  ) -> Bool {
    guard attempt.service >= 0, let context = attempt.context else { return true }
    switch context.securing[Int(attempt.service)] {
    case .none: return true
    case .unknown: return false
    case .tls(let tls):
      let pair = pairs[slot]
      let fd = which == .first ? pair[.upstream].fd : rivals[slot]?.half.fd
      guard let fd,
        let session = TLSSession(
          client: tls, on: fd, name: serverName(pair, tls), address: address.address.octets)
      else { return false }
      switch which {
      case .first: securedEnds(of: pair).upstream = session
      case .rival: rivals[slot]?.session = session
      }
      return true
    }
  }

  /// What an endpoint is asked for, and has to prove.
  private func serverName(_ pair: PairReference, _ tls: TLSClientContext) -> String? {
    if let name = tls.serverName { return name }
    guard let asked = pair.pointee.greeting?.serverName, !asked.isEmpty else { return nil }
    return String(decoding: asked, as: UTF8.self)
  }

  enum Securing {
    case done, waiting
    case failed(ConnectFailure)
  }

  /// Goes on with TLS between us and an endpoint that has connected.
  mutating func finishSecuring(
    _ slot: Int, _ which: ConnectionStateMachine.Attempt, _ attempt: Attempt, _ fd: Int32
  ) -> Securing {
    let pair = pairs[slot]
    let session = which == .first ? pair.pointee.secured?.upstream : rivals[slot]?.session
    guard let session else { return .done }
    // The header goes before TLS, as HAProxy sends and wants it.
    if !session.hasBegun && !sendHeader(pair, of: attempt, to: fd) { return .failed(.reset) }
    switch session.handshake() {
    case .done:
      if which == .first {
        pair[.upstream].isReadable = true
      } else {
        rivals[slot]?.half.isReadable = true
      }
      return .done
    case .wantsRead, .wantsWrite: return .waiting
    case .broken(.reset): return .failed(.reset)
    case .broken(.failed):
      securedEnds(of: pair).reason = session.reason
      return .failed(.tls)
    case .ended, .broken(.truncated): return .failed(.tls)
    }
  }

  // MARK: - Bytes

  /// Of a read while the memory for held bytes is used up; a page, so that a block that holds the
  /// rest of it has one.
  private static var scarceReadByteCount: Int { 4096 }

  private enum SecuredStep {
    case goOn, wait
    case broken(Side, TLSBreak)
  }

  /// As ``pump(_:from:)``, where either side has a session.
  mutating func pumpSecured(_ slot: Int, _ ends: SecuredEnds, from side: Side) {
    let pair = pairs[slot]
    pair[side].isBlocked = false
    for _ in 0..<Self.roundsPerTurn {
      var step = flushSecured(pair, ends, from: side)
      if case .goOn = step {
        if pair[side].isAtEnd {
          step = finishSecured(ends, side.other)
          if case .goOn = step { return handle(.ended(side), slot: slot) }
        } else {
          guard pair[side].isReadable else { return }
          step = copySecured(pair, ends, from: side)
        }
      }
      switch step {
      case .goOn: continue
      case .wait: return block(pair, side)
      // Another endpoint may take its place.
      case .broken(.upstream, .reset): return handle(.reset(.upstream), slot: slot)
      case .broken(let broken, let cause):
        return handle(.failed(ends.closeReason(of: broken, cause)), slot: slot)
      }
    }
    enqueue(slot, side)
  }

  private mutating func flushSecured(
    _ pair: PairReference, _ ends: SecuredEnds, from side: Side
  ) -> SecuredStep {
    guard !pair[side].pending.isEmpty else { return .goOn }
    var cause: TLSBreak?
    let transfer: Transfer
    if let sink = ends[side.other] {
      transfer = pool.flush(&pair[side].pending) { Transfer(sink.write($0), cause: &cause) }
    } else {
      transfer = pool.flush(&pair[side].pending, to: pair[side.other].fd)
    }
    switch transfer {
    case .moved:
      pair.pointee.machine.noteActivity(now: now)
      return pair[side].pending.isEmpty ? .goOn : .wait
    case .wouldBlock: return .wait
    case .ended, .broken: return .broken(side.other, cause ?? .reset)
    }
  }

  private mutating func copySecured(
    _ pair: PairReference, _ ends: SecuredEnds, from side: Side
  ) -> SecuredStep {
    let wanted = listeners[Int(pair.pointee.listener)].rules.bufferLimit
    // What is read of a session cannot stay in the socket: while memory is used up, it is little.
    let limit = pool.isExhausted ? min(wanted, Self.scarceReadByteCount) : wanted
    var cause: TLSBreak?
    let transfer: Transfer
    if let source = ends[side] {
      transfer = pool.fill(limit: limit) { Transfer(source.read(into: &$0), cause: &cause) }
    } else {
      transfer = pool.receive(pair[side].fd, limit: limit)
    }
    switch transfer {
    case .moved(let count):
      noteSecuredRead(count, of: limit, ends, from: side, pair)
      if pair.pointee.machine.isRepeatable { noteRepeatable(count, from: side, pair) }
      return sendSecured(count, pair, ends, from: side)
    case .wouldBlock: pair[side].isReadable = false
    case .ended: pair[side].isAtEnd = true
    case .broken: return .broken(side, cause ?? .reset)
    }
    return .goOn
  }

  private mutating func sendSecured(
    _ count: Int, _ pair: PairReference, _ ends: SecuredEnds, from side: Side
  ) -> SecuredStep {
    var cause: TLSBreak?
    let transfer: Transfer
    if let sink = ends[side.other] {
      transfer = pool.send(count, rest: &pair[side].pending) {
        Transfer(sink.write($0), cause: &cause)
      }
    } else {
      transfer = pool.send(count, to: pair[side.other].fd, rest: &pair[side].pending)
    }
    if case .broken = transfer { return .broken(side.other, cause ?? .reset) }
    return pair[side].pending.isEmpty ? .goOn : .wait
  }

  /// Of a plain side the same as for other connections; a session knows by itself.
  private mutating func noteSecuredRead(
    _ count: Int, of limit: Int, _ ends: SecuredEnds, from side: Side, _ pair: PairReference
  ) {
    self.count(bytes: count, from: side, pair)
    if let session = ends[side] {
      if !session.hasMore && !pair[side].isFinished && !pair[side].isUrgent {
        pair[side].isReadable = false
      }
    } else if count < limit && !pair[side].isUrgent {
      pair[side].isReadable = false
      if pair[side].isFinished { pair[side].isAtEnd = true }
    }
  }

  /// close_notify comes before FIN, so that the peer knows that nothing is cut.
  private func finishSecured(_ ends: SecuredEnds, _ sink: Side) -> SecuredStep {
    guard let session = ends[sink] else { return .goOn }
    switch session.finish() {
    case .done, .ended: return .goOn
    case .wantsRead, .wantsWrite: return .wait
    case .broken(let cause): return .broken(sink, cause)
    }
  }
}
