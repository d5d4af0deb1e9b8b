import Glibc
import NIOCore

/// When a listening socket takes connections:
///
/// - Not before there is an edition to answer with: who comes earlier waits in the system's queue,
///   as questions over UDP do.
/// - Not for a moment, when the system has no descriptor or memory for one connection more: it
///   would say so again at once, for as long as connections wait, and NIO asks again at once.
final class AcceptGate: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias OutboundIn = Never

  private static let pause = TimeAmount.milliseconds(100)
  /// Between two looks for the first edition.
  private static let wait = TimeAmount.milliseconds(10)

  private let loops: StreamLoops

  init(loops: StreamLoops) { self.loops = loops }

  func read(context: ChannelHandlerContext) {
    if loops.loop(for: context.eventLoop)?.isReady ?? true { return context.read() }
    let bound = NIOLoopBound((gate: self, context: context), eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.wait) {
      let (gate, context) = bound.value
      guard context.channel.isActive else { return }
      gate.read(context: context)
    }
  }

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
