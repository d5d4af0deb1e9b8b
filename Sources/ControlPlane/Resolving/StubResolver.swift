package import Editions
package import NIOCore
import NIOPosix
package import Places

/// Asks resolvers for addresses: over UDP from a port of its own for each question, over TCP what
/// does not fit (RFC 5452 §9.2, RFC 7766 §5).
package struct StubResolver: Sendable {
  private let group: any EventLoopGroup
  private let servers: @Sendable () -> [Places.SocketAddress]
  private let timeout: TimeAmount

  /// How often each server is asked.
  private static let roundCount = 2

  /// - Parameters:
  ///   - servers: in the order in which they are asked.
  ///   - timeout: of one attempt.
  package init(
    group: any EventLoopGroup, timeout: TimeAmount = .seconds(2),
    servers: @escaping @Sendable () -> [Places.SocketAddress]
  ) {
    self.group = group
    self.servers = servers
    self.timeout = timeout
  }

  /// Ends within the time-outs of all attempts.
  package func addresses(of question: ResolvedNames.Question) async -> StubQuery.Reading {
    var last = StubQuery.Reading.failure("there is no resolver to ask")
    for _ in 0..<Self.roundCount {
      for server in servers() where !Task.isCancelled {
        let query = StubQuery(id: .random(in: .min ... .max), question: question)
        last = await ask(query, server, isTCP: false)
        if last == .truncated { last = await ask(query, server, isTCP: true) }
        if case .addresses = last { return last }
        if case .failure(let reason) = last { last = .failure("\(reason), asked \(server)") }
      }
    }
    return last
  }

  private func ask(
    _ query: StubQuery, _ server: Places.SocketAddress, isTCP: Bool
  ) async -> StubQuery.Reading {
    let loop = group.next()
    // The answer, the time-out and errors race for it; all but the first do nothing.
    let reading = loop.makePromise(of: StubQuery.Reading.self)
    let timer = loop.scheduleTask(in: timeout) { [timeout] in
      let limit = timeout.nanoseconds / 1_000_000
      reading.succeed(.failure("no answer within \(limit) ms"))
    }
    reading.futureResult.whenComplete { _ in timer.cancel() }
    do {
      let address = try NIOCore.SocketAddress(
        ipAddress: "\(server.address)", port: Int(server.port))
      if isTCP {
        connect(
          ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer {
            prepare($0, StreamAnswerHandler(query: query, reading: reading), reading)
          }.connect(to: address), reading)
      } else {
        connect(
          DatagramBootstrap(group: loop).channelInitializer {
            prepare(
              $0, DatagramAnswerHandler(query: query, server: address, reading: reading), reading)
          }.connect(to: address), reading)
      }
      return try await reading.futureResult.get()
    } catch {
      reading.fail(error)
      return .failure("\(error)")
    }
  }
}

private func connect(
  _ channel: EventLoopFuture<any Channel>, _ reading: EventLoopPromise<StubQuery.Reading>
) {
  channel.whenFailure { reading.succeed(.failure("\($0)")) }
}

private func prepare(
  _ channel: any Channel, _ handler: some ChannelHandler & Sendable,
  _ reading: EventLoopPromise<StubQuery.Reading>
) -> EventLoopFuture<Void> {
  // Whatever decides, the socket is closed with it.
  reading.futureResult.whenComplete { _ in channel.close(promise: nil) }
  return channel.pipeline.addHandler(handler)
}

/// Sends the query once connected, and takes the first datagram that answers it; from elsewhere
/// than the server none comes, since the socket is connected.
private final class DatagramAnswerHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let query: StubQuery
  private let server: NIOCore.SocketAddress
  private let reading: EventLoopPromise<StubQuery.Reading>

  init(
    query: StubQuery, server: NIOCore.SocketAddress, reading: EventLoopPromise<StubQuery.Reading>
  ) {
    self.query = query
    self.server = server
    self.reading = reading
  }

  func channelActive(context: ChannelHandlerContext) {
    let envelope = AddressedEnvelope(
      remoteAddress: server, data: ByteBuffer(bytes: query.bytes))
    context.writeAndFlush(wrapOutboundOut(envelope), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
    // RFC 5452 §4: what does not answer the question is not to be heeded.
    if let answer = query.reading(of: bytes) { reading.succeed(answer) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    reading.succeed(.failure("\(error)"))
  }
}

/// The same over TCP: a length of two bytes in front (RFC 1035 §4.2.2).
private final class StreamAnswerHandler: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let query: StubQuery
  private let reading: EventLoopPromise<StubQuery.Reading>
  /// Only the channel's loop touches it.
  private var received: [UInt8] = []

  init(query: StubQuery, reading: EventLoopPromise<StubQuery.Reading>) {
    self.query = query
    self.reading = reading
  }

  func channelActive(context: ChannelHandlerContext) {
    let bytes = query.bytes
    let length = [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)]
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: length + bytes)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += unwrapInboundIn(data).readableBytesView
    guard received.count >= 2 else { return }
    let end = 2 + (Int(received[0]) << 8 | Int(received[1]))
    guard received.count >= end else { return }
    reading.succeed(
      query.reading(of: Array(received[2..<end])) ?? .failure("what came over TCP is no answer"))
  }

  func channelInactive(context: ChannelHandlerContext) {
    reading.succeed(.failure("the connection ended without an answer"))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    reading.succeed(.failure("\(error)"))
  }
}
