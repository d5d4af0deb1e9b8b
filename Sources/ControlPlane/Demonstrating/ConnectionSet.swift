import NIOCore
import Synchronization

/// The open connections of a server.
final class ConnectionSet: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }
  private let state = Mutex(State())

  /// Forgets the channel when it closes; closes it at once after ``closeAll()``.
  func insert(_ channel: any Channel) {
    let key = ObjectIdentifier(channel)
    let isClosed = state.withLock { state in
      if !state.isClosed { state.channels[key] = channel }
      return state.isClosed
    }
    if isClosed { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in
      self.state.withLock { $0.channels[key] = nil }
    }
  }

  /// Closes all, and those that are yet inserted.
  func closeAll() async {
    let channels = state.withLock { state in
      state.isClosed = true
      return Array(state.channels.values)
    }
    for channel in channels { try? await channel.close().get() }
  }
}
