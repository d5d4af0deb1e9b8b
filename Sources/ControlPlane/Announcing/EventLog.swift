import Synchronization

/// The latest events, in order. Whoever reads asks for what came after the last number that it
/// knows, so that a reader that was away, or is slow, misses nothing that is still here and holds
/// nobody up.
package final class EventLog: Sendable {
  /// Events kept.
  package let capacity: Int
  private let state: Mutex<State>

  private struct State {
    /// At most twice ``EventLog/capacity``, so that dropping costs little.
    var events: [Event]
    /// The number that the next one gets.
    var next: UInt64
    /// The highest number of those that are not here any more: before it, something is missing.
    var droppedThrough: UInt64
    var counts: [Event.Kind: Int] = [:]
    var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
    var nextListener: UInt64 = 0
  }

  /// What came after some number.
  package struct Page: Sendable, Equatable {
    package var events: [Event]
    /// Some of what came after it is not known any more; or it is not of this log.
    package var isIncomplete: Bool
    /// The number to ask with for what comes next.
    package var last: UInt64
  }

  /// - Parameters:
  ///   - kept: what was kept over a restart, in order.
  ///   - startedAt: seconds since 1970. Numbers begin with its milliseconds, so that they are
  ///     above all earlier ones even where nothing was kept.
  package init(capacity: Int = 10_000, kept: [Event] = [], startedAt: Double = 0) {
    self.capacity = max(1, capacity)
    let kept = Array(kept.suffix(self.capacity))
    let start = max(UInt64(max(0, startedAt * 1000)), (kept.last?.id ?? 0) + 1, 1)
    state = Mutex(
      State(events: kept, next: start, droppedThrough: (kept.first?.id ?? start) - 1))
  }

  /// Adds what has changed, all at one moment.
  ///
  /// - Parameter now: seconds since 1970.
  package func append(_ changes: [Change], edition: UInt64, revision: UInt64, now: Double) {
    guard !changes.isEmpty else { return }
    state.withLock { state in
      for change in changes {
        state.events.append(
          Event(
            id: state.next, at: Timestamp(seconds: now), kind: change.kind,
            subject: change.subject, from: change.from, to: change.to, cause: change.cause,
            author: change.author, edition: edition, revision: revision))
        state.counts[change.kind, default: 0] += 1
        state.next += 1
      }
      if state.events.count > capacity * 2 {
        let dropped = state.events.count - capacity
        state.droppedThrough = state.events[dropped - 1].id
        state.events.removeFirst(dropped)
      }
      for listener in state.listeners.values { listener.yield() }
    }
  }

  /// - Parameters:
  ///   - id: 0 for all that is here.
  ///   - limit: events at most.
  package func page(after id: UInt64, limit: Int = 1_000) -> Page {
    state.withLock { state in
      let isForeign = id >= state.next
      let isIncomplete = id != 0 && (id < state.droppedThrough || isForeign)
      let start = isForeign ? 0 : state.events.partitioningIndex { $0.id > id }
      let events = Array(state.events[start...].prefix(limit))
      return Page(
        events: events, isIncomplete: isIncomplete,
        last: events.last?.id ?? max(state.next - 1, isForeign ? 0 : id))
    }
  }

  /// The number of the newest event, or the one before the first.
  package var last: UInt64 { state.withLock { $0.next - 1 } }

  /// How many came after a number, of those that are here.
  package func count(after id: UInt64) -> Int {
    state.withLock { state in
      state.events.count - state.events.partitioningIndex { $0.id > id }
    }
  }

  /// How many there were of each kind since the start.
  package var counts: [Event.Kind: Int] { state.withLock { $0.counts } }

  /// How many wait for more.
  package var listenerCount: Int { state.withLock { $0.listeners.count } }

  /// Yields when there is something new; several changes may be one wake-up. The first comes at
  /// once.
  ///
  /// - Parameter mostListeners: nil where there are so many already.
  package func changes(mostListeners: Int = .max) -> AsyncStream<Void>? {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state -> UInt64? in
      guard state.listeners.count < mostListeners else { return nil }
      state.nextListener += 1
      state.listeners[state.nextListener] = continuation
      return state.nextListener
    }
    guard let number else { return nil }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
    }
    continuation.yield()
    return stream
  }
}

extension Array {
  /// The first index whose element, and all after it, belong; `belongs` is false, then true.
  fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
