import CLinux
import Inheriting
import Listening
import Logging
import NIOCore
import NIOPosix
import Places
import ProxyProtocol
import Settings

/// DNS over UDP, TCP and TLS, started and stopped together.
final class DNSListeners: Sendable {
  /// How much the threads of TCP and TLS give way to those of UDP: those answer nearly everybody,
  /// and nobody's connections are to slow them down.
  private static let streamNiceness: Int32 = 5

  let udp: UDPListener
  private let tcp: TCPDNSListener
  private let tls: TCPDNSListener?
  private let group: MultiThreadedEventLoopGroup

  /// TCP first: its ports cannot be shared, so that a second process ends here, before it takes
  /// packets from the one that serves. UDP gets the ports that TCP got.
  ///
  /// - Parameter inherited: its sockets come first.
  static func start(
    _ settings: Settings.DNS, identity: TLSIdentity?, inherited: InheritedSockets,
    descriptors: DescriptorLimit, parts: ResponderParts
  ) async throws -> DNSListeners {
    let proxies = TrustedProxies(settings.trustedProxies)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.streamThreads)
    for eventLoop in group.makeIterator() {
      // Where it is forbidden, they run like the others.
      eventLoop.execute { _ = az_thread_give_way(streamNiceness) }
    }
    var started: [TCPDNSListener] = []
    do {
      let tcp = try await TCPDNSListener.start(
        TCPDNSListener.Settings(
          addresses: settings.listen, limits: StreamLimits(settings.tcp, descriptors: descriptors),
          proxies: proxies),
        inherited: inherited, group: group, parts: parts)
      started.append(tcp)
      if let identity, let encrypted = settings.tls {
        started.append(
          try await TCPDNSListener.start(
            TCPDNSListener.Settings(
              addresses: encrypted.listen,
              limits: StreamLimits(encrypted.streams, descriptors: descriptors),
              proxies: proxies, tls: identity),
            inherited: inherited, group: group, parts: parts))
      }
      let udp = try UDPListener.start(
        UDPListener.Settings(
          addresses: tcp.boundAddresses, threads: settings.threads,
          receiveBufferBytes: settings.receiveBufferBytes,
          maximumUDPBytes: settings.maximumUDPBytes, proxies: proxies),
        inherited: inherited, parts: parts)
      return DNSListeners(
        udp: udp, tcp: tcp, tls: started.count > 1 ? started[1] : nil, group: group)
    } catch {
      for listener in started { await listener.stop() }
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private init(
    udp: UDPListener, tcp: TCPDNSListener, tls: TCPDNSListener?,
    group: MultiThreadedEventLoopGroup
  ) {
    self.udp = udp
    self.tcp = tcp
    self.tls = tls
    self.group = group
  }

  func stop() async {
    await tcp.stop()
    await tls?.stop()
    udp.stop()
    try? await group.shutdownGracefully()
  }

  /// Takes no more packets and connections, which another process does; answers what it has, and
  /// connections that are open go on until ``stop()``.
  func stopListening() async {
    await tcp.stopListening()
    await tls?.stopListening()
    udp.stop()
  }

  /// Connections over TCP and TLS.
  var connectionCount: Int { tcp.connectionCount + (tls?.connectionCount ?? 0) }

  /// Whether a thread of TCP and TLS is stuck: each is given a task that does nothing.
  ///
  /// - Parameter limit: how long they may take.
  func isStreamThreadStuck(within limit: Duration) async -> Bool {
    // On a loop that is none of them.
    let judge = MultiThreadedEventLoopGroup.singleton.next()
    let verdict = judge.makePromise(of: Bool.self)
    let timer = judge.scheduleTask(in: .nanoseconds(Int64(limit / .nanoseconds(1)))) {
      verdict.succeed(true)
    }
    EventLoopFuture.andAllComplete(group.makeIterator().map { $0.submit {} }, on: judge)
      .whenComplete { _ in
        timer.cancel()
        verdict.succeed(false)
      }
    return (try? await verdict.futureResult.get()) ?? false
  }

  /// Gives the descriptors of all sockets that it listens on to a closure.
  func withSockets<Failure: Error>(_ body: ([Int32]) throws(Failure) -> Void) throws(Failure) {
    try tcp.withSockets(body)
    try tls?.withSockets(body)
    try udp.withSockets(body)
  }

  /// For the log.
  var metadata: Logger.Metadata {
    func text(_ addresses: [Places.SocketAddress]) -> Logger.MetadataValue {
      "\(addresses.map(\.description).joined(separator: " "))"
    }
    var metadata: Logger.Metadata = ["dns": text(udp.boundAddresses)]
    if let tls { metadata["dns_tls"] = text(tls.boundAddresses) }
    return metadata
  }
}

/// The certificate and key that the settings name; nil without DNS over TLS.
func tlsIdentity(_ settings: Settings) throws(Faults) -> TLSIdentity? {
  guard let tls = settings.dns.tls else { return nil }
  do throws(TLSIdentityFault) {
    return try TLSIdentity(certificateFile: tls.files.certificate, keyFile: tls.files.key)
  } catch {
    let isKey = error.part == .key
    throw Faults([
      Fault(
        origin: isKey ? tls.files.keyOrigin : tls.files.certificateOrigin,
        message: "\(isKey ? tls.files.key : tls.files.certificate) \(error.reason)")
    ])
  }
}

extension StreamLimits {
  fileprivate init(_ settings: Settings.Streams, descriptors: DescriptorLimit) {
    self.init(
      maximumConnections: descriptors.share(of: settings.maximumConnections),
      maximumConnectionsPerClient: settings.maximumConnectionsPerClient,
      idleTimeout: settings.idleTimeout, receiveTimeout: settings.receiveTimeout,
      sendTimeout: settings.sendTimeout)
  }
}
