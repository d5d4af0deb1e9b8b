import Listening
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Places
import Synchronization
import Testing

/// A client of DNS over TLS that believes any certificate and remembers what it saw.
final class TLSClient: Sendable {
  struct Seen {
    var bytes: [UInt8] = []
    var isClosed = false
    var isHandshakeComplete = false
    var negotiatedProtocol: String?
    var certificate: NIOSSLCertificate?
  }

  private let channel: any Channel
  private let recorder = Recorder()

  /// - Parameters:
  ///   - header: what is sent before the handshake.
  init(
    _ server: ServerAddress, protocols: [String] = ["dot"], maximumVersion: TLSVersion? = nil,
    header: [UInt8] = []
  ) async throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.applicationProtocols = protocols
    configuration.certificateVerification = .noHostnameVerification
    configuration.minimumTLSVersion = .tlsv1
    configuration.maximumTLSVersion = maximumVersion
    let tls = try NIOSSLContext(configuration: configuration)
    let recorder = recorder
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handlers = channel.pipeline.syncOperations
          if !header.isEmpty { try handlers.addHandler(FirstBytes(header)) }
          try handlers.addHandler(
            NIOSSLClientHandler(context: tls, serverHostname: nil) { certificates, promise in
              recorder.seen.withLock { $0.certificate = certificates.first }
              promise.succeed(.certificateVerified)
            })
          try handlers.addHandler(Gatherer(recorder))
        }
      }.connect(host: "\(server.address)", port: Int(server.port)).get()
  }

  var now: Seen { recorder.seen.withLock { $0 } }

  func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  func endSending() { channel.close(mode: .output, promise: nil) }

  func stopReading() async throws {
    try await channel.setOption(.autoRead, value: false).get()
  }

  func close() { channel.close(promise: nil) }

  /// The next framed message; empty at the end.
  func receiveFrame() -> [UInt8] {
    var frame: [UInt8] = []
    eventually("a message or the end") {
      recorder.seen.withLock { seen in
        guard seen.bytes.count >= 2 else { return seen.isClosed }
        let count = Int(seen.bytes[0]) << 8 | Int(seen.bytes[1])
        guard seen.bytes.count >= 2 + count else { return seen.isClosed }
        frame = Array(seen.bytes[2..<2 + count])
        seen.bytes.removeFirst(2 + count)
        return true
      }
    }
    return frame
  }

  /// What a client saw, shared with its handler.
  private final class Recorder: Sendable {
    let seen = Mutex(Seen())
  }

  /// Sends bytes before anybody else does.
  private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
      context.fireChannelActive()
    }
  }

  private final class Gatherer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let recorder: Recorder

    init(_ recorder: Recorder) { self.recorder = recorder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let buffer = unwrapInboundIn(data)
      recorder.seen.withLock { $0.bytes += buffer.readableBytesView }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      switch event {
      case TLSUserEvent.handshakeCompleted(let negotiatedProtocol):
        recorder.seen.withLock {
          $0.isHandshakeComplete = true
          $0.negotiatedProtocol = negotiatedProtocol
        }
      case ChannelEvent.inputClosed: recorder.seen.withLock { $0.isClosed = true }
      default: break
      }
    }

    func channelInactive(context: ChannelHandlerContext) {
      recorder.seen.withLock { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }
}
