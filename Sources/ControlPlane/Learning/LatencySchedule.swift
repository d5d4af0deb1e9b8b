/// When a node tells its fleet what it has measured: every half minute at the soonest, and so
/// seldom that its words come to a bounded number of bytes a second, whatever it measures.
///
/// Every word goes to every node, so what a fleet pays grows by the square of its nodes.
package struct LatencySchedule: Sendable, Equatable {
  package static let shortestInterval = Duration.seconds(30)
  /// On average, and for each node.
  package static let bytesPerSecond = 50

  /// The word is not to be written before.
  private var next = Duration.zero

  package init() {}

  /// - Parameter now: on a clock that only goes forward, as all others here.
  package func isDue(now: Duration) -> Bool { now >= next }

  /// A word was written, or may have been.
  package mutating func wrote(byteCount: Int, now: Duration) {
    let share = Duration.seconds(1) * byteCount / Self.bytesPerSecond
    next = now + max(Self.shortestInterval, share)
  }
}
