/// How much of its weight an endpoint has that is back for a short time: its caches are cold, and
/// what broke it before might again.
public enum SlowStart {
  /// Of the weight, from the first moment on: so much that a fault shows.
  public static let lowestShare = 0.1

  /// Grows by the clock from ``lowestShare`` to 1, also for a lone endpoint (whose connections
  /// then have nowhere else to go; that a region returns by and by is the business of its ramp).
  ///
  /// - Parameters:
  ///   - startedAt: when it came back; 0: long ago.
  ///   - window: 0: there is no slow start.
  public static func share(startedAt: UInt64, now: UInt64, window: UInt64) -> Double {
    guard startedAt > 0, window > 0, now < startedAt &+ window else { return 1 }
    // Of a clock that this thread has read a moment before another one did.
    guard now > startedAt else { return lowestShare }
    return max(lowestShare, Double(now - startedAt) / Double(window))
  }
}
