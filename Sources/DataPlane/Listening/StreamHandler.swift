import Answering
import NIOCore
import NIOTLS
import Places

/// One connection: frames of two length bytes and a message (RFC 1035 §4.2.2), over TCP or inside
/// TLS.
///
///     frames ─► answered at once, in order ──────────────┐
///        └────► long answers, message by message, ───────┴─► written while the peer reads
///               in turn with the answers to what follows
///
/// While the peer does not read, nothing more of its is answered, and nothing more is read than up
/// to the end of its next frame: what a connection holds is bounded by one frame, one read and the
/// high-water mark, whatever the peer does.
final class StreamHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Answers are gathered up to so many bytes before they are written.
  private static let flushByteCount = 16_384
  /// Messages that are answered before the loop's other connections have their turn.
  private static let turnCount = 128
  /// Long answers under way on one connection. With so many, its next queries wait.
  private static let maximumStreamCount = 4

  private let loop: StreamLoop
  /// Who asks: the peer, or whom its header names.
  private var source: Places.SocketAddress
  /// Our end of the connection, if it is known.
  private let server: Places.SocketAddress?
  private var pending = ByteBuffer()
  /// Long answers, in the order of their turns.
  private var streams: [any AnswerStream] = []
  private var context: ChannelHandlerContext?
  private var slot: Int?
  /// Who is counted; nil before it is known, and for a proxy that speaks for itself.
  private var client: ClientAddress?
  /// What must be read before the first query: a proxy's header, a handshake.
  private var preludes: Int
  private let isProxied: Bool
  private var ending: StreamEnding?
  private var isReadHeld = false
  private var isInputClosed = false
  private var isFinishing = false
  private var isAnswering = false
  private var isTurnScheduled = false
  /// When ``hasSentSinceLastAsked()`` was last asked.
  private var unsentByteCount = 0

  /// - Parameters:
  ///   - isProxied: whether a proxy's header comes first; ``headerEnded(source:)`` is called then.
  ///   - isSecured: whether there is a TLS handshake before the first query.
  init(
    loop: StreamLoop, source: Places.SocketAddress, server: Places.SocketAddress?,
    isProxied: Bool, isSecured: Bool
  ) {
    self.loop = loop
    self.source = source
    self.server = server
    self.isProxied = isProxied
    preludes = (isProxied ? 1 : 0) + (isSecured ? 1 : 0)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelInactive(context: ChannelHandlerContext) {
    if let slot { loop.remove(slot, client: client, ending: ending ?? .peer) }
    slot = nil
    streams = []
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    close(preludes > 0 ? .handshake : .peer)
  }

  func close(_ ending: StreamEnding) {
    guard self.ending == nil else { return }
    self.ending = ending
    if let slot { loop.hold(slot) }
    context?.close(promise: nil)
  }

  /// Whether the peer has taken any byte since this was last asked.
  func hasSentSinceLastAsked() -> Bool {
    let before = unsentByteCount
    noteUnsent()
    return unsentByteCount < before
  }

  private func noteUnsent() {
    let options = context?.channel.syncOptions
    unsentByteCount = (try? options?.getOption(.bufferedWritableBytes)) ?? 0
  }
}

// MARK: - The beginning

extension StreamHandler {
  func channelActive(context: ChannelHandlerContext) {
    slot = loop.admit(self, to: preludes > 0 ? .receiving : .quiet)
    loop.evictIfTooMany()
    if !isProxied { countClient() }
    if ending == nil { context.fireChannelActive() }
  }

  /// A proxy's header was read.
  ///
  /// - Parameter source: whom it names; nil: the proxy itself, which is not counted as a client.
  func headerEnded(source: Places.SocketAddress?) {
    if let source {
      self.source = source
      countClient()
    }
    preludeEnded()
  }

  /// Closes the connection if its client has too many.
  private func countClient() {
    let address = source.address.client
    guard ending == nil else { return }
    guard loop.identify(address) else { return close(.clientLimit) }
    client = address
  }

  private func preludeEnded() {
    preludes -= 1
    if let slot, ending == nil { loop.wait(slot, for: preludes > 0 ? .receiving : .quiet) }
  }
}

// MARK: - Events

extension StreamHandler {
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if pending.readableBytes == 0 {
      // Not copied; the channel takes another buffer if this one is kept.
      pending = bytes
    } else {
      pending.discardReadBytes()
      pending.writeBuffer(&bytes)
    }
    answerPending()
  }

  func read(context: ChannelHandlerContext) {
    if hasFrame {
      isReadHeld = true
    } else {
      context.read()
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    answerPending()
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted: preludeEnded()
    case ChannelEvent.inputClosed:
      isInputClosed = true
      answerPending()
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// Reads on once there is no whole frame left.
  private func releaseRead(_ context: ChannelHandlerContext) {
    guard isReadHeld, !hasFrame else { return }
    isReadHeld = false
    context.read()
  }

  /// Answers what has come while the peer takes answers, for one turn.
  private func answerPending() {
    // Writing may change the writability, which calls this again.
    guard let context, ending == nil, !isAnswering, !isTurnScheduled else { return }
    isAnswering = true
    loop.refresh()
    let (count, isOpen) = answerTurn(context)
    isAnswering = false
    guard isOpen else { return close(.unreadable) }
    if count >= Self.turnCount {
      scheduleTurn(context)
    } else {
      settle(context, hasAnswered: count > 0)
    }
    releaseRead(context)
  }

  private func scheduleTurn(_ context: ChannelHandlerContext) {
    isTurnScheduled = true
    context.eventLoop.assumeIsolated().execute {
      self.isTurnScheduled = false
      self.answerPending()
    }
  }

  /// Says what is waited for now.
  private func settle(_ context: ChannelHandlerContext, hasAnswered: Bool) {
    guard let slot, ending == nil, preludes == 0 else { return }
    let before = loop.phase(of: slot)
    if !context.channel.isWritable {
      // It has read enough to be sent more.
      if before != .sending || hasAnswered { waitForReader(slot) }
      return
    }
    if isInputClosed { return closeWhenWritten(context, slot) }
    if pending.readableBytes == 0 {
      pending = ByteBuffer()
      loop.wait(slot, for: .quiet)
    } else if hasAnswered || before != .receiving {
      // One byte after the other is no progress: only a whole message is.
      loop.wait(slot, for: .receiving)
    }
  }

  private func waitForReader(_ slot: Int) {
    loop.wait(slot, for: .sending)
    noteUnsent()
  }

  /// The peer sends no more (RFC 7766 §6.2.4): what it has asked is answered, then we are done.
  private func closeWhenWritten(_ context: ChannelHandlerContext, _ slot: Int) {
    guard !isFinishing else { return }
    isFinishing = true
    waitForReader(slot)
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
      bound.value.close(.peer)
    }
  }
}

// MARK: - Answering

extension StreamHandler {
  /// Answers whole frames, and between them one message of a long answer each time, at most a
  /// turn's count.
  ///
  /// - Returns: how many messages were written, and whether the connection may go on.
  private func answerTurn(_ context: ChannelHandlerContext) -> (count: Int, isOpen: Bool) {
    var output = ByteBuffer()
    var count = 0
    while count < Self.turnCount, context.channel.isWritable {
      let before = count
      if streams.count < Self.maximumStreamCount, let frame = nextFrame() {
        count += 1
        switch loop.answer(frame.readableBytesView, from: source, at: server, into: &output) {
        case .written: break
        case .stream(let stream): streams.append(stream)
        case .refusal:
          if output.readableBytes > 0 { flush(&output, context) }
          return (count, false)
        }
      }
      if !streams.isEmpty {
        count += 1
        pullStream(into: &output)
      }
      if output.readableBytes >= Self.flushByteCount { flush(&output, context) }
      if count == before { break }
    }
    if output.readableBytes > 0 { flush(&output, context) }
    return (count, true)
  }

  /// One message of the long answer whose turn it is.
  private func pullStream(into output: inout ByteBuffer) {
    let stream = streams.removeFirst()
    guard let message = stream.next(), message.count <= Int(UInt16.max) else { return }
    output.writeInteger(UInt16(truncatingIfNeeded: message.count))
    output.writeBytes(message)
    streams.append(stream)
  }

  private func flush(_ output: inout ByteBuffer, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    output = ByteBuffer()
  }

  /// Of the first frame, if it is here.
  private var frameByteCount: Int? {
    guard let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self),
      pending.readableBytes >= 2 + Int(length)
    else { return nil }
    return Int(length)
  }

  private var hasFrame: Bool { frameByteCount != nil }

  private func nextFrame() -> ByteBuffer? {
    guard let byteCount = frameByteCount else { return nil }
    pending.moveReaderIndex(forwardBy: 2)
    return pending.readSlice(length: byteCount)
  }
}
