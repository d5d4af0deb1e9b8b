import NIOCore
import Places

/// One connection: frames of two length bytes and a message (RFC 1035 §4.2.2), answered in order.
/// While the peer does not read its answers, no more of its queries are answered or read.
final class StreamHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// When the peer last sent something.
  private(set) var lastActive = NIODeadline.now()

  private let loop: StreamLoop
  private let source: Places.SocketAddress
  private var pending = ByteBuffer()
  private var context: ChannelHandlerContext?
  private var isReadHeld = false
  private var isInputClosed = false

  init(loop: StreamLoop, source: Places.SocketAddress) {
    self.loop = loop
    self.source = source
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    loop.add(self)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    loop.remove(self)
    context.fireChannelInactive()
  }

  func close() { context?.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastActive = .now()
    var bytes = unwrapInboundIn(data)
    pending.writeBuffer(&bytes)
    answerPending(context)
  }

  func read(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      context.read()
    } else {
      isReadHeld = true
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      answerPending(context)
      if isReadHeld && context.channel.isWritable {
        isReadHeld = false
        context.read()
      }
    }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is IdleStateHandler.IdleStateEvent: context.close(promise: nil)
    case ChannelEvent.inputClosed:
      isInputClosed = true
      answerPending(context)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Answers whole frames while the peer takes answers.
  private func answerPending(_ context: ChannelHandlerContext) {
    loop.refresh()
    var isOpen = true
    while isOpen && context.channel.isWritable, let frame = nextFrame() {
      var output = context.channel.allocator.buffer(capacity: 512)
      isOpen = loop.answer(frame.readableBytesView, from: source, into: &output)
      if isOpen {
        // Flushed one by one: a peer that does not read makes the channel unwritable at once.
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      }
    }
    if !isOpen {
      context.close(promise: nil)
    } else if isInputClosed && context.channel.isWritable {
      closeWhenWritten(context)
    }
    pending.discardReadBytes()
  }

  private func nextFrame() -> ByteBuffer? {
    guard let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self),
      pending.readableBytes >= 2 + Int(length)
    else { return nil }
    pending.moveReaderIndex(forwardBy: 2)
    return pending.readSlice(length: Int(length))
  }

  /// The peer sends no more: what is left of its queries is answered, then we are done.
  private func closeWhenWritten(_ context: ChannelHandlerContext) {
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
      channel.close(promise: nil)
    }
  }
}
