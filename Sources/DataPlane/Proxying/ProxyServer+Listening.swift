package import Inheriting
import Places

extension ProxyServer {
  /// Binds what these listeners have and those of now have not, and nothing else: everything goes
  /// on as it is until ``update(listeners:with:)``.
  ///
  /// - Parameter inherited: its sockets come first. Each belongs to a worker, even if those are
  ///   fewer: what waits in a socket that nobody listens on is reset when it is closed.
  /// - Throws: ``StartError`` where an address can't be listened on; then nothing is left open.
  package func bind(
    _ new: [ProxyListenerSettings], inherited: InheritedSockets = InheritedSockets()
  ) throws(StartError) -> BoundListeners {
    let plan = shared.plan
    var bound: [BoundListeners.Place] = []
    do throws(StartError) {
      for settings in new {
        for address in settings.servedAddresses
        where !plan.places.contains(where: { plan.serves($0, address, of: settings.name) }) {
          bound.append(
            try listen(settings, on: address, beside: plan.places, inherited: inherited))
        }
      }
    } catch {
      for place in bound { BoundListeners.close(place.sockets) }
      throw error
    }
    return BoundListeners(bound)
  }

  /// Gives the listeners new services, limits and addresses. Who is gone takes no more
  /// connections; those that are open keep what they have until their next deadline. An address
  /// that goes from one listener to another is listened on without a break. Who drains keeps its
  /// connections until their time has come, and no address.
  ///
  /// - Parameter bound: what `bind(_:)` gave for the same listeners.
  package func update(listeners new: [ProxyListenerSettings], with bound: BoundListeners) {
    // Whoever drains takes up nothing.
    guard shared.drainSchedule == nil else { return }
    shared.change { plan, version, followed in
      let old = plan
      plan.places = []
      var taken = Set<Int32>()
      for settings in new {
        let index = listenerIndex(settings, in: &plan, followed: followed)
        for address in settings.servedAddresses {
          let place = old.places.first {
            old.serves($0, address, of: settings.name)
              && taken.isDisjoint(with: $0.sockets.joined())
          }
          guard var place else { continue }
          taken.formUnion(place.sockets.joined())
          place.listener = index
          place.configured = address
          plan.places.append(place)
        }
      }
      for place in bound.takeAll() { plan.add(place, version: version) }
      plan.leave(old.places, version: version, followed: followed)
      let names = Set(new.map(\.name))
      for listener in plan.listeners where !names.contains(listener.name) {
        listener.retire(version: version)
      }
    }
    wakeWorkers()
  }

  /// The place of a listener: its own, one that nobody needs any more, or a new one.
  private func listenerIndex(
    _ settings: ProxyListenerSettings, in plan: inout ListeningPlan, followed: UInt64
  ) -> Int {
    if let index = plan.listeners.firstIndex(where: { $0.name == settings.name }) {
      plan.listeners[index].update(settings, now: monotonicNow())
      return index
    }
    let listener = ProxyListener(
      settings, serial: shared.makeListenerSerial(), now: monotonicNow())
    let free = plan.listeners.firstIndex { $0.isForgotten(followed: followed) }
    guard let free else {
      plan.listeners.append(listener)
      return plan.listeners.count - 1
    }
    plan.listeners[free] = listener
    return free
  }

  /// At least one socket for each worker on one address.
  ///
  /// - Parameter held: where this proxy listens already.
  private func listen(
    _ settings: ProxyListenerSettings, on address: SocketAddress,
    beside held: [ListeningPlan.Place], inherited: InheritedSockets
  ) throws(StartError) -> BoundListeners.Place {
    var bound = address
    var sockets = inherited.take(.stream, at: address)
    let inheritedCount = sockets.count
    do throws(SystemError) {
      for socket in sockets { try Sockets.adopt(socket, settings.tcp) }
      // What we have ourselves, such as all addresses of this port, is not somebody else's.
      let isOurs = inheritedCount > 0 || held.contains { $0.bound.overlaps(address) }
      if address.port != 0 && !isOurs { try Sockets.checkIsFree(address) }
      while sockets.count < threadCount {
        let socket = try listen(
          on: bound, settings.tcp, beside: inheritedCount > 0 ? sockets[0] : nil)
        sockets.append(socket)
        bound = try Sockets.localAddress(of: socket)
      }
    } catch {
      for socket in sockets { Sockets.close(socket) }
      throw StartError(listener: settings.name, address: address, cause: error)
    }
    var byWorker: [[Int32]] = Array(repeating: [], count: threadCount)
    for (index, socket) in sockets.enumerated() { byWorker[index % threadCount].append(socket) }
    return BoundListeners.Place(
      listener: settings.name, configured: address, bound: bound, sockets: byWorker)
  }

  /// - Parameter inherited: where it shares its port with nobody, as systemd's do unless they are
  ///   told to, a second worker listens on the same socket.
  private func listen(
    on address: SocketAddress, _ options: TCPOptions, beside inherited: Int32?
  ) throws(SystemError) -> Int32 {
    do throws(SystemError) {
      return try Sockets.listen(on: address, options)
    } catch {
      guard let copy = inherited.flatMap({ InheritedSockets.duplicate($0) }) else { throw error }
      return copy
    }
  }

  /// Gives the descriptors of all listening sockets to a closure. Only while it listens.
  package func withSockets<Failure: Error>(
    _ body: ([Int32]) throws(Failure) -> Void
  ) throws(Failure) {
    try body(shared.plan.places.flatMap { $0.sockets.joined() })
  }
}

extension SocketAddress {
  /// Whether one of them takes in the other: the same port, and the same address or all of them.
  fileprivate func overlaps(_ other: SocketAddress) -> Bool {
    guard port == other.port else { return false }
    switch (address, other.address) {
    case (.ipv4(let one), .ipv4(let two)): return one == two || one == 0 || two == 0
    case (.ipv6(let one), .ipv6(let two)): return one == two || one == 0 || two == 0
    default: return false
    }
  }
}
