import NIOCore
import NIOSSL
import Places
import Settings

/// Sends one request on a new connection and gives what the response is worth; whatever comes
/// behind that is not read.
final class HTTPProbeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let request: String
  private let outcome: EventLoopPromise<ProbeOutcome>
  private var reader: HTTPResponseReader
  private var judge: HTTPJudge
  private var isDecided = false

  /// - Parameter outcome: taken once; later outcomes are dropped.
  init(
    expectation: Settings.Monitor.HTTPExpectation, address: Places.SocketAddress,
    outcome: EventLoopPromise<ProbeOutcome>
  ) {
    request = httpRequest(expectation, address: address)
    reader = HTTPResponseReader(isHEAD: expectation.method == "HEAD")
    judge = HTTPJudge(expectation)
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    let outcome = self.outcome
    let bytes = context.channel.allocator.buffer(string: request)
    context.writeAndFlush(wrapOutboundOut(bytes)).whenFailure { error in
      outcome.succeed(probeFailure(error))
    }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDecided else { return }
    reader.append(unwrapInboundIn(data).readableBytesView)
    do throws(HTTPResponseReader.Malformed) {
      while !isDecided, let part = try reader.next() {
        switch part {
        case .head(let status):
          if let found = judge.head(status: status, values: reader.values) { decide(found) }
        case .body(let bytes): if let found = judge.body(bytes) { decide(found) }
        case .end: decide(judge.end())
        }
      }
    } catch {
      decide(.failure("not HTTP: \(error)"))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isUncleanTLSEnd(error) else { return }
    let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    decide(probeFailure(error, certificate: certificate))
  }

  func channelInactive(context: ChannelHandlerContext) {
    decide(reader.isCompleteWhenClosed() ? judge.end() : judge.closed())
    context.fireChannelInactive()
  }

  /// The channel is closed by whoever waits for the outcome.
  private func decide(_ found: ProbeOutcome) {
    guard !isDecided else { return }
    isDecided = true
    outcome.succeed(found)
  }
}

/// The request as it goes over the wire. The monitor's headers stand in for ours of the same name.
private func httpRequest(
  _ expectation: Settings.Monitor.HTTPExpectation, address: Places.SocketAddress
) -> String {
  let own = expectation.requestHeaders
  let names = own.map { $0.name.lowercased() }
  var text = "\(expectation.method) \(expectation.path) HTTP/1.1\r\n"
  func add(_ name: String, _ value: @autoclosure () -> String) {
    if !names.contains(name.lowercased()) { text += "\(name): \(value())\r\n" }
  }
  add("Host", expectation.host ?? "\(address)")
  add("User-Agent", "azimuth")
  add("Accept", "*/*")
  add("Connection", "close")
  for header in own { text += "\(header.name): \(header.value)\r\n" }
  if ["POST", "PUT", "PATCH"].contains(expectation.method) { add("Content-Length", "0") }
  return text + "\r\n"
}
