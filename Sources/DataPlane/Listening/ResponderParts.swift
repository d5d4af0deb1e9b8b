import Answering
public import Counters
public import Editions
public import RateLimiting

/// What all listeners answer from.
public struct ResponderParts: Sendable {
  public let desk: EditionDesk
  public let counters: CounterBoard
  public let limiter: RateLimiter
  /// nil: uncommon messages are refused.
  public let uncommon: (any UncommonMessages)?

  public init(
    desk: EditionDesk, counters: CounterBoard, limiter: RateLimiter,
    uncommon: (any UncommonMessages)? = nil
  ) {
    self.desk = desk
    self.counters = counters
    self.limiter = limiter
    self.uncommon = uncommon
  }

  /// A responder for one thread.
  func responder(_ transport: Responder.Transport, shard: CounterShard) -> Responder {
    Responder(
      transport: transport, board: counters, shard: shard, limiter: limiter,
      handsOverUncommon: uncommon != nil)
  }
}
