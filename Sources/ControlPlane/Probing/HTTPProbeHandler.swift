import NIOCore
import NIOHTTP1
import NIOSSL
import Places
import Settings

/// Sends one request on a new connection and gives what the response is worth; whatever comes
/// behind that is not read.
final class HTTPProbeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let request: HTTPRequestHead
  private let outcome: EventLoopPromise<ProbeOutcome>
  private var judge: HTTPJudge
  private var isDecided = false

  /// - Parameter outcome: taken once; later outcomes are dropped.
  init(
    expectation: Settings.Monitor.HTTPExpectation, address: Places.SocketAddress,
    outcome: EventLoopPromise<ProbeOutcome>
  ) {
    request = Self.request(expectation, address: address)
    judge = HTTPJudge(expectation)
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    let outcome = self.outcome
    context.write(wrapOutboundOut(.head(request))).whenFailure { error in
      outcome.succeed(probeFailure(error))
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDecided else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      let found = judge.head(status: Int(head.status.code)) { head.headers[$0] }
      if let found { decide(found) }
    case .body(let buffer):
      if let found = judge.body(buffer.readableBytesView) { decide(found) }
    case .end: decide(judge.end())
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .invalidEOFState? = error as? HTTPParserError {
      decide(judge.closed())
    } else if !isUncleanTLSEnd(error) {
      let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
      decide(probeFailure(error, certificate: certificate))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    decide(judge.closed())
    context.fireChannelInactive()
  }

  /// The channel is closed by whoever waits for the outcome.
  private func decide(_ found: ProbeOutcome) {
    guard !isDecided else { return }
    isDecided = true
    outcome.succeed(found)
  }

  private static func request(
    _ expectation: Settings.Monitor.HTTPExpectation, address: Places.SocketAddress
  ) -> HTTPRequestHead {
    var headers: HTTPHeaders = [
      "Host": expectation.host ?? "\(address)", "User-Agent": "azimuth", "Accept": "*/*",
      "Connection": "close",
    ]
    for header in expectation.requestHeaders { headers.remove(name: header.name) }
    for header in expectation.requestHeaders { headers.add(name: header.name, value: header.value) }
    let sendsBody = ["POST", "PUT", "PATCH"].contains(expectation.method)
    if sendsBody && !headers.contains(name: "Content-Length") {
      headers.add(name: "Content-Length", value: "0")
    }
    return HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: expectation.method), uri: expectation.path,
      headers: headers)
  }
}
