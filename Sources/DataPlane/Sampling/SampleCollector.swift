public import Counters
import Synchronization

/// The samples of all threads of the data plane, on their way to the control plane.
///
///     ThreadSampler     ─► SampleRing ─┐
///     ThreadSampler     ─► SampleRing ─┼─► takeResolvers(), takeDecisions()
///     ConnectionSampler ─► SampleRing ─┘
public final class SampleCollector: Sendable {
  public struct Settings: Sendable, Equatable {
    /// Every how manieth DNS query tells who asked, on average; nil: none.
    public var resolverInterval: Int?

    /// The same of DNS queries and connections whose decision is noted.
    public var decisionInterval: Int?

    public init(resolverInterval: Int?, decisionInterval: Int? = nil) {
      self.resolverInterval = resolverInterval
      self.decisionInterval = decisionInterval
    }
  }

  private let settings: Settings
  private let dropped: CounterIndex
  private let rings = Mutex<[SampleRings]>([])

  public init(_ settings: Settings, board: CounterBoard) {
    self.settings = settings
    dropped = board.index(of: CounterBoard.Series("azimuth_samples_dropped_total"))
  }

  /// The sampler of one more thread.
  ///
  /// - Parameter shard: of that thread.
  public func makeThreadSampler(shard: CounterShard) -> ThreadSampler {
    let made = SampleRings()
    rings.withLock { $0.append(made) }
    return ThreadSampler(
      settings, rings: made, shard: shard, dropped: dropped, seed: .random(in: .min ... .max))
  }

  /// The sampler of one more worker of the proxy.
  package func makeConnectionSampler(shard: CounterShard) -> ConnectionSampler {
    let made = SampleRings()
    rings.withLock { $0.append(made) }
    return ConnectionSampler(
      every: settings.decisionInterval, ring: made.decisions, shard: shard, dropped: dropped,
      seed: .random(in: .min ... .max))
  }

  /// Decisions that were made since the last call.
  public func takeDecisions() -> [DecisionSample] {
    rings.withLock { rings in rings.flatMap { $0.decisions.takeAll() } }
  }

  /// Who asked since the last call.
  public func takeResolvers() -> [ResolverSample] {
    rings.withLock { rings in rings.flatMap { $0.resolvers.takeAll() } }
  }
}

/// The rings of one thread.
struct SampleRings: Sendable {
  /// A thread that answers half a million queries a second puts in some 1,000 between two looks.
  let resolvers = SampleRing<ResolverSample>(capacity: 4096)
  /// Each is explained, which takes some 100 µs: no more than one processor can do.
  let decisions = SampleRing<DecisionSample>(capacity: 512)
}
