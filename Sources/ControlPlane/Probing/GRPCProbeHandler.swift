import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import Places
import Settings

/// One call of `grpc.health.v1.Health/Check` on a stream of HTTP/2 of its own.
final class GRPCProbeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let headers: HPACKHeaders
  private let message: [UInt8]
  private let outcome: EventLoopPromise<ProbeOutcome>
  private var judge: GRPCJudge
  private var isDecided = false

  /// - Parameters:
  ///   - timeout: told to the server, which need not work on for longer.
  ///   - outcome: taken once; later outcomes are dropped.
  init(
    _ expectation: Settings.Monitor.GRPCExpectation, address: Places.SocketAddress,
    timeout: Duration, outcome: EventLoopPromise<ProbeOutcome>
  ) throws {
    let milliseconds =
      timeout.components.seconds * 1_000 + timeout.components.attoseconds / 1_000_000_000_000_000
    headers = [
      ":method": "POST", ":scheme": expectation.tls == nil ? "http" : "https",
      ":path": "/grpc.health.v1.Health/Check",
      ":authority": expectation.authority ?? "\(address)",
      "content-type": "application/grpc", "te": "trailers", "user-agent": "azimuth",
      "grpc-timeout": "\(milliseconds)m",
    ]
    message = try GRPCJudge.request(service: expectation.service)
    judge = GRPCJudge(service: expectation.service)
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    let outcome = self.outcome
    context.write(wrapOutboundOut(.headers(.init(headers: headers)))).whenFailure { error in
      outcome.succeed(probeFailure(error))
    }
    context.writeAndFlush(
      wrapOutboundOut(
        .data(.init(data: .byteBuffer(ByteBuffer(bytes: message)), endStream: true))),
      promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDecided else { return }
    switch unwrapInboundIn(data) {
    case .headers(let part):
      decide(judge.headers(isEnd: part.endStream) { part.headers.first(name: $0) })
    case .data(let part):
      if case .byteBuffer(let buffer) = part.data {
        decide(judge.body(buffer.readableBytesView, isEnd: part.endStream))
      }
    case .rstStream(let code): decide(.failure("HTTP/2: stream was reset (\(code))"))
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    decide(probeFailure(error))
  }

  func channelInactive(context: ChannelHandlerContext) {
    decide(judge.closed())
    context.fireChannelInactive()
  }

  /// The channel is closed by whoever waits for the outcome.
  private func decide(_ found: ProbeOutcome?) {
    guard let found, !isDecided else { return }
    isDecided = true
    outcome.succeed(found)
  }
}

/// The connection's own errors: of TLS, and of what is no HTTP/2.
final class HTTP2ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let outcome: EventLoopPromise<ProbeOutcome>

  init(outcome: EventLoopPromise<ProbeOutcome>) { self.outcome = outcome }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isUncleanTLSEnd(error) else { return }
    let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    outcome.succeed(probeFailure(error, certificate: certificate))
  }

  func channelInactive(context: ChannelHandlerContext) {
    outcome.succeed(.failure("connection closed before an answer"))
    context.fireChannelInactive()
  }
}

/// The pipeline of a gRPC probe, TLS in front of it if there is any.
/// - Returns: makes the stream on which the call is made.
func addGRPCHandlers(
  to channel: any Channel, outcome: EventLoopPromise<ProbeOutcome>
) throws -> NIOHTTP2Handler.StreamMultiplexer {
  let pipeline = channel.pipeline.syncOperations
  let multiplexer = try pipeline.configureHTTP2Pipeline(
    mode: .client, connectionConfiguration: .init(), streamConfiguration: .init(),
    // A server starts no streams with us: push is refused.
    inboundStreamInitializer: { $0.close() })
  try pipeline.addHandler(HTTP2ConnectionHandler(outcome: outcome))
  return multiplexer
}
