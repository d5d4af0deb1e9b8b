public import NIOCore
import NIOPosix
public import Places
import Synchronization

/// DNS over TCP (RFC 7766) on SwiftNIO: many queries on one connection, answered in order by the
/// same ``Responder`` as over UDP, one for each event loop.
public final class TCPDNSListener: Sendable {
  public struct Settings: Sendable {
    public var addresses: [Places.SocketAddress]
    /// Over all addresses. One more closes the connection that has been quiet for the longest.
    public var maximumConnections: Int
    public var idleTimeout: Duration

    public init(
      addresses: [Places.SocketAddress], maximumConnections: Int = 1_000,
      idleTimeout: Duration = .seconds(10)
    ) {
      self.addresses = addresses
      self.maximumConnections = max(1, maximumConnections)
      self.idleTimeout = idleTimeout
    }
  }

  /// In the order of the settings, with the ports that were given out for port 0.
  public let boundAddresses: [Places.SocketAddress]

  private let channels: [any Channel]
  private let loops: StreamLoops

  /// Binds all addresses.
  ///
  /// - Throws: ``ListenFault`` if one cannot be bound; none is then.
  public static func start(
    _ settings: Settings, group: any EventLoopGroup, parts: ResponderParts
  ) async throws -> TCPDNSListener {
    let loops = try await StreamLoops(settings, group: group, parts: parts)
    var channels: [any Channel] = []
    var bound: [Places.SocketAddress] = []
    do {
      for address in settings.addresses {
        let channel = try await bind(address, settings: settings, group: group, loops: loops)
        channels.append(channel)
        var address = address
        address.port = UInt16(channel.localAddress?.port ?? Int(address.port))
        bound.append(address)
      }
    } catch {
      for channel in channels { try? await channel.close() }
      await loops.stop()
      throw error
    }
    return TCPDNSListener(boundAddresses: bound, channels: channels, loops: loops)
  }

  private init(
    boundAddresses: [Places.SocketAddress], channels: [any Channel], loops: StreamLoops
  ) {
    self.boundAddresses = boundAddresses
    self.channels = channels
    self.loops = loops
  }

  /// Closes the listeners, then all connections.
  public func stop() async {
    for channel in channels { try? await channel.close() }
    await loops.stop()
  }

  private static func bind(
    _ address: Places.SocketAddress, settings: Settings, group: any EventLoopGroup,
    loops: StreamLoops
  ) async throws -> any Channel {
    let idle = TimeAmount(settings.idleTimeout)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 32_768, high: 131_072))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let loop = loops.loop(for: channel.eventLoop) else {
            throw ChannelError.operationUnsupported
          }
          let handlers = channel.pipeline.syncOperations
          try handlers.addHandler(IdleStateHandler(allTimeout: idle))
          try handlers.addHandler(
            StreamHandler(loop: loop, source: Places.SocketAddress(channel.remoteAddress)))
        }
      }
    do {
      return try await bootstrap.bind(host: "\(address.address)", port: Int(address.port)).get()
    } catch {
      throw ListenFault(address: address, reason: "\(error)")
    }
  }
}

extension Places.SocketAddress {
  /// Nobody's address if the peer is gone already.
  fileprivate init(_ address: NIOCore.SocketAddress?) {
    self.init(
      address: address?.ipAddress.flatMap { IPAddress($0) } ?? .ipv4(0),
      port: UInt16(clamping: address?.port ?? 0))
  }
}
