import Counters
import Editions
import Listening
import Logging
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
  private let whenListening: @Sendable () -> Void

  /// - Parameter whenListening: called once DNS and proxy listen.
  init(
    _ settings: Settings, tls: LoadedTLS, desk: EditionDesk, counters: CounterBoard,
    uncommon: any UncommonMessages, logger: Logger, whenListening: @escaping @Sendable () -> Void
  ) throws {
    self.settings = settings
    stopping = Mutex(settings.stopping)
    identity = tls.dns
    self.logger = logger
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
    switch settings.proxy.accessLog {
    case .off: accessLog = nil
    case .standardOutput: accessLog = try AccessLogWriter(.standardOutput)
    case .file(let path): accessLog = try AccessLogWriter(.file(path))
    }
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
      settings.dns, identity: identity, descriptors: descriptors, parts: parts)
    do {
      try proxy.start()
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
    logger.info("listening", metadata: metadata)
    whenListening()
    try? await gracefulShutdown()
    await drain()
    proxy.stop()
    accessLog?.stop()
    await dns.stop()
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
    proxy.drain(deadline: stopping.deadline, spread: stopping.spread)
    // Workers close the last one a moment after the deadline.
    let end = ContinuousClock.now + stopping.deadline + .milliseconds(500)
    while proxy.connectionCount > 0 && ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
    }
  }

  /// Whether the node is ending: not ready any more.
  var isEnding: Bool { isDraining.load(ordering: .acquiring) }

  /// The proxy's round trips to its clients since the last call.
  func takeRoundTrips() -> [RoundTrip] { proxy.roundTrips.takeAll() }

  /// Takes what an edition's pools begin TLS with, before that edition is published.
  func prepare(_ tls: LoadedTLS) { proxy.update(endpointTLS: tls.pools) }

  /// Takes what can change while it runs: services and limits of the proxy's listeners, and the
  /// certificates.
  func update(_ settings: Settings, _ tls: LoadedTLS) {
    if let identity = tls.dns { self.identity?.adopt(identity) }
    stopping.withLock { $0 = settings.stopping }
    proxy.roundTrips.setMeasuring(settings.latency.region != nil)
    _ = proxy.update(listeners: proxyListeners(settings, tls))
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
      clientLimits: listener.clientLimits)
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
