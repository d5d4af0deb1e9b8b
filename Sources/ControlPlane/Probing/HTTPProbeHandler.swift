import NIOCore
import NIOSSL

/// Sends the request of an exchange on a new connection and gives what the response is worth.
final class HTTPProbeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let outcome: EventLoopPromise<ProbeOutcome>
  private var exchange: HTTPExchange
  private var isDecided = false

  /// - Parameter outcome: taken once; later outcomes are dropped.
  init(_ exchange: HTTPExchange, outcome: EventLoopPromise<ProbeOutcome>) {
    self.exchange = exchange
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    let outcome = self.outcome
    let bytes = context.channel.allocator.buffer(string: exchange.request)
    context.writeAndFlush(wrapOutboundOut(bytes)).whenFailure { error in
      outcome.succeed(probeFailure(error))
    }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDecided else { return }
    if let found = exchange.received(unwrapInboundIn(data).readableBytesView) { decide(found) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isUncleanTLSEnd(error) else { return }
    let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    decide(probeFailure(error, certificate: certificate))
  }

  func channelInactive(context: ChannelHandlerContext) {
    decide(exchange.closed())
    context.fireChannelInactive()
  }

  /// The channel is closed by whoever waits for the outcome.
  private func decide(_ found: ProbeOutcome) {
    guard !isDecided else { return }
    isDecided = true
    outcome.succeed(found)
  }
}
