import Answering
public import Counters
public import Editions
public import RateLimiting
public import Sampling
public import Tapping

/// What all listeners answer from.
public struct ResponderParts: Sendable {
  public let desk: EditionDesk
  public let counters: CounterBoard
  public let limiter: RateLimiter
  /// nil: uncommon messages are refused.
  public let uncommon: (any UncommonMessages)?
  /// nil: nobody is told what is asked and answered.
  public let tap: Tap?
  /// nil: nothing is sampled.
  public let sampler: SampleCollector?

  public init(
    desk: EditionDesk, counters: CounterBoard, limiter: RateLimiter,
    uncommon: (any UncommonMessages)? = nil, tap: Tap? = nil,
    sampler: SampleCollector? = nil
  ) {
    self.desk = desk
    self.counters = counters
    self.limiter = limiter
    self.uncommon = uncommon
    self.tap = tap
    self.sampler = sampler
  }

  /// A responder for one thread.
  func responder(_ transport: Responder.Transport, shard: CounterShard) -> Responder {
    Responder(
      transport: transport, board: counters, shard: shard, limiter: limiter,
      handsOverUncommon: uncommon != nil)
  }

  /// The end of the tap for one thread.
  func threadTap(_ transport: Responder.Transport, shard: CounterShard) -> ThreadTap {
    guard let tap else { return ThreadTap() }
    let tapped: TapTransport =
      switch transport {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      }
    return tap.makeThreadTap(transport: tapped, shard: shard)
  }

  /// The sampler of one thread.
  func threadSampler(shard: CounterShard) -> ThreadSampler {
    sampler?.makeThreadSampler(shard: shard) ?? ThreadSampler()
  }
}
