import Compiling
import DNSWire
import Editions
import Inheriting
import Logging
import NIOPosix
import ProxyProtocol
import Publishing
import SelfQuerying
import ServiceLifecycle
import Settings

/// Tells systemd that the node lives while it answers itself over real sockets, and the threads
/// that serve connections turn: what is stuck does not, and is ended and started again. It goes on
/// while the node drains, and ends where another process has taken over: that one's life counts
/// then.
struct WatchdogService: Service {
  let watchdog: Watchdog?
  let systemd: Systemd
  let dataPlane: DataPlane
  let publisher: EditionPublisher
  let logger: Logger

  func run() async throws {
    guard let watchdog, systemd.isPresent else {
      try? await gracefulShutdown()
      return
    }
    // A restart alone changes what it goes by.
    let settings = await publisher.compiled.settings
    let query = SelfQuery(
      group: MultiThreadedEventLoopGroup.singleton,
      proxies: TrustedProxies(settings.dns.trustedProxies))
    // The data plane has drained before this is told to end.
    await cancelWhenGracefulShutdown {
      await feed(watchdog, query)
      // A service that ends before it is told to takes the node with it.
      try? await gracefulShutdown()
    }
  }

  private func feed(_ watchdog: Watchdog, _ query: SelfQuery) async {
    let clock = ContinuousClock()
    let start = clock.now
    while !Task.isCancelled && !dataPlane.isHandedOver {
      let asked = clock.now - start
      var wasAnswered = false
      // Before it listens systemd waits for READY=1 alone.
      if dataPlane.isListening {
        wasAnswered = await isAnswered(query, watchdog)
        if wasAnswered && !dataPlane.isHandedOver { systemd.tellAlive() }
      }
      let next = watchdog.next(asked: asked, now: clock.now - start, wasAnswered: wasAnswered)
      try? await clock.sleep(until: start + next)
    }
  }

  /// Any answer counts: an expired zone, or none, is not mended by a restart.
  private func isAnswered(_ query: SelfQuery, _ watchdog: Watchdog) async -> Bool {
    let zone = await publisher.compiled.settings.zones.first
    let name = zone.flatMap { try? DomainName($0.name) } ?? .root
    let worry = Task { [logger] in
      try await Task.sleep(for: watchdog.worry)
      logger.warning(
        "the node does not answer itself; if that goes on, systemd ends it",
        metadata: ["limit": "\(watchdog.limit)"])
    }
    defer { worry.cancel() }
    async let stuck = dataPlane.stuckThread(within: watchdog.limit)
    // Until the first round of health is over nobody is answered, which no restart would hasten.
    let addresses = await publisher.edition.isReady ? dataPlane.dnsAddresses : []
    let silence = await query.silence(
      of: addresses, name: name, type: .soa, within: watchdog.limit)
    let thread = await stuck
    let fault = silence ?? thread
    if let fault, !Task.isCancelled {
      logger.error("the node did not answer itself", metadata: ["fault": "\(fault)"])
    }
    return fault == nil
  }
}
