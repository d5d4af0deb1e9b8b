import Synchronization

/// A clock that stands until a test moves it.
package final class TestClock: Sendable {
  /// Seconds since 1970: 2026-01-01T00:00:00Z.
  package static let start = 1_767_225_600.0

  private let seconds = Mutex(TestClock.start)

  package init() {}

  /// Seconds since 1970.
  package var now: Double { seconds.withLock { $0 } }

  /// - Parameter amount: seconds.
  package func advance(_ amount: Double) { seconds.withLock { $0 += amount } }
}
