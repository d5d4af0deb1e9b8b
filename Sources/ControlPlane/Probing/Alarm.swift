import NIOCore
import Synchronization

/// Lets one task wait until a time has passed or someone rings, whichever is first. Rings that come
/// while nobody waits are kept, as one.
final class Alarm: Sendable {
  private struct State {
    var isRung = false
    var waiter: CheckedContinuation<Void, Never>?
  }
  private let state = Mutex(State())
  private let eventLoop: any EventLoop

  init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func ring() {
    let waiter = state.withLock { state in
      let waiter = state.waiter
      state.waiter = nil
      state.isRung = waiter == nil
      return waiter
    }
    waiter?.resume()
  }

  /// Returns at once if the task is cancelled. For one task at a time.
  /// - Parameter time: nil: until someone rings.
  func wait(atMost time: Duration?) async {
    let timer = time.map { time in
      eventLoop.scheduleTask(in: TimeAmount(max(time, .zero))) { self.ring() }
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isRung = state.withLock { state in
          if state.isRung {
            state.isRung = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isRung { continuation.resume() }
      }
    } onCancel: {
      ring()
    }
    timer?.cancel()
  }
}
