package import Places
import Synchronization

/// The lowest round trip between this node and a client, of one connection, and what lies beyond.
package struct RoundTrip: Sendable, Equatable {
  package var client: IPAddress
  package var microseconds: UInt32
  /// nil: the connection had no endpoint, or the system knows nothing of the way there.
  package var beyond: Beyond?

  /// The second half of a connection: from this node to its endpoint.
  package struct Beyond: Sendable, Equatable {
    package var microseconds: UInt32
    /// Index into the regions of ``revision``.
    package var region: UInt32
    package var revision: UInt64

    package init(microseconds: UInt32, region: UInt32, revision: UInt64) {
      self.microseconds = microseconds
      self.region = region
      self.revision = revision
    }
  }

  package init(client: IPAddress, microseconds: UInt32, beyond: Beyond? = nil) {
    self.client = client
    self.microseconds = microseconds
    self.beyond = beyond
  }
}

/// Round trips on their way from one worker to whoever learns from them: one thread puts in,
/// another takes out, neither waits; what finds no room is dropped.
///
/// `@unchecked`: `head` belongs to the producer and `tail` to the consumer; each sees the other's
/// through an acquiring load, and the entries between them belong to the consumer alone.
@safe package final class RoundTripRing: @unchecked Sendable {
  package static let capacity = 4096
  private let memory: UnsafeMutablePointer<RoundTrip>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  package init() {
    unsafe memory = .allocate(capacity: Self.capacity)
    unsafe memory.initialize(
      repeating: RoundTrip(client: .ipv4(0), microseconds: 0), count: Self.capacity)
  }

  deinit {
    unsafe memory.deinitialize(count: Self.capacity)
    unsafe memory.deallocate()
  }

  /// By the worker.
  package func append(_ roundTrip: RoundTrip) {
    let end = head.load(ordering: .relaxed)
    guard end - tail.load(ordering: .acquiring) < Self.capacity else { return }
    unsafe memory[end % Self.capacity] = roundTrip
    head.store(end + 1, ordering: .releasing)
  }

  /// By whoever learns, never by two at once.
  package func takeAll() -> [RoundTrip] {
    let start = tail.load(ordering: .relaxed)
    let end = head.load(ordering: .acquiring)
    let taken = (start..<end).map { unsafe memory[$0 % Self.capacity] }
    tail.store(end, ordering: .releasing)
    return taken
  }
}

/// The rings of all workers.
package final class RoundTripCollector: Sendable {
  private let rings = Mutex<[RoundTripRing]>([])
  private let isOn: Atomic<Bool>

  /// - Parameter isOn: off, workers ask the system nothing.
  package init(isOn: Bool) { self.isOn = Atomic(isOn) }

  /// Whether workers measure.
  var isMeasuring: Bool { isOn.load(ordering: .relaxed) }

  package func setMeasuring(_ isOn: Bool) { self.isOn.store(isOn, ordering: .relaxed) }

  func makeRing() -> RoundTripRing {
    let ring = RoundTripRing()
    rings.withLock { $0.append(ring) }
    return ring
  }

  /// What was measured since the last call; at most ``RoundTripRing/capacity`` of each worker.
  package func takeAll() -> [RoundTrip] {
    rings.withLock { rings in rings.flatMap { $0.takeAll() } }
  }
}
