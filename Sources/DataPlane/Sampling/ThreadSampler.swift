import Counters
import DNSWire
public import Places

/// One thread's sampling of DNS queries: notes every n-th in the thread's ring, or counts that
/// there was no room. Never waits.
///
///     if sampler.takesNext() {                three instructions, whether it samples or not
///       sampler.takeQuery(…)                  before the answer is written over the query
///       …
///       sampler.finish(wasAnswered: …)
///     }
///
/// Reads the query once more, by itself: so the road knows nothing of it.
public struct ThreadSampler: ~Copyable {
  @usableFromInline var countdown: Int

  /// What the countdown began with.
  private var step: Int
  private var resolverClock: SampleClock
  private let source: Source?
  private var resolver: ResolverSample?

  private struct Source {
    let rings: SampleRings
    let shard: CounterShard
    let dropped: CounterIndex
  }

  /// A sampler that takes nothing.
  public init() {
    source = nil
    resolverClock = SampleClock(every: nil, seed: 0)
    step = .max
    countdown = .max
  }

  /// - Parameter shard: of the thread that this is used on.
  init(
    _ settings: SampleCollector.Settings, rings: SampleRings, shard: CounterShard,
    dropped: CounterIndex, seed: UInt64
  ) {
    source = Source(rings: rings, shard: shard, dropped: dropped)
    resolverClock = SampleClock(every: settings.resolverInterval, seed: seed)
    step = resolverClock.left
    countdown = step
  }

  /// Counts a query: whether it is one to be taken, by ``takeQuery(_:byteCount:from:)`` and
  /// ``finish(wasAnswered:)``.
  @inlinable
  public mutating func takesNext() -> Bool {
    countdown &-= 1
    return countdown == 0
  }

  /// Notes what the query says.
  ///
  /// - Parameter message: at least `Query.slackByteCount` longer than the query.
  public mutating func takeQuery(_ message: RawSpan, byteCount: Int, from source: IPAddress) {
    let isResolverDue = resolverClock.pass(step)
    step = resolverClock.left
    countdown = step
    guard let query = try? Query.decode(message, byteCount: byteCount) else { return }
    if isResolverDue {
      resolver = ResolverSample(
        resolver: source,
        hasSubnet: query.subnetState == .valid && query.subnet.sourceBits > 0)
    }
  }

  /// Hands over what was noted, if there was an answer: forged queries of a flood, which get none,
  /// are not to displace who asks.
  public mutating func finish(wasAnswered: Bool) {
    defer { resolver = nil }
    guard wasAnswered, let source else { return }
    if let resolver, !source.rings.resolvers.append(resolver) {
      source.shard.add(to: source.dropped)
    }
  }
}
