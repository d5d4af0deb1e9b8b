import NIOCore
import NIOHTTP1

/// Answers one request after the other on a connection; the pipeline holds back what comes early.
final class DemoHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let respond: @Sendable (DemoRequest) async -> DemoResponse
  private var head: HTTPRequestHead?

  init(respond: @escaping @Sendable (DemoRequest) async -> DemoResponse) {
    self.respond = respond
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let received): head = received
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context: context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func answer(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
    let channel = context.channel
    let path = head.uri.prefix { $0 != "?" }
    let request = DemoRequest(
      method: head.method, path: String(path), client: rendered(channel.remoteAddress),
      endpoint: rendered(channel.localAddress))
    let respond = self.respond
    channel.eventLoop.makeFutureWithTask { await respond(request) }.whenSuccess { response in
      write(response, to: channel, head: head)
    }
  }
}

private func write(_ response: DemoResponse, to channel: any Channel, head: HTTPRequestHead) {
  var headers: HTTPHeaders = [
    "Content-Type": "text/plain; charset=utf-8", "Content-Length": "\(response.text.utf8.count)",
  ]
  if let allow = response.allow { headers.add(name: "Allow", value: allow) }
  if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
  let responseHead = HTTPResponseHead(
    version: .http1_1, status: response.status, headers: headers)
  channel.write(HTTPServerResponsePart.head(responseHead), promise: nil)
  if head.method != .HEAD {
    let body = channel.allocator.buffer(string: response.text)
    channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
  }
  let end = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
  if !head.isKeepAlive { end.whenComplete { _ in channel.close(promise: nil) } }
}

private func rendered(_ address: NIOCore.SocketAddress?) -> String {
  guard let address, let host = address.ipAddress, let port = address.port else { return "unknown" }
  return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}
