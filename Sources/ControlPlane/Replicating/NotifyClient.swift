import NIOCore
package import NIOPosix
package import Places

/// Sends one datagram and waits for the one that answers it.
package struct NotifyClient: Sendable {
  private let group: MultiThreadedEventLoopGroup

  package init(group: MultiThreadedEventLoopGroup) { self.group = group }

  /// - Parameter isAnswer: whether a datagram that came is the answer; others are passed over.
  /// - Returns: whether the answer came in time.
  package func ask(
    _ message: [UInt8], of peer: Places.SocketAddress, within timeout: Duration,
    isAnswer: @escaping @Sendable ([UInt8]) -> Bool
  ) async -> Bool {
    let loop = group.next()
    let outcome = loop.makePromise(of: Bool.self)
    let timer = loop.scheduleTask(in: TimeAmount(timeout)) { outcome.succeed(false) }
    outcome.futureResult.whenComplete { _ in timer.cancel() }
    return await withTaskCancellationHandler {
      start(message, to: peer, on: loop, outcome: outcome, isAnswer: isAnswer)
      return (try? await outcome.futureResult.get()) ?? false
    } onCancel: {
      outcome.succeed(false)
    }
  }

  private func start(
    _ message: [UInt8], to peer: Places.SocketAddress, on loop: any EventLoop,
    outcome: EventLoopPromise<Bool>, isAnswer: @escaping @Sendable ([UInt8]) -> Bool
  ) {
    guard
      let address = try? NIOCore.SocketAddress(
        ipAddress: "\(peer.address)", port: Int(peer.port))
    else { return outcome.succeed(false) }
    DatagramBootstrap(group: loop)
      .channelInitializer { channel in
        outcome.futureResult.whenComplete { _ in channel.close(promise: nil) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AnswerHandler(outcome: outcome, isAnswer: isAnswer))
        }
      }
      .connect(to: address)
      .whenComplete { result in
        guard case .success(let channel) = result else { return outcome.succeed(false) }
        let envelope = AddressedEnvelope(
          remoteAddress: address, data: ByteBuffer(bytes: message))
        channel.writeAndFlush(envelope, promise: nil)
      }
  }
}

private final class AnswerHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let outcome: EventLoopPromise<Bool>
  private let isAnswer: ([UInt8]) -> Bool

  init(outcome: EventLoopPromise<Bool>, isAnswer: @escaping ([UInt8]) -> Bool) {
    self.outcome = outcome
    self.isAnswer = isAnswer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isAnswer(Array(unwrapInboundIn(data).data.readableBytesView)) { outcome.succeed(true) }
  }

  /// Nobody listens there: that the time passes is all that is known for sure.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
