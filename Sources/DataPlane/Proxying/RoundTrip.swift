package import Places
import Sampling
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

/// The rings of all workers.
package final class RoundTripCollector: Sendable {
  /// Round trips of one worker that wait; more are dropped.
  static let capacity = 4096
  private let rings = Mutex<[SampleRing<RoundTrip>]>([])
  private let isOn: Atomic<Bool>

  /// - Parameter isOn: off, workers ask the system nothing.
  package init(isOn: Bool) { self.isOn = Atomic(isOn) }

  /// Whether workers measure.
  var isMeasuring: Bool { isOn.load(ordering: .relaxed) }

  package func setMeasuring(_ isOn: Bool) { self.isOn.store(isOn, ordering: .relaxed) }

  func makeRing() -> SampleRing<RoundTrip> {
    let ring = SampleRing<RoundTrip>(capacity: Self.capacity)
    rings.withLock { $0.append(ring) }
    return ring
  }

  /// What was measured since the last call; at most `capacity` of each worker.
  package func takeAll() -> [RoundTrip] {
    rings.withLock { rings in rings.flatMap { $0.takeAll() } }
  }
}
