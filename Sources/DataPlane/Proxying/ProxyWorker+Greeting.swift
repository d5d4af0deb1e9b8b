import Places
import ProxyProtocol
import ServerNames

extension ProxyWorker {
  /// Octets of a greeting that may wait in the socket.
  private static let greetingLimit =
    max(ProxyHeader.maximumByteCount, ClientHelloReader.maximumByteCount)

  /// What a look at a greeting has found.
  private enum Look {
    /// - Parameter path: of the nodes before; nil: too long.
    case header(ProxyHeader, path: RelayPath?)
    case hello(serverName: [UInt8])
    case needsMore
    case refused(CloseReason)
  }

  /// Looks at what the client has said so far, and connects once it is whole.
  mutating func greet(_ slot: Int) {
    let pair = pairs[slot]
    guard let greeting = pair.pointee.greeting else { return handle(.greeted, slot: slot) }
    while greeting.awaited != .nothing {
      if greeting.awaited == .handshake { return shakeHandsWithClient(slot, greeting) }
      let (look, transfer) = pool.peek(pair[.client].fd, limit: Self.greetingLimit) {
        Self.look(at: $0, for: greeting)
      }
      guard let look else {
        switch transfer {
        case .ended: return handle(.refused(.greetingEnded), slot: slot)
        case .broken: return handle(.reset(.client), slot: slot)
        // epoll tells of the next octets.
        case .moved, .wouldBlock: return
        }
      }
      switch look {
      case .header(let header, let path):
        Sockets.drop(header.byteCount, from: pair[.client].fd)
        if let reason = adopt(header, path, pair, greeting) {
          return handle(.refused(reason), slot: slot)
        }
      case .hello(let serverName):
        greeting.serverName = serverName
        let isSecured = listeners[Int(pair.pointee.listener)].rules.tls != nil
        greeting.awaited = isSecured ? .handshake : .nothing
      case .needsMore:
        // What waits is all there will be.
        if pair[.client].isFinished { handle(.refused(.greetingEnded), slot: slot) }
        return
      case .refused(let reason): return handle(.refused(reason), slot: slot)
      }
    }
    handle(.greeted, slot: slot)
  }

  private static func look(at bytes: RawSpan, for greeting: Greeting) -> Look {
    if greeting.awaited == .header {
      do {
        guard let header = try ProxyHeader.decode(stream: bytes) else { return .needsMore }
        return .header(header, path: RelayPath(header.octets(of: .path, in: bytes)))
      } catch {
        return .refused(.proxyHeader)
      }
    }
    var octets = ClientHello.Names(repeating: 0)
    var span = octets.mutableSpan
    var names = unsafe span.mutableBytes
    switch greeting.reader.read(bytes, names: &names) {
    case .needsMore: return .needsMore
    case .hello(let hello): return .hello(serverName: hello.serverName.map { octets[$0] } ?? [])
    case .notTLS: return .hello(serverName: [])
    case .tooLong, .malformed: return .refused(.malformedHello)
    }
  }

  /// Takes what a trusted proxy says for what the socket would say; why the client may not come,
  /// if so.
  private mutating func adopt(
    _ header: ProxyHeader, _ path: RelayPath?, _ pair: PairReference, _ greeting: Greeting
  ) -> CloseReason? {
    guard var path, path.add(shared.node) else { return .relayLoop }
    greeting.path = path
    if let ends = header.ends {
      pair.pointee.clientAddress = ends.source
      greeting.destination = ends.destination
    }
    let readsNames = listeners[Int(pair.pointee.listener)].rules.readsServerNames
    greeting.awaited = readsNames ? .hello : .nothing
    return refusal(of: pair)
  }
}

extension InlineArray where Element == UInt8 {
  fileprivate subscript(range: Range<Int>) -> [UInt8] { range.map { self[$0] } }
}
