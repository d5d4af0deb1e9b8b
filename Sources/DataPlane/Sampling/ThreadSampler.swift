import CLinux
import Counters
import DNSWire
public import Editions
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
  private var decisionClock: SampleClock
  private let source: Source?
  private var resolver: ResolverSample?
  private var decision: DecisionSample?

  private struct Source {
    let rings: SampleRings
    let shard: CounterShard
    let dropped: CounterIndex
  }

  /// A sampler that takes nothing.
  public init() {
    source = nil
    resolverClock = SampleClock(every: nil, seed: 0)
    decisionClock = resolverClock
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
    decisionClock = SampleClock(every: settings.decisionInterval, seed: ~seed)
    step = min(resolverClock.left, decisionClock.left)
    countdown = step
  }

  /// Counts a query: whether it is one to be taken, by ``takeQuery(_:byteCount:from:edition:)``
  /// and ``finish(wasAnswered:)``.
  @inlinable
  public mutating func takesNext() -> Bool {
    countdown &-= 1
    return countdown == 0
  }

  /// Notes what the query says.
  ///
  /// - Parameter message: at least `Query.slackByteCount` longer than the query.
  public mutating func takeQuery(
    _ message: RawSpan, byteCount: Int, from source: IPAddress, edition: Edition
  ) {
    let isResolverDue = resolverClock.pass(step)
    let isDecisionDue = decisionClock.pass(step)
    step = min(resolverClock.left, decisionClock.left)
    countdown = step
    guard let query = try? Query.decode(message, byteCount: byteCount) else { return }
    let hasSubnet = query.subnetState == .valid && query.subnet.sourceBits > 0
    if isResolverDue { resolver = ResolverSample(resolver: source, hasSubnet: hasSubnet) }
    if isDecisionDue {
      let usesSubnet = hasSubnet && edition.rules.usesClientSubnet
      let name = (0..<query.nameByteCount).map { message.byte(at: Query.nameOffset + $0) }
      decision = DecisionSample(
        nanoseconds: az_wall_clock_ns(), client: usesSubnet ? query.subnet.address : source,
        question: .name(name, type: query.type.rawValue), edition: edition)
    }
  }

  /// Hands over what was noted, if there was an answer: forged queries of a flood, which get none,
  /// are not to displace who asks.
  public mutating func finish(wasAnswered: Bool) {
    defer {
      resolver = nil
      decision = nil
    }
    guard wasAnswered, let source else { return }
    if let resolver, !source.rings.resolvers.append(resolver) {
      source.shard.add(to: source.dropped)
    }
    if let decision, !source.rings.decisions.append(decision) {
      source.shard.add(to: source.dropped)
    }
  }
}

extension ClientSubnet {
  fileprivate var address: IPAddress {
    isIPv6
      ? .ipv6(UInt128(high) << 64 | UInt128(low))
      : .ipv4(UInt32(truncatingIfNeeded: high >> 32))
  }
}
