import Counters
import Editions
import Glibc
import Inheriting
import Listening
import Logging
import Places
import ProxyProtocol
import Proxying
import RateLimiting
import Sampling
import ServiceLifecycle
import Settings
import Synchronization
import Tapping

/// The listeners of both planes: DNS over UDP and TCP, and the proxy. As a service it listens from
/// its start to the node's shutdown.
final class DataPlane: Service {
  let passive = PassiveHealth()
  let sampler: SampleCollector
  private let settings: Settings
  private let identity: TLSIdentity?
  private let desk: EditionDesk
  private let counters: CounterBoard
  private let uncommon: any UncommonMessages
  private let accessLog: AccessLogWriter?
  private let proxy: ProxyServer
  private let logger: Logger
  private let stopping: Mutex<Settings.Stopping>
  private let isDraining = Atomic<Bool>(false)
  private let handedOver = Atomic<Bool>(false)
  private let inherited: InheritedSockets
  private let systemd: Systemd
  /// Once it listens.
  private let dns = Mutex<DNSListeners?>(nil)
  private let whenListening: @Sendable () -> Void
  private let withdrawRoutes: @Sendable () -> Duration
  private let isWithdrawing = Atomic<Bool>(false)

  /// - Parameters:
  ///   - inherited: sockets that come before those that it makes.
  ///   - systemd: keeps the sockets, and is told when serving begins and ends.
  ///   - withdrawRoutes: called first of all when the node ends; for how long clients may still
  ///     come.
  ///   - whenListening: called once DNS and proxy listen.
  init(
    _ settings: Settings, tls: LoadedTLS, inherited: InheritedSockets,
    systemd: Systemd, desk: EditionDesk, counters: CounterBoard,
    uncommon: any UncommonMessages, logger: Logger,
    withdrawRoutes: @escaping @Sendable () -> Duration,
    whenListening: @escaping @Sendable () -> Void
  ) throws {
    self.inherited = inherited
    self.systemd = systemd
    self.settings = settings
    stopping = Mutex(settings.stopping)
    identity = tls.dns
    self.logger = logger
    self.withdrawRoutes = withdrawRoutes
    self.whenListening = whenListening
    self.desk = desk
    self.counters = counters
    self.uncommon = uncommon
    sampler = SampleCollector(
      SampleCollector.Settings(
        resolverInterval: settings.dns.subnetCoverage?.interval,
        decisionInterval: settings.decisionLog.destination == .off
          ? nil : settings.decisionLog.interval),
      board: counters)
    accessLog = try makeWriter(
      settings.proxy.accessLog, name: "access log", failed: "azimuth_proxy_log_failed_total",
      counters: counters, logger: logger)
    proxy = ProxyServer(
      node: settings.node.id, listeners: proxyListeners(settings, tls),
      threads: settings.proxy.threads, desk: desk,
      counters: counters, passive: passive, heldByteLimit: settings.proxy.bufferMemoryBytes,
      clientTableBytes: settings.proxy.clientTableBytes, endpointTLS: tls.pools,
      measuresRoundTrips: settings.latency.region != nil, sampler: sampler,
      log: accessLog)
  }

  func run() async throws {
    let tap = try startTap()
    // Last, when nobody is answered any more.
    defer { tap?.stop() }
    let parts = ResponderParts(
      desk: desk, counters: counters,
      limiter: RateLimiter(
        byteCount: settings.dns.rateTableBytes, seed: .random(in: .min ... .max)),
      uncommon: uncommon, tap: tap, sampler: sampler)
    let descriptors = DescriptorLimit(settings)
    descriptors.warnIfExceeded(logger: logger)
    let dns = try await DNSListeners.start(
      settings.dns, identity: identity, inherited: inherited, descriptors: descriptors,
      parts: parts)
    do {
      try proxy.start(inherited: inherited)
    } catch {
      await dns.stop()
      throw error
    }
    if dns.udp.receiveBufferBytes < settings.dns.receiveBufferBytes {
      logger.notice(
        "the system grants a smaller receive buffer; raise net.core.rmem_max",
        metadata: ["bytes": "\(dns.udp.receiveBufferBytes)"])
    }
    var metadata = dns.metadata
    metadata["proxy"] = "\(proxy.boundAddresses.map { "\($0.address)" }.joined(separator: " "))"
    let unused = inherited.closeRest()
    if !unused.isEmpty {
      metadata["not_taken"] = "\(unused.map { "\($0)" }.joined(separator: " "))"
    }
    logger.info("listening", metadata: metadata)
    self.dns.withLock { $0 = dns }
    systemd.keep(sockets)
    systemd.tellReady(processID: getpid())
    whenListening()
    try? await gracefulShutdown()
    if isHandedOver {
      await leave(dns)
    } else {
      systemd.tellStopping()
      await withdraw()
      await drain()
    }
    self.dns.withLock { $0 = nil }
    proxy.stop()
    accessLog?.stop()
    await dns.stop()
  }

  /// Nobody is led here any more by anycast routes, and whoever still comes is served as ever.
  private func withdraw() async {
    isWithdrawing.store(true, ordering: .releasing)
    let rest = withdrawRoutes()
    guard rest > .zero, !Task.isCancelled else { return }
    logger.info("routes withdrawn", metadata: ["waits": "\(rest)"])
    try? await Task.sleep(for: rest)
  }

  /// Not ready at once; takes connections for a while yet; then waits until those that are open
  /// have ended, or their time is over. A cancelled task does none of it.
  private func drain() async {
    isDraining.store(true, ordering: .releasing)
    let stopping = stopping.withLock { $0 }
    guard !Task.isCancelled else { return }
    logger.info(
      "draining", metadata: ["connections": "\(proxy.connectionCount)"])
    guard (try? await Task.sleep(for: stopping.delay)) != nil else { return }
    proxy.drain(deadline: stopping.draining.deadline, spread: stopping.draining.spread)
    await wait(stopping.draining.deadline) { proxy.connectionCount > 0 }
  }

  /// Another process listens on the same sockets: this one takes nothing more from them, and waits
  /// for the connections that it has.
  private func leave(_ dns: DNSListeners) async {
    isDraining.store(true, ordering: .releasing)
    let stopping = stopping.withLock { $0 }
    guard !Task.isCancelled else { return }
    proxy.drain(deadline: stopping.draining.deadline, spread: stopping.draining.spread)
    await dns.stopListening()
    logger.info(
      "handed over",
      metadata: [
        "proxy_connections": "\(proxy.connectionCount)",
        "dns_connections": "\(dns.connectionCount)",
      ])
    await wait(stopping.draining.deadline) { self.proxy.connectionCount + dns.connectionCount > 0 }
  }

  /// Waits while something holds, but not much longer than the deadline.
  private func wait(_ deadline: Duration, while holds: () -> Bool) async {
    // Workers close the last one a moment after the deadline.
    let end = ContinuousClock.now + deadline + .milliseconds(500)
    while holds() && ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
    }
  }

  /// The node is about to end because another process has its sockets.
  func noteHandedOver() { handedOver.store(true, ordering: .releasing) }

  /// Whether another process has its sockets.
  var isHandedOver: Bool { handedOver.load(ordering: .acquiring) }

  /// Gives the descriptors of all sockets that it listens on to a closure, some at a time.
  func withSockets<Failure: Error>(_ body: ([Int32]) throws(Failure) -> Void) throws(Failure) {
    // Whoever ends closes them.
    guard !isEnding, let dns = dns.withLock({ $0 }) else { return }
    try dns.withSockets(body)
    try proxy.withSockets(body)
  }

  private var sockets: [Int32] {
    var sockets: [Int32] = []
    withSockets { sockets += $0 }
    return sockets
  }

  /// Whether clients are let in.
  var isListening: Bool { dns.withLock { $0 != nil } }

  /// Whether the node is ending: not ready any more.
  var isEnding: Bool { isDraining.load(ordering: .acquiring) }

  /// Whether the node was told to end, ready or not.
  var isLeaving: Bool { isEnding || isWithdrawing.load(ordering: .acquiring) }

  /// Where DNS listens without TLS; empty until it does.
  var dnsAddresses: [SocketAddress] { dns.withLock { $0?.udp.boundAddresses ?? [] } }

  /// Whether the threads that serve connections are at work; those of UDP are not asked.
  ///
  /// - Parameter limit: how long they may take.
  /// - Returns: which are stuck, for people; nil: none, or it does not listen.
  func stuckThread(within limit: Duration) async -> String? {
    guard let dns = dns.withLock({ $0 }) else { return nil }
    async let proxyThread = proxy.stuckThread(within: limit)
    async let isStreamThreadStuck = dns.isStreamThreadStuck(within: limit)
    if await isStreamThreadStuck { return "a thread of DNS over TCP and TLS is stuck" }
    return await proxyThread.map { "the thread \($0) is stuck" }
  }

  /// When the proxy's certificates end.
  var certificateEnds: [ProxyServer.CertificateEnd] { proxy.certificateEnds }

  /// The proxy's round trips to its clients since the last call.
  func takeRoundTrips() -> [RoundTrip] { proxy.roundTrips.takeAll() }

  /// Takes what an edition's pools begin TLS with, before that edition is published.
  func prepare(_ tls: LoadedTLS) { proxy.update(endpointTLS: tls.pools) }

  /// Binds what the proxy's listeners are to have and have not yet; nobody accepts on it.
  func bind(
    _ settings: Settings, _ tls: LoadedTLS, file: String
  ) throws(Faults) -> BoundListeners {
    do throws(ProxyServer.StartError) {
      return try proxy.bind(proxyListeners(settings, tls))
    } catch {
      throw Faults([
        Fault(
          origin: Origin(file: file, path: "proxy.listeners.\(error.listener).listen"),
          message: "cannot listen on \(error.address): \(error.cause)")
      ])
    }
  }

  /// Takes what can change while it runs: the proxy's listeners, and the certificates.
  ///
  /// - Parameter bound: what ``bind(_:_:file:)`` gave for the same settings.
  func update(_ settings: Settings, _ tls: LoadedTLS, bound: BoundListeners) {
    if let identity = tls.dns { self.identity?.adopt(identity) }
    stopping.withLock { $0 = settings.stopping }
    proxy.roundTrips.setMeasuring(settings.latency.region != nil)
    proxy.update(listeners: proxyListeners(settings, tls), with: bound)
    systemd.keep(sockets)
  }

  /// nil: it is off.
  private func startTap() throws -> Tap? {
    guard let dnstap = settings.dns.dnstap else { return nil }
    return try Tap.start(
      Tap.Settings(
        path: dnstap.socket, interval: dnstap.interval, tellsQueries: dnstap.tellsQueries,
        tellsAnswers: dnstap.tellsAnswers, identity: dnstap.identity ?? settings.node.id,
        version: dnstap.version ?? "azimuth \(AzimuthVersion.text)"),
      board: counters
    ) { [logger] event in
      let metadata: Logger.Metadata = ["socket": "\(dnstap.socket)"]
      switch event {
      case .connected: logger.info("dnstap has a reader", metadata: metadata)
      case .disconnected(let fault):
        logger.warning(
          "dnstap has no reader; frames are dropped until there is one",
          metadata: metadata.merging(["reason": "\(fault)"]) { $1 })
      }
    }
  }

  func reopenAccessLog() { accessLog?.reopen() }
}

private func proxyListeners(
  _ settings: Settings, _ tls: LoadedTLS
) -> [ProxyListenerSettings] {
  settings.proxy.listeners.map { listener in
    ProxyListenerSettings(
      name: listener.name, addresses: listener.listen,
      services: .init(listener, settings), logsConnects: settings.proxy.logsConnects,
      logInterval: settings.proxy.logInterval,
      trustedProxies: listener.trustedProxies.map { TrustedProxies($0) },
      greetingTimeout: listener.greetingTimeout, tls: tls.listeners[listener.name],
      maximumConnections: listener.maximumConnections, connectTimeout: listener.connectTimeout,
      connectBudget: listener.connectBudget, maximumAttempts: listener.maximumAttempts,
      raceAfter: raceDelay(listener.raceAfter),
      repeatedBytes: listener.repeatedBytes, idleTimeout: listener.idleTimeout,
      halfClosedTimeout: listener.halfClosedTimeout,
      bufferBytes: listener.bufferBytes, tcp: tcpOptions(listener.tcp),
      clientLimits: listener.clientLimits,
      drain: listener.draining.map { .init(deadline: $0.deadline, spread: $0.spread) })
  }
}

private func raceDelay(_ delay: Settings.Proxy.RaceDelay) -> RaceDelay {
  switch delay {
  case .never: .never
  case .automatic: .roundTrips
  case .after(let duration): .fixed(nanoseconds: UInt64(max(0, duration / .nanoseconds(1))))
  }
}

private func tcpOptions(_ tcp: Settings.Proxy.TCP) -> TCPOptions {
  TCPOptions(
    keepAlive: tcp.keepAlive.map {
      TCPOptions.KeepAlive(
        idleSeconds: Int($0.idle / .seconds(1)), intervalSeconds: Int($0.interval / .seconds(1)),
        probes: $0.probes)
    },
    userTimeoutMilliseconds: tcp.userTimeout.map { Int($0 / .milliseconds(1)) } ?? 0,
    sendsAtOnce: tcp.sendsAtOnce, fastOpenQueue: tcp.fastOpenQueue, backlog: tcp.backlog,
    mark: UInt32(clamping: tcp.mark), sources: tcp.sources)
}
