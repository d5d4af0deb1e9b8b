import NIOCore
import NIOPosix
import Places
import Synchronization

/// Answers queries over UDP and TCP on one port as a script says.
struct ScriptedResolver: Sendable {
  let script: Script
  private let udp: any Channel
  private let tcp: any Channel

  private static let group = MultiThreadedEventLoopGroup.singleton

  /// - Parameter answers: what to send for a query, if anything.
  init(_ answers: @escaping Script.Answers) async throws {
    script = Script(answers)
    // The port that the system gave TCP may be taken for UDP: then another.
    var both: (udp: any Channel, tcp: any Channel)?
    for _ in 0..<20 where both == nil {
      let tcp = try await ServerBootstrap(group: Self.group)
        .childChannelInitializer { [script] in
          $0.pipeline.addHandler(StreamScriptHandler(script: script))
        }
        .bind(host: "127.0.0.1", port: 0).get()
      do {
        let udp = try await DatagramBootstrap(group: Self.group)
          .channelInitializer { [script] in
            $0.pipeline.addHandler(DatagramScriptHandler(script: script))
          }
          .bind(host: "127.0.0.1", port: tcp.localAddress?.port ?? 0).get()
        both = (udp, tcp)
      } catch {
        try await tcp.close()
      }
    }
    guard let both else { throw NoPort() }
    (udp, tcp) = both
  }

  struct NoPort: Error {}

  var address: Places.SocketAddress {
    Places.SocketAddress(
      address: .ipv4(0x7F00_0001), port: UInt16(udp.localAddress?.port ?? 0))
  }

  func close() async throws {
    try await udp.close()
    try await tcp.close()
  }
}

/// What is answered, and what was asked.
final class Script: Sendable {
  typealias Answers = @Sendable (_ query: [UInt8], _ isTCP: Bool) throws -> [[UInt8]]

  /// Of each query: where it came from, and whether over TCP.
  let asked = Mutex<[(port: Int, isTCP: Bool)]>([])
  private let answers: Answers

  init(_ answers: @escaping Answers) { self.answers = answers }

  func answers(to query: [UInt8], port: Int, isTCP: Bool) -> [[UInt8]] {
    asked.withLock { $0.append((port, isTCP)) }
    return (try? answers(query, isTCP)) ?? []
  }
}

private final class DatagramScriptHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>
  let script: Script

  init(script: Script) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let query = Array(envelope.data.readableBytesView)
    let port = envelope.remoteAddress.port ?? 0
    for answer in script.answers(to: query, port: port, isTCP: false) {
      let reply = AddressedEnvelope(
        remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))
      context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
    }
  }
}

/// Takes the query to come in one piece, and sends its answer a byte at a time.
private final class StreamScriptHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  let script: Script

  init(script: Script) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let query = Array(unwrapInboundIn(data).readableBytesView.dropFirst(2))
    let answers = script.answers(
      to: query, port: context.remoteAddress?.port ?? 0, isTCP: true)
    guard let answer = answers.first else {
      context.close(promise: nil)
      return
    }
    for byte in [UInt8(answer.count >> 8), UInt8(answer.count & 0xFF)] + answer {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
    }
  }
}
