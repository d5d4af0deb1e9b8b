import Synchronization

/// Samples on their way from one thread of the data plane to whoever evaluates them: one thread
/// puts in, another takes out, neither waits; what finds no room is dropped.
///
/// `@unchecked`: `head` belongs to the producer and `tail` to the consumer; each sees the other's
/// through an acquiring load, and the samples between them belong to the consumer alone.
@safe package final class SampleRing<Sample: Sendable>: @unchecked Sendable {
  private let capacity: Int
  private let memory: UnsafeMutablePointer<Sample>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  package init(capacity: Int) {
    self.capacity = capacity
    unsafe memory = .allocate(capacity: capacity)
  }

  deinit {
    _ = takeAll()
    unsafe memory.deallocate()
  }

  /// By the thread that samples.
  ///
  /// - Returns: false if there is no room.
  package func append(_ sample: Sample) -> Bool {
    let end = head.load(ordering: .relaxed)
    guard end - tail.load(ordering: .acquiring) < capacity else { return false }
    // Free: whoever took what was there has moved it out.
    unsafe (memory + end % capacity).initialize(to: sample)
    head.store(end + 1, ordering: .releasing)
    return true
  }

  /// By whoever evaluates, never by two at once.
  package func takeAll() -> [Sample] {
    let start = tail.load(ordering: .relaxed)
    let end = head.load(ordering: .acquiring)
    let taken = (start..<end).map { unsafe (memory + $0 % capacity).move() }
    tail.store(end, ordering: .releasing)
    return taken
  }
}
