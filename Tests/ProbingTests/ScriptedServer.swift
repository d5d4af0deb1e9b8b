import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Places
import Synchronization

/// A server on loopback that answers each connection with fixed bytes, and remembers what it saw.
final class ScriptedServer: Sendable {
  enum Step: Sendable {
    /// Waits until the request is there.
    case request
    case send(String)
    /// One byte each time, for as long as the connection lives.
    case drip(String, every: Duration)
    case close
  }
  struct Seen: Sendable {
    var connectionCount = 0
    var requests: [String] = []
    var serverNames: [String?] = []
  }

  let address: Places.SocketAddress
  private let channel: any Channel
  private let log: Log

  final class Log: Sendable {
    let seen = Mutex(Seen())
  }

  var seen: Seen { log.seen.withLock { $0 } }

  private init(channel: any Channel, log: Log) {
    self.channel = channel
    self.log = log
    let isIPv6 = channel.localAddress?.protocol == .inet6
    address = Places.SocketAddress(
      address: isIPv6 ? .ipv6(1) : .ipv4(0x7F00_0001),
      port: UInt16(channel.localAddress?.port ?? 0))
  }

  /// - Parameters:
  ///   - host: `127.0.0.1` or `::1`.
  ///   - certificate: PEM; nil: no TLS.
  static func start(
    _ steps: [Step], host: String = "127.0.0.1", certificate: String? = nil
  ) async throws -> ScriptedServer {
    let log = Log()
    let context = try certificate.map { try tlsContext(certificate: $0, log: log) }
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        log.seen.withLock { $0.connectionCount += 1 }
        return channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
          try pipeline.addHandler(ScriptHandler(steps: steps, log: log))
        }
      }
      .bind(host: host, port: 0).get()
    return ScriptedServer(channel: channel, log: log)
  }

  func stop() async { try? await channel.close() }

  private static func tlsContext(certificate: String, log: Log) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
        .certificate($0)
      },
      privateKey: .privateKey(
        try NIOSSLPrivateKey(bytes: Array(TestCertificates.key.utf8), format: .pem)))
    configuration.sslContextCallback = { values, promise in
      log.seen.withLock { $0.serverNames.append(values.serverHostname) }
      promise.succeed(NIOSSLContextConfigurationOverride())
    }
    return try NIOSSLContext(configuration: configuration)
  }
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var steps: ArraySlice<ScriptedServer.Step>
  private let log: ScriptedServer.Log
  private var received = ""

  init(steps: [ScriptedServer.Step], log: ScriptedServer.Log) {
    self.steps = steps[...]
    self.log = log
  }

  func channelActive(context: ChannelHandlerContext) { advance(context.channel) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += String(buffer: unwrapInboundIn(data))
    guard received.hasSuffix("\r\n\r\n") else { return }
    log.seen.withLock { $0.requests.append(received) }
    advance(context.channel)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func advance(_ channel: any Channel) {
    while let step = steps.first {
      switch step {
      case .request:
        if received.isEmpty { return }
      case .send(let text):
        channel.writeAndFlush(channel.allocator.buffer(string: text), promise: nil)
      case .drip(let text, let time):
        drip(text, every: TimeAmount(time), on: channel)
        return
      case .close: channel.close(promise: nil)
      }
      steps.removeFirst()
    }
  }
}

private func drip(_ text: String, every time: TimeAmount, on channel: any Channel) {
  channel.writeAndFlush(channel.allocator.buffer(string: text)).whenSuccess {
    channel.eventLoop.scheduleTask(in: time) { drip(text, every: time, on: channel) }
  }
}

/// A listening socket whose queue is full, so that Linux drops each further SYN.
final class FullListener {
  let address: Places.SocketAddress
  private let descriptors: [CInt]

  init?() {
    let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var opened = [listener]
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port: UInt16? = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        guard bind(listener, generic, size) == 0, listen(listener, 0) == 0,
          getsockname(listener, generic, &size) == 0
        else { return nil }
        let port = UInt16(bigEndian: pointer.pointee.sin_port)
        for _ in 0..<4 {
          let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
          let client = socket(AF_INET, kind, 0)
          opened.append(client)
          _ = connect(client, generic, size)
        }
        return port
      }
    }
    descriptors = opened
    address = Places.SocketAddress(address: .ipv4(0x7F00_0001), port: port ?? 0)
    if port == nil { return nil }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}
