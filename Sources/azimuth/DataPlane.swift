import Counters
import Editions
import Listening
import Logging
import NIOPosix
import Places
import Proxying
import RateLimiting
import ServiceLifecycle
import Settings

/// The listeners of both planes: DNS over UDP and TCP, and the proxy. As a service it listens from
/// its start to the node's shutdown.
final class DataPlane: Service {
  let passive = PassiveHealth()
  private let settings: Settings
  private let desk: EditionDesk
  private let counters: CounterBoard
  private let accessLog: AccessLogWriter?
  private let proxy: ProxyServer
  private let logger: Logger
  private let whenListening: @Sendable () -> Void

  /// - Parameter whenListening: called once DNS and proxy listen.
  init(
    _ settings: Settings, desk: EditionDesk, counters: CounterBoard, logger: Logger,
    whenListening: @escaping @Sendable () -> Void
  ) throws {
    self.settings = settings
    self.logger = logger
    self.whenListening = whenListening
    self.desk = desk
    self.counters = counters
    switch settings.proxy.accessLog {
    case .off: accessLog = nil
    case .standardOutput: accessLog = try AccessLogWriter(.standardOutput)
    case .file(let path): accessLog = try AccessLogWriter(.file(path))
    }
    proxy = ProxyServer(
      listeners: proxyListeners(settings), threads: settings.proxy.threads, desk: desk,
      counters: counters, passive: passive, log: accessLog)
  }

  func run() async throws {
    let parts = ResponderParts(
      desk: desk, counters: counters,
      limiter: RateLimiter(
        byteCount: settings.dns.rateTableBytes, seed: .random(in: .min ... .max)))
    // TCP first: its ports cannot be shared, so that a second process ends here, before it takes
    // packets from the one that serves. UDP gets the ports that TCP got.
    let tcp = try await TCPDNSListener.start(
      TCPDNSListener.Settings(
        addresses: settings.dns.listen, maximumConnections: settings.dns.tcpMaximumConnections,
        idleTimeout: settings.dns.tcpIdleTimeout),
      group: MultiThreadedEventLoopGroup.singleton, parts: parts)
    let udp = try UDPListener.start(
      UDPListener.Settings(
        addresses: tcp.boundAddresses, threads: settings.dns.threads,
        receiveBufferBytes: settings.dns.receiveBufferBytes,
        maximumUDPBytes: settings.dns.maximumUDPBytes),
      parts: parts)
    defer { udp.stop() }
    try proxy.start()
    if udp.receiveBufferBytes < settings.dns.receiveBufferBytes {
      logger.notice(
        "the system grants a smaller receive buffer; raise net.core.rmem_max",
        metadata: ["bytes": "\(udp.receiveBufferBytes)"])
    }
    logger.info(
      "listening",
      metadata: [
        "dns": "\(udp.boundAddresses.map(\.description).joined(separator: " "))",
        "proxy": "\(proxy.boundAddresses.map { "\($0.address)" }.joined(separator: " "))",
      ])
    whenListening()
    try? await gracefulShutdown()
    proxy.stop()
    accessLog?.stop()
    await tcp.stop()
  }

  /// Connections that each of the proxy's listeners has open.
  var openConnections: [(listener: String, count: Int)] { proxy.connectionCounts }

  /// Takes what a running proxy can take: services and limits of its listeners.
  func update(_ settings: Settings) {
    _ = proxy.update(listeners: proxyListeners(settings))
  }

  func reopenAccessLog() { accessLog?.reopen() }
}

private func proxyListeners(_ settings: Settings) -> [ProxyListenerSettings] {
  settings.proxy.listeners.map { listener in
    ProxyListenerSettings(
      name: listener.name, addresses: listener.listen,
      serviceName: settings.services[listener.service].name,
      maximumConnections: listener.maximumConnections, connectTimeout: listener.connectTimeout,
      connectBudget: listener.connectBudget, maximumAttempts: listener.maximumAttempts,
      idleTimeout: listener.idleTimeout, halfClosedTimeout: listener.halfClosedTimeout,
      bufferBytes: listener.bufferBytes)
  }
}
