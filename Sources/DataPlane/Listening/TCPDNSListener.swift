import CLinux
import Glibc
package import Inheriting
public import NIOCore
import NIOPosix
import NIOSSL
public import Places
public import ProxyProtocol

/// DNS over TCP (RFC 7766), or over TLS (RFC 7858 §3.1), on SwiftNIO: many queries on one
/// connection, answered by the same `Responder` as over UDP, one for each event loop.
public final class TCPDNSListener: Sendable {
  public struct Settings: Sendable {
    public var addresses: [Places.SocketAddress]
    public var limits: StreamLimits
    /// Whose connections begin with a header that names the client.
    public var proxies: TrustedProxies
    /// nil: without TLS.
    public var tls: TLSIdentity?

    public init(
      addresses: [Places.SocketAddress], limits: StreamLimits = StreamLimits(),
      proxies: TrustedProxies = TrustedProxies(), tls: TLSIdentity? = nil
    ) {
      self.addresses = addresses
      self.limits = limits
      self.proxies = proxies
      self.tls = tls
    }
  }

  /// In the order of the settings, with the ports that were given out for port 0.
  public let boundAddresses: [Places.SocketAddress]

  private let channels: [any Channel]
  /// Of the same channels.
  private let sockets: [Int32]
  private let loops: StreamLoops

  /// Binds all addresses.
  ///
  /// - Throws: ``ListenFault`` if one cannot be bound; none is then.
  public static func start(
    _ settings: Settings, group: any EventLoopGroup, parts: ResponderParts
  ) async throws -> TCPDNSListener {
    try await start(settings, inherited: InheritedSockets(), group: group, parts: parts)
  }

  /// - Parameter inherited: its sockets come first.
  package static func start(
    _ settings: Settings, inherited: InheritedSockets, group: any EventLoopGroup,
    parts: ResponderParts
  ) async throws -> TCPDNSListener {
    let loops = try await StreamLoops(settings, group: group, parts: parts)
    var channels: [any Channel] = []
    var sockets: [Int32] = []
    var bound: [Places.SocketAddress] = []
    do {
      for address in settings.addresses {
        var address = address
        for socket in try Self.sockets(at: address, inherited: inherited) {
          let channel = try await serve(socket, settings: settings, group: group, loops: loops)
          channels.append(channel)
          sockets.append(socket)
          address.port = UInt16(channel.localAddress?.port ?? Int(address.port))
        }
        bound.append(address)
      }
    } catch {
      for channel in channels { try? await channel.close() }
      await loops.stop()
      throw error
    }
    return TCPDNSListener(
      boundAddresses: bound, channels: channels, sockets: sockets, loops: loops)
  }

  private init(
    boundAddresses: [Places.SocketAddress], channels: [any Channel], sockets: [Int32],
    loops: StreamLoops
  ) {
    self.sockets = sockets
    self.boundAddresses = boundAddresses
    self.channels = channels
    self.loops = loops
  }

  /// Closes the listeners, then all connections.
  public func stop() async {
    for channel in channels { try? await channel.close() }
    await loops.stop()
  }

  /// Takes no more connections; those that are open go on until ``stop()``.
  package func stopListening() async {
    for channel in channels { try? await channel.setOption(.autoRead, value: false).get() }
    // NIO closes the connections that are on their way from the listener's loop to theirs, and
    // back, when the listener is closed: they arrive first.
    await loops.finishRound()
    for channel in channels { try? await channel.eventLoop.submit {}.get() }
    for channel in channels { try? await channel.close() }
  }

  /// Connections that are open now.
  package var connectionCount: Int { loops.connectionCount }

  /// Gives the descriptors of the listening sockets to a closure. Only while it listens.
  package func withSockets<Failure: Error>(
    _ body: ([Int32]) throws(Failure) -> Void
  ) throws(Failure) {
    try body(channels.allSatisfy(\.isActive) ? sockets : [])
  }

  /// What was inherited for an address, or else a socket of its own.
  private static func sockets(
    at address: Places.SocketAddress, inherited: InheritedSockets
  ) throws(ListenFault) -> [Int32] {
    let found = inherited.take(.stream, at: address)
    guard found.isEmpty else { return found }
    var raw = az_tcp_address()
    raw.port = address.port
    switch address.address {
    case .ipv4(let bits): raw.low = UInt64(bits)
    case .ipv6(let bits):
      raw.high = UInt64(truncatingIfNeeded: bits >> 64)
      raw.low = UInt64(truncatingIfNeeded: bits)
      raw.is_ipv6 = 1
    }
    let opened = unsafe az_tcp_listen_alone(&raw, backlog)
    guard opened >= 0 else {
      throw ListenFault(address: address, reason: unsafe String(cString: strerror(-opened)))
    }
    return [opened]
  }
}

// MARK: - Connections

extension TCPDNSListener {
  /// Connections that wait to be accepted; the system has a limit of its own (net.core.somaxconn).
  private static let backlog: CInt = 4_096
  /// Of the kernel's for each connection, which would grow to some megabytes otherwise.
  private static let sendBufferByteCount = 262_144
  /// The most that the kernel holds beyond what is on its way: it takes more as soon as the peer
  /// has taken something, so that whoever reads slowly is told from who does not read.
  private static let unsentByteCount = 16_384
  /// TCP_NOTSENT_LOWAT, which NIO has no name for.
  private static let unsentLimit = NIOBSDSocket.Option(rawValue: 25)
  private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
    low: 32_768, high: 65_536)
  /// The first read of a connection is for a query or two; who sends much gets a larger buffer.
  private static let readByteCounts = AdaptiveRecvByteBufferAllocator(
    minimum: 512, initial: 512, maximum: 16_384)

  /// Takes the socket over.
  private static func serve(
    _ socket: Int32, settings: Settings, group: any EventLoopGroup, loops: StreamLoops
  ) async throws -> any Channel {
    // Accepted sockets inherit what is set on the listener: no call for each of them.
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_sndbuf), value: sendBufferByteCount)
      .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .tcp, name: unsentLimit),
        value: SocketOptionValue(unsentByteCount)
      )
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptGate(loops: loops))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.recvAllocator, value: readByteCounts)
      .childChannelOption(.writeBufferWaterMark, value: waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try add(to: channel, settings: settings, loops: loops)
        }
      }
    return try await bootstrap.withBoundSocket(socket).get()
  }

  /// proxy's header ─► TLS ─► queries
  private static func add(
    to channel: any Channel, settings: Settings, loops: StreamLoops
  ) throws {
    guard let loop = loops.loop(for: channel.eventLoop),
      let peer = channel.remoteAddress.flatMap(Places.SocketAddress.init)
    else { throw ChannelError.operationUnsupported }
    let isProxied = settings.proxies.contains(peer.address)
    let handlers = channel.pipeline.syncOperations
    let stream = StreamHandler(
      loop: loop, source: peer,
      server: channel.localAddress.flatMap(Places.SocketAddress.init), isProxied: isProxied,
      isSecured: settings.tls != nil)
    if isProxied { try handlers.addHandler(ProxyHeaderHandler(stream: stream)) }
    if let tls = settings.tls {
      try handlers.addHandler(NIOSSLServerHandler(context: tls.context))
    }
    try handlers.addHandler(stream)
  }
}

extension Places.SocketAddress {
  /// nil unless it is of the Internet.
  fileprivate init?(_ address: NIOCore.SocketAddress) {
    guard address.protocol == .inet || address.protocol == .inet6 else { return nil }
    let read = unsafe address.withSockAddr { pointer, _ in
      unsafe az_tcp_address_of(pointer)
    }
    let bits = UInt128(read.high) << 64 | UInt128(read.low)
    self.init(
      address: read.is_ipv6 == 0 ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6(bits),
      port: read.port)
  }
}
