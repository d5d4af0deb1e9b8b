public import Counters
import Synchronization

/// The samples of all threads of the data plane, on their way to the control plane.
///
///     ThreadSampler ─► SampleRing ─┐
///     ThreadSampler ─► SampleRing ─┴─► takeResolvers()
public final class SampleCollector: Sendable {
  public struct Settings: Sendable, Equatable {
    /// Every how manieth DNS query tells who asked, on average; nil: none.
    public var resolverInterval: Int?

    public init(resolverInterval: Int?) { self.resolverInterval = resolverInterval }
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

  /// Who asked since the last call.
  public func takeResolvers() -> [ResolverSample] {
    rings.withLock { rings in rings.flatMap { $0.resolvers.takeAll() } }
  }
}

/// The rings of one thread.
struct SampleRings: Sendable {
  /// A thread that answers half a million queries a second puts in some 1,000 between two looks.
  let resolvers = SampleRing<ResolverSample>(capacity: 4096)
}
