import Glibc
import NIOCore

/// Stops accepting for a moment when the system has no descriptor or memory for one connection
/// more: it would say so again at once, for as long as connections wait, and NIO asks again at
/// once.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private static let pause = TimeAmount.milliseconds(100)

  private let loops: StreamLoops

  init(loops: StreamLoops) { self.loops = loops }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let code = (error as? IOError)?.errnoCode,
      [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
    else { return }
    loops.loop(for: context.eventLoop)?.noteAcceptPause()
    let options = context.channel.syncOptions
    // Fails only where the channel has been closed.
    try? options?.setOption(.autoRead, value: false)
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
      try? options?.setOption(.autoRead, value: true)
    }
  }
}
