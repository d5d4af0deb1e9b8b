/// When the connections that are open at the end are closed: not at once, but spread over the last
/// part of the time they have. Nanoseconds of a clock that never goes back.
package struct DrainSchedule: Sendable, Equatable {
  private let from: UInt64
  private let length: UInt64

  /// - Parameters:
  ///   - deadline: how long from `now` the last one may stay.
  ///   - spread: the last part of it; no longer than it.
  package init(now: UInt64, deadline: UInt64, spread: UInt64) {
    length = min(spread, deadline)
    from = now &+ deadline &- length
  }

  /// When the first one is closed, at the earliest.
  package var begin: UInt64 { from }

  /// By when the last one is closed.
  package var end: UInt64 { from &+ length }

  /// When the connection of this number is closed: connections of neighbouring numbers, which
  /// often have the same client, at different times.
  package func closingTime(sequence: UInt64) -> UInt64 {
    // Fibonacci hashing (Knuth, TAOCP 3, §6.4): neighbours land far apart, all of them evenly.
    let place = sequence &* 0x9E37_79B9_7F4A_7C15
    return from &+ place.multipliedFullWidth(by: length).high
  }
}
