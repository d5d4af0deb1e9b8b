package import Routing

/// The health of an endpoint that nothing probes: healthy, until connections to it fail.
///
/// ``fall`` failures with no more than ``memory`` between them make it unhealthy for a cooling
/// time, after which traffic may try again. The time doubles with each return to failure, up to
/// ``longestCooling``, and starts over once the endpoint stayed healthy for as long as it was kept
/// away.
package struct PassiveStateMachine: Sendable, Equatable {
  package static let fall = 3
  package static let memory = Duration.seconds(10)
  package static let firstCooling = Duration.seconds(10)
  package static let longestCooling = Duration.seconds(300)

  package private(set) var health = Health.healthy
  package private(set) var failuresInARow = 0
  /// When ``wake(now:)`` has something to do.
  package private(set) var due: Duration?

  private var cooling = Self.firstCooling
  private var lastFailure: Duration?
  private var lastReturn: Duration?

  package init() {}

  /// Connections of real traffic failed.
  package mutating func noteConnectionFailures(_ count: Int, now: Duration) -> HealthTransition? {
    guard count > 0, health == .healthy else { return nil }
    if let last = lastFailure, now - last > Self.memory { failuresInARow = 0 }
    lastFailure = now
    failuresInARow += min(count, Self.fall)
    guard failuresInARow >= Self.fall else { return nil }
    if let since = lastReturn {
      cooling =
        now - since < cooling ? min(cooling * 2, Self.longestCooling) : Self.firstCooling
    }
    due = now + cooling
    health = .unhealthy
    return HealthTransition(
      from: .healthy, to: .unhealthy,
      cause: "\(failuresInARow) connections failed; no monitor, so kept away for \(cooling)",
      at: now)
  }

  /// The time has come to ``due``.
  package mutating func wake(now: Duration) -> HealthTransition? {
    guard let end = due, now >= end else { return nil }
    due = nil
    failuresInARow = 0
    lastFailure = nil
    lastReturn = now
    health = .healthy
    return HealthTransition(
      from: .unhealthy, to: .healthy, cause: "cooling time of \(cooling) is over", at: now)
  }
}
