import NIOCore
import ProxyProtocol

/// Reads the header in front of a trusted proxy's connection, in front of TLS too, then takes
/// itself out of the way. What is no header, or a damaged one, closes the connection.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let stream: StreamHandler
  /// At most one read and the longest header.
  private var pending = ByteBuffer()

  init(stream: StreamHandler) { self.stream = stream }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    pending.writeBuffer(&bytes)
    let header: ProxyHeader?
    do {
      header = try unsafe pending.withUnsafeReadableBytes {
        try unsafe ProxyHeader.decode(stream: $0.bytes)
      }
    } catch {
      return stream.close(.proxyHeader)
    }
    guard let header else { return }
    pending.moveReaderIndex(forwardBy: header.byteCount)
    stream.headerEnded(source: header.ends?.source)
    // What follows goes on once nothing stands in its way; nothing comes in between, since both
    // happen now.
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    guard pending.readableBytes > 0, context.channel.isActive else { return }
    context.fireChannelRead(wrapInboundOut(pending))
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Half a header, and no more to come.
    if case ChannelEvent.inputClosed = event { return stream.close(.proxyHeader) }
    context.fireUserInboundEventTriggered(event)
  }
}
