import ClientLimits
package import Counters
package import Editions
package import Inheriting
package import Places
package import Sampling
package import Securing
import Synchronization

/// The TCP reverse proxy: a number of threads, each with its own share of the connections.
package final class ProxyServer: Sendable {
  /// Why the proxy can't listen.
  package struct StartError: Error, Sendable, CustomStringConvertible {
    package var listener: String
    package var address: SocketAddress
    package var cause: SystemError

    /// Such as `listener web: 0.0.0.0:80: Address already in use (98)`.
    package var description: String { "listener \(listener): \(address): \(cause)" }
  }

  private struct State {
    var threads: [PlainThread] = []
    var wakeUps: [WakeUp] = []
  }

  private let initialSettings: [ProxyListenerSettings]
  let threadCount: Int
  private let heldByteLimit: Int
  private let desk: EditionDesk
  private let log: AccessLogWriter?
  let shared: ProxyShared
  /// The round trips between this node and its clients.
  package let roundTrips: RoundTripCollector
  private let state = Mutex(State())

  /// - Parameters:
  ///   - node: its name among those that connections come through; empty: it has none.
  ///   - threads: at least 1; one for each core.
  ///   - heldByteLimit: most memory for bytes that peers do not take, over all threads; each has at
  ///     least one block of 64 KiB.
  ///   - clientTableBytes: of the tables that limits of clients are kept in.
  ///   - endpointTLS: as ``update(endpointTLS:)``.
  ///   - measuresRoundTrips: whether each connection's lowest round trip is kept for whoever
  ///     takes it.
  ///   - sampler: notes some of the decisions; nil: none.
  ///   - log: nil writes none. Stopped by its owner, after the proxy.
  package init(
    node: String = "", listeners: [ProxyListenerSettings], threads: Int, desk: EditionDesk,
    counters: CounterBoard,
    passive: PassiveHealth, heldByteLimit: Int = 256 << 20,
    clientTableBytes: Int = 4 << 20, endpointTLS: [String: TLSClientContext] = [:],
    measuresRoundTrips: Bool = false,
    sampler: SampleCollector? = nil,
    log: AccessLogWriter? = nil
  ) {
    initialSettings = listeners
    threadCount = max(1, threads)
    self.heldByteLimit = heldByteLimit
    self.desk = desk
    self.log = log
    roundTrips = RoundTripCollector(isOn: measuresRoundTrips)
    shared = ProxyShared(
      node: node, workerCount: threadCount, passive: passive, counters: counters,
      roundTrips: roundTrips,
      sampler: sampler ?? SampleCollector(.init(resolverInterval: nil), board: counters),
      clients: ClientLimiter(byteCount: clientTableBytes, seed: .random(in: .min ... .max)))
    shared.endpointTLS = endpointTLS
  }

  /// Listens and starts the threads. Connections are accepted as soon as the edition is ready;
  /// until then they wait in the kernel's backlog.
  ///
  /// - Throws: ``StartError`` where an address can't be listened on; then nothing is left open.
  package func start(
    inherited: InheritedSockets = InheritedSockets()
  ) throws(StartError) {
    update(listeners: initialSettings, with: try bind(initialSettings, inherited: inherited))
    do throws(SystemError) {
      for index in 0..<threadCount { try startWorker(index) }
    } catch {
      stop()
      throw StartError(
        listener: "threads", address: SocketAddress(address: .ipv4(0), port: 0), cause: error)
    }
  }

  /// Every address listened on, with the port that a port of 0 has become.
  package var boundAddresses: [(listener: String, address: SocketAddress)] {
    let plan = shared.plan
    return plan.places.map { (plan.listeners[$0.listener].name, $0.bound) }
  }

  /// Connections open now, over all listeners.
  package var connectionCount: Int {
    shared.plan.listeners.reduce(0) { $0 + $1.connectionCount }
  }

  /// When a certificate of a listener holds no more.
  package struct CertificateEnd: Sendable, Equatable {
    package var listener: String
    /// The first that it is for.
    package var name: String
    /// Since 1970.
    package var seconds: Int64
  }

  /// Of all listeners that have certificates. Takes locks: for people, not for connections.
  package var certificateEnds: [CertificateEnd] {
    shared.plan.listeners.filter { !$0.isRetired }.flatMap { listener in
      guard let tls = listener.currentSettings.tls else { return [CertificateEnd]() }
      return zip(tls.names, tls.ends).map { names, end in
        CertificateEnd(listener: listener.name, name: names.first ?? "", seconds: end)
      }
    }
  }

  /// Gives the workers what they begin TLS with to the endpoints of pools, by the pool's name. An
  /// edition with other pools is published after this: where they know nothing of a pool whose
  /// endpoints want TLS, nothing connects.
  package func update(endpointTLS: [String: TLSClientContext]) {
    shared.endpointTLS = endpointTLS
    shared.settingsVersion.add(1, ordering: .releasing)
  }

  /// Takes no more connections, and lets those that are open end by themselves until they are
  /// closed, spread over the last part of the time that they have. ``connectionCount`` tells when
  /// all are gone; ``stop()`` is to follow.
  package func drain(deadline: Duration, spread: Duration) {
    shared.drain(
      by: DrainSchedule(
        now: monotonicNow(), deadline: deadline.nanoseconds, spread: spread.nanoseconds))
    wakeWorkers()
  }

  func wakeWorkers() {
    for wakeUp in state.withLock({ $0.wakeUps }) { wakeUp.signal() }
  }

  /// Whether its threads are at work: each is woken, and turns once more. While it runs.
  ///
  /// - Parameter limit: how long they may take.
  /// - Returns: which one is stuck, such as `proxy-1`; nil: none.
  package func stuckThread(within limit: Duration) async -> String? {
    var waiting = shared.marks.map { $0.turns.load(ordering: .relaxed) }.enumerated().map { $0 }
    let end = ContinuousClock.now + limit
    wakeWorkers()
    while ContinuousClock.now < end {
      waiting.removeAll { shared.marks[$0.offset].turns.load(ordering: .relaxed) != $0.element }
      if waiting.isEmpty { return nil }
      guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return nil }
    }
    return waiting.first.map { Self.threadName($0.offset) }
  }

  private static func threadName(_ index: Int) -> String { "proxy-\(index)" }

  /// Stops at once and for good: open connections are reset. Returns when the threads have ended.
  package func stop() {
    shared.isStopping.store(true, ordering: .releasing)
    let (threads, wakeUps) = state.withLock { state in
      defer { state.threads = [] }
      return (state.threads, state.wakeUps)
    }
    for wakeUp in wakeUps { wakeUp.signal() }
    for thread in threads { thread.join() }
    shared.closeUnfollowed()
  }

  private func startWorker(_ index: Int) throws(SystemError) {
    let wakeUp = try WakeUp()
    let setup = ProxyWorkerSetup(
      index: index, shared: shared, desk: desk, wakeUp: wakeUp,
      epoll: try Poller.makeDescriptor(), log: log?.makeRing(),
      heldBlockLimit: max(1, heldByteLimit / threadCount / BufferPool.blockByteCount),
      seed: UInt64.random(in: 1 ... .max))
    let thread = try PlainThread(name: Self.threadName(index)) {
      var worker = ProxyWorker(setup)
      worker.run()
    }
    state.withLock { state in
      state.threads.append(thread)
      state.wakeUps.append(wakeUp)
    }
  }
}
