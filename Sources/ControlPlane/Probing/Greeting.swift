import NIOCore
import ProxyProtocol
import Settings

extension Settings.Monitor {
  /// What goes over a new connection before all else: that it is our own, in the PROXY protocol,
  /// for endpoints that take no connection without its header.
  var greeting: [UInt8] {
    guard let proxyHeader else { return [] }
    var octets = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
    var span = octets.mutableSpan
    var buffer = span.mutableBytes
    let count =
      switch proxyHeader {
      case .v1: ProxyHeaderWriter.writeText(nil, into: &buffer)
      case .v2: ProxyHeaderWriter(nil, into: &buffer).byteCount
      }
    return Array(octets[..<count])
  }
}

/// Sends the greeting once the connection is there, before the handlers behind it hear of it.
final class GreetingHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let greeting: [UInt8]

  init(_ greeting: [UInt8]) { self.greeting = greeting }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: greeting)), promise: nil)
    context.fireChannelActive()
  }
}
