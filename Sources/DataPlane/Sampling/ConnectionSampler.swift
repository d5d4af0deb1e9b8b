import CLinux
import Counters
package import Editions
package import Places

/// One worker's sampling of connections that were routed.
package struct ConnectionSampler: ~Copyable {
  private var clock: SampleClock
  private let ring: SampleRing<DecisionSample>
  private let shard: CounterShard
  private let dropped: CounterIndex

  init(
    every interval: Int?, ring: SampleRing<DecisionSample>, shard: CounterShard,
    dropped: CounterIndex, seed: UInt64
  ) {
    clock = SampleClock(every: interval, seed: seed)
    self.ring = ring
    self.shard = shard
    self.dropped = dropped
  }

  /// Counts a connection, and notes it if it is one to be taken.
  package mutating func take(
    client: IPAddress, listener: String, serverName: @autoclosure () -> [UInt8], edition: Edition
  ) {
    guard clock.pass(1) else { return }
    let sample = DecisionSample(
      nanoseconds: az_wall_clock_ns(), client: client,
      question: .listener(listener, serverName: serverName()), edition: edition)
    if !ring.append(sample) { shard.add(to: dropped) }
  }
}
