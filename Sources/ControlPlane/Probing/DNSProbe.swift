import NIOCore
import NIOPosix
import Settings

/// Asks one question over UDP, and again over TCP if the answer was cut short (RFC 7766 §5).
struct DNSProbe {
  let judge: DNSJudge
  let address: NIOCore.SocketAddress
  let loop: any EventLoop
  let phase: NIOLoopBoundBox<String>
  let outcome: EventLoopPromise<ProbeOutcome>

  init(
    _ expectation: Settings.Monitor.DNSExpectation, address: NIOCore.SocketAddress,
    loop: any EventLoop, phase: NIOLoopBoundBox<String>, outcome: EventLoopPromise<ProbeOutcome>
  ) {
    judge = DNSJudge(id: .random(in: .min ... .max), expectation)
    self.address = address
    self.loop = loop
    self.phase = phase
    self.outcome = outcome
  }

  func start() {
    let (judge, outcome, address) = (judge, outcome, address)
    let isOverTCP = loop.makePromise(of: Void.self)
    isOverTCP.futureResult.whenSuccess { askOverTCP() }
    // A promise must be kept; nothing comes of it any more.
    outcome.futureResult.whenComplete { _ in isOverTCP.fail(ChannelError.alreadyClosed) }
    connect(
      DatagramBootstrap(group: loop).channelInitializer { channel in
        close(channel, when: outcome.futureResult)
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            DatagramHandler(
              judge: judge, server: address, isOverTCP: isOverTCP, outcome: outcome))
        }
      }.connect(to: address), phase: "waiting for an answer")
  }

  private func askOverTCP() {
    let (judge, outcome) = (judge, outcome)
    connect(
      ClientBootstrap(group: loop).channelInitializer { channel in
        close(channel, when: outcome.futureResult)
        return channel.eventLoop.makeCompletedFuture {
          let message = judge.bytes
          let length = [UInt8(message.count >> 8), UInt8(message.count & 0xFF)]
          try channel.pipeline.syncOperations.addHandler(
            ByteProbeHandler(
              sent: length + message, judge: DNSStreamJudge(judge: judge), hasTLS: false,
              outcome: outcome))
        }
      }.connect(to: address), phase: "waiting for an answer over TCP")
  }

  private func connect(_ channel: EventLoopFuture<any Channel>, phase text: String) {
    let (phase, outcome) = (phase, outcome)
    channel.whenComplete { result in
      switch result {
      case .failure(let error): outcome.succeed(probeFailure(error))
      case .success: phase.value = text
      }
    }
  }
}

private func close(_ channel: any Channel, when outcome: EventLoopFuture<ProbeOutcome>) {
  outcome.whenComplete { _ in channel.close(promise: nil) }
}

/// The first message that comes over TCP, its length in front (RFC 1035 §4.2.2).
private struct DNSStreamJudge: ByteJudge {
  let judge: DNSJudge
  private var bytes: [UInt8] = []

  init(judge: DNSJudge) { self.judge = judge }

  mutating func received(_ bytes: some Collection<UInt8>) -> ProbeOutcome? {
    self.bytes += bytes
    guard self.bytes.count >= 2 else { return nil }
    let end = 2 + (Int(self.bytes[0]) << 8 | Int(self.bytes[1]))
    guard self.bytes.count >= end else { return nil }
    switch judge.reading(of: Array(self.bytes[2..<end])) {
    case .decided(let outcome): return outcome
    case .truncated: return .failure("answer is truncated over TCP, too")
    case nil: return .failure("what came over TCP is no answer to the question")
    }
  }

  func closed() -> ProbeOutcome { .failure("connection closed before an answer over TCP") }
}

/// Sends the question once connected, and takes the first datagram that answers it; from elsewhere
/// than the server none comes, since the socket is connected.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let judge: DNSJudge
  private let server: NIOCore.SocketAddress
  private let isOverTCP: EventLoopPromise<Void>
  private let outcome: EventLoopPromise<ProbeOutcome>

  init(
    judge: DNSJudge, server: NIOCore.SocketAddress, isOverTCP: EventLoopPromise<Void>,
    outcome: EventLoopPromise<ProbeOutcome>
  ) {
    self.judge = judge
    self.server = server
    self.isOverTCP = isOverTCP
    self.outcome = outcome
  }

  func channelActive(context: ChannelHandlerContext) {
    let envelope = AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: judge.bytes))
    context.writeAndFlush(wrapOutboundOut(envelope), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch judge.reading(of: Array(unwrapInboundIn(data).data.readableBytesView)) {
    case .decided(let found): outcome.succeed(found)
    case .truncated: isOverTCP.succeed()
    case nil: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    outcome.succeed(probeFailure(error))
  }
}
