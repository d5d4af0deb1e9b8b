import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A connection over TLS. Hummingbird's own would keep the roots that it began with.
struct AdminChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  let identity: AdminIdentity
  let base: HTTP1Channel

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: identity.context))
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}

extension HTTPServerBuilder {
  /// - Parameter identity: nil: in the clear.
  static func http1(
    _ configuration: HTTP1Channel.Configuration, _ identity: AdminIdentity?
  ) -> HTTPServerBuilder {
    HTTPServerBuilder { responder in
      let base = HTTP1Channel(responder: responder, configuration: configuration)
      return if let identity { AdminChannel(identity: identity, base: base) } else { base }
    }
  }
}
