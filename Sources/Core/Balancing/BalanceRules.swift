/// How the proxy shares the connections of a pool among the endpoints of one region.
public struct BalanceRules: Sendable, Equatable {
  /// Which endpoint a connection goes to. All go by weight, and none to an endpoint that is ejected
  /// or full while another is not.
  public enum Method: Sendable, Equatable, BitwiseCopyable, CaseIterable {
    /// Two at random, then the one with fewer connections for its weight: nearly as even as
    /// `leastConnections`, and what is told late or wrongly of one endpoint draws no herd to it.
    case powerOfTwo
    /// The fewest connections for its weight; by chance where several have.
    case leastConnections
    /// In turn, as evenly mixed as the weights allow; blind to what connections cost.
    case roundRobin
    /// Two at random, then the one where connecting takes less, times the connections it has.
    case peakLatency
    /// The same endpoint for the same client, on every node.
    case hash
    /// The first in the order of the settings; the others are its reserve.
    case first

    /// In the configuration and in logs.
    public var name: String {
      switch self {
      case .powerOfTwo: "p2c"
      case .leastConnections: "least_connections"
      case .roundRobin: "round_robin"
      case .peakLatency: "peak_ewma"
      case .hash: "hash"
      case .first: "first"
      }
    }
  }

  public var method = Method.powerOfTwo
  /// What of a client's address `hash` goes by, leading bits: 0...32 and 0...128.
  public var keyBitsIPv4 = 32
  public var keyBitsIPv6 = 64
  /// How much above its part by weight `hash` may load an endpoint before clients go to their next
  /// one, as a factor above 1; nil: clients never do.
  public var boundedLoad: Double? = 1.25
  /// Connections to one endpoint, over all threads of this node; nil: no limit.
  public var maximumConnections: Int?
  /// How long an endpoint that is back takes to get its full part, nanoseconds; 0: none.
  public var slowStart: UInt64 = 60_000_000_000
  /// nil: nothing is ejected.
  public var ejection: EjectionRules? = EjectionRules()

  public init() {}
}

/// When the proxy leaves an endpoint out because of what its own connections met there.
public struct EjectionRules: Sendable, Equatable, BitwiseCopyable {
  /// Attempts to connect that failed in a row; at least 1.
  public var failures = 5
  /// Connections in a row that the endpoint reset before it had sent a byte; 0: they do not count.
  public var resets = 5
  /// Of the first time, nanoseconds; the n-th time in a row takes n times as long.
  public var base: UInt64 = 10_000_000_000
  /// No time is longer, nanoseconds.
  public var longest: UInt64 = 300_000_000_000
  /// Endpoints of a region that may be ejected at once, 0...1.
  public var maximumShare = 0.5

  public init() {}

  /// Endpoints of so many that may be ejected at once: one at least, as pools are small, and never
  /// all.
  public func mostEjected(of count: Int) -> Int {
    guard count > 1, maximumShare > 0 else { return 0 }
    return min(count - 1, max(1, Int(maximumShare * Double(count))))
  }
}
