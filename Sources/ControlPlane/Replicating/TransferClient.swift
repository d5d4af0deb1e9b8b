import NIOCore
package import NIOPosix
package import Places
package import Transferring

/// Runs transfers in over TCP: one connection each, bounded in time.
package struct TransferClient: Sendable {
  package struct Limits: Sendable, Equatable {
    /// How long the primary may send nothing.
    package var idleTimeout: Duration
    /// How long the whole may take.
    package var timeout: Duration

    package init(idleTimeout: Duration, timeout: Duration) {
      self.idleTimeout = idleTimeout
      self.timeout = timeout
    }
  }

  private let group: MultiThreadedEventLoopGroup
  private let now: @Sendable () -> Double

  /// - Parameter now: seconds since 1970.
  package init(group: MultiThreadedEventLoopGroup, now: @escaping @Sendable () -> Double) {
    self.group = group
    self.now = now
  }

  /// Asks a primary and reads what it answers to the end.
  package func run(
    _ session: TransferSession, with primary: Places.SocketAddress, limits: Limits
  ) async throws(TransferFault) -> TransferSession.Result {
    let loop = group.next()
    // Deadlines, the connection and the session race for it; all but the first do nothing.
    let outcome = loop.makePromise(of: Result<TransferSession.Result, TransferFault>.self)
    let ending = await withTaskCancellationHandler {
      start(session, with: primary, limits: limits, on: loop, outcome: outcome)
      do {
        return try await outcome.futureResult.get()
      } catch {
        return .failure(.connection("\(error)"))
      }
    } onCancel: {
      outcome.succeed(.failure(.closed))
    }
    return try ending.get()
  }

  private func start(
    _ session: TransferSession, with primary: Places.SocketAddress, limits: Limits,
    on loop: any EventLoop,
    outcome: EventLoopPromise<Result<TransferSession.Result, TransferFault>>
  ) {
    let deadline = loop.scheduleTask(in: TimeAmount(limits.timeout)) {
      outcome.succeed(.failure(.tooSlow))
    }
    outcome.futureResult.whenComplete { _ in deadline.cancel() }
    let address: NIOCore.SocketAddress
    do {
      address = try NIOCore.SocketAddress(
        ipAddress: "\(primary.address)", port: Int(primary.port))
    } catch {
      return outcome.succeed(.failure(.connection("\(error)")))
    }
    ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(limits.idleTimeout))
      .channelInitializer { [idleTimeout = limits.idleTimeout, now] channel in
        // Whatever decides, the connection is over with it.
        outcome.futureResult.whenComplete { _ in channel.close(promise: nil) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            TransferHandler(
              session, idleTimeout: TimeAmount(idleTimeout), outcome: outcome, now: now))
        }
      }
      .connect(to: address)
      .whenFailure { outcome.succeed(.failure(.connection("\($0)"))) }
  }
}

/// One connection to a primary: messages with their lengths in front (RFC 1035 §4.2.2).
private final class TransferHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var session: TransferSession
  private let idleTimeout: TimeAmount
  private let outcome: EventLoopPromise<Result<TransferSession.Result, TransferFault>>
  private let now: () -> Double
  private var received = ByteBuffer()
  private var lastRead = NIODeadline.now()
  private var watch: RepeatedTask?
  private var isOver = false

  init(
    _ session: TransferSession, idleTimeout: TimeAmount,
    outcome: EventLoopPromise<Result<TransferSession.Result, TransferFault>>,
    now: @escaping () -> Double
  ) {
    self.session = session
    self.idleTimeout = idleTimeout
    self.outcome = outcome
    self.now = now
  }

  private var seconds: UInt64 { UInt64(max(0, now())) }

  func channelActive(context: ChannelHandlerContext) {
    lastRead = context.eventLoop.now
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let interval = TimeAmount.nanoseconds(idleTimeout.nanoseconds / 4)
    watch = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      bound.value.checkIdle()
    }
    send(session.start(now: seconds), context)
  }

  private func checkIdle() {
    if NIODeadline.now() - lastRead >= idleTimeout { end(.failure(.idle)) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    lastRead = context.eventLoop.now
    var buffer = unwrapInboundIn(data)
    received.writeBuffer(&buffer)
    while !isOver, let message = nextMessage() { take(message, context) }
    received.discardReadBytes()
  }

  private func nextMessage() -> [UInt8]? {
    guard
      let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
      let message = received.getBytes(at: received.readerIndex + 2, length: Int(length))
    else { return nil }
    received.moveReaderIndex(forwardBy: 2 + Int(length))
    return message
  }

  private func take(_ message: [UInt8], _ context: ChannelHandlerContext) {
    do throws(TransferFault) {
      switch try session.receive(message, now: seconds) {
      case .wait: break
      case .send(let bytes): send(bytes, context)
      case .finished(let result): end(.success(result))
      }
    } catch {
      end(.failure(error))
    }
  }

  private func send(_ message: [UInt8], _ context: ChannelHandlerContext) {
    var buffer = context.channel.allocator.buffer(capacity: message.count + 2)
    buffer.writeInteger(UInt16(truncatingIfNeeded: message.count))
    buffer.writeBytes(message)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func end(_ result: Result<TransferSession.Result, TransferFault>) {
    isOver = true
    watch?.cancel()
    outcome.succeed(result)
  }

  func channelInactive(context: ChannelHandlerContext) { end(.failure(.closed)) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(.failure(.connection("\(error)")))
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let parts = duration.components
    self = .nanoseconds(parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
  }
}
