import Counters
import Editions
import Places
import ProxyProtocol

extension ProxyWorker {
  /// Connections accepted from one socket before others have their turn.
  private static let acceptsPerTurn = 64
  private static let descriptorPause: UInt64 = 100_000_000
  private static let capPause: UInt64 = 10_000_000

  mutating func accept(socket: Int32, listener index: Int) {
    // Paused by another of its sockets in this batch.
    guard listeners[index].isPolled else { return }
    _ = acceptTurn(socket: socket, listener: index)
  }

  /// Accepts some connections; whether there may be more.
  mutating func acceptTurn(socket: Int32, listener index: Int) -> Bool {
    for _ in 0..<Self.acceptsPerTurn {
      guard listeners[index].shared.enter() else {
        shard.add(to: listeners[index].counters.pausesAtCap)
        pause(listener: index, for: Self.capPause)
        return false
      }
      do {
        let (fd, peer) = try Sockets.accept(socket)
        begin(fd, peer: peer, listener: index)
      } catch {
        listeners[index].shared.leave()
        guard error.isOutOfDescriptors else { return false }
        shard.add(to: listeners[index].counters.pausesForDescriptors)
        pause(listener: index, for: Self.descriptorPause)
        return false
      }
    }
    return true
  }

  /// Stops taking connections: those that come wait in the kernel's backlog.
  mutating func pause(listener index: Int, for nanoseconds: UInt64) {
    listeners[index].resumesAt = now &+ nanoseconds
    guard listeners[index].isPolled else { return }
    listeners[index].isPolled = false
    for socket in listeners[index].sockets { poller.remove(socket) }
  }

  /// Takes connections (again), as soon as there is an edition to route them by.
  mutating func resumeListeners() {
    for index in listeners.indices where !listeners[index].isPolled {
      guard now >= listeners[index].resumesAt, !listeners[index].shared.isFull,
        reader.edition.isReady
      else { continue }
      listeners[index].isPolled = true
      for socket in listeners[index].sockets {
        let data = Self.eventData(.listener, slot: index, tag: UInt32(bitPattern: socket))
        _ = poller.addListener(socket, data: data)
      }
    }
  }

  private mutating func begin(_ fd: Int32, peer: SocketAddress, listener index: Int) {
    let slot = pairs.take()
    let pair = pairs[slot]
    lastSequence += 1
    pair.pointee.client.fd = fd
    pair.pointee.client.tag = pairs.makeTag()
    pair.pointee.listener = Int32(index)
    pair.pointee.clientAddress = peer
    pair.pointee.sequence = lastSequence
    pair.pointee.machine = ConnectionStateMachine(acceptedAt: now)
    shard.add(to: listeners[index].counters.accepted)
    let data = Self.eventData(.client, slot: slot, tag: pair.pointee.client.tag)
    guard poller.addConnection(fd, data: data) else {
      return handle(.refused(.overload), slot: slot)
    }
    if let trusted = listeners[index].rules.trustedProxies {
      guard trusted.contains(peer.address) else {
        return handle(.refused(.untrustedProxy), slot: slot)
      }
    } else if let reason = refusal(of: pair) {
      return handle(.refused(reason), slot: slot)
    }
    pair.pointee.greeting = listeners[index].rules.greeting()
    handle(pair.pointee.greeting == nil ? .accepted : .greetingExpected, slot: slot)
    if pair.pointee.isInUse { setTimer(slot) }
  }
}
