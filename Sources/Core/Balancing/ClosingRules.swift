/// What becomes of the open connections of an endpoint that gets no new ones any more. By default
/// they go on: what is checked is not what they do, and a stream that was cut is lost for sure.
public struct ClosingRules: Sendable, Equatable, BitwiseCopyable {
  /// In the order of their severity.
  public enum Manner: UInt8, Sendable, Comparable, BitwiseCopyable {
    /// They go on until one of their sides ends them.
    case keep
    /// They are closed one after another in the last ``ClosingRules/spread`` of the
    /// ``ClosingRules/deadline``.
    case drain
    /// They are closed at once.
    case close

    public static func < (a: Manner, b: Manner) -> Bool { a.rawValue < b.rawValue }
  }

  /// Checks have found it unhealthy, or an operator says that it is down.
  public var whenDown = Manner.keep
  /// An operator drains it, its zone or its region, or it asks for no clients itself.
  public var whenDrained = Manner.keep
  /// Another region is the primary of every service that the pool is for.
  public var whenDemoted = Manner.keep
  /// The configuration has it no more.
  public var whenRemoved = Manner.keep
  /// Of `drain`, nanoseconds.
  public var deadline: UInt64 = 30_000_000_000
  /// The last part of the deadline, nanoseconds; no longer than it.
  public var spread: UInt64 = 10_000_000_000

  public init() {}

  /// Whether nothing is ever closed.
  public var keepsAll: Bool {
    max(whenDown, whenDrained, max(whenDemoted, whenRemoved)) == .keep
  }
}
