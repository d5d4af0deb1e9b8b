import Synchronization

/// The newest of a row of values, for any number of subscribers. Who is slow misses what came in
/// between, never the newest.
package final class Broadcast<Value: Sendable>: Sendable {
  private struct State {
    var newest: Value?
    var subscribers: [Int: AsyncStream<Value>.Continuation] = [:]
    var nextNumber = 0
    var isFinished = false
  }

  private let state = Mutex(State())

  package init() {}

  /// nil: there was none yet.
  package var newest: Value? { state.withLock { $0.newest } }

  package func send(_ value: Value) {
    state.withLock { state in
      state.newest = value
      for subscriber in state.subscribers.values { subscriber.yield(value) }
    }
  }

  /// From the newest on, until the task that reads it is cancelled or the broadcast is over.
  package func values() -> AsyncStream<Value> {
    let (stream, subscriber) = AsyncStream.makeStream(
      of: Value.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      if let newest = state.newest { subscriber.yield(newest) }
      state.nextNumber += 1
      if !state.isFinished { state.subscribers[state.nextNumber] = subscriber }
      return state.isFinished ? nil : state.nextNumber
    }
    guard let number else {
      subscriber.finish()
      return stream
    }
    subscriber.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
    }
    return stream
  }

  /// Nothing more comes.
  package func finish() {
    let subscribers = state.withLock { state in
      state.isFinished = true
      defer { state.subscribers = [:] }
      return Array(state.subscribers.values)
    }
    for subscriber in subscribers { subscriber.finish() }
  }
}
