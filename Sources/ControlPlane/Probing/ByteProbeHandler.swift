import NIOCore
import NIOSSL
import NIOTLS

/// Sends bytes once connected and has a judge look at what comes; without a judge, that the bytes
/// went out, or that TLS came about, is enough.
final class ByteProbeHandler<Judge: ByteJudge>: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let sent: [UInt8]
  private let hasTLS: Bool
  private let outcome: EventLoopPromise<ProbeOutcome>
  private var judge: Judge?
  private var isDecided = false

  /// - Parameter outcome: taken once; later outcomes are dropped.
  init(sent: [UInt8], judge: Judge?, hasTLS: Bool, outcome: EventLoopPromise<ProbeOutcome>) {
    self.sent = sent
    self.judge = judge
    self.hasTLS = hasTLS
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    if !sent.isEmpty {
      let outcome = self.outcome
      let isEnough = judge == nil
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: sent))).whenComplete { result in
        switch result {
        case .success: if isEnough { outcome.succeed(.success) }
        case .failure(let error): outcome.succeed(probeFailure(error))
        }
      }
    } else if judge == nil, !hasTLS {
      decide(.success)
    }
    context.fireChannelActive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent, judge == nil, sent.isEmpty {
      decide(.success)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDecided else { return }
    if let found = judge?.received(unwrapInboundIn(data).readableBytesView) { decide(found) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isUncleanTLSEnd(error) else { return }
    let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    decide(probeFailure(error, certificate: certificate))
  }

  func channelInactive(context: ChannelHandlerContext) {
    decide(judge?.closed() ?? .failure("connection closed"))
    context.fireChannelInactive()
  }

  /// The channel is closed by whoever waits for the outcome.
  private func decide(_ found: ProbeOutcome) {
    guard !isDecided else { return }
    isDecided = true
    outcome.succeed(found)
  }
}
