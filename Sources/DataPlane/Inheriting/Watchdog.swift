/// How often systemd wants to hear that the service lives (`WatchdogSec=`, sd_watchdog_enabled(3)).
package struct Watchdog: Sendable, Equatable {
  /// Longer ones are none: a number that is not meant.
  private static let longest = Duration.seconds(86_400 * 366)

  /// If nothing is heard for so long, systemd ends the service. Positive.
  package let limit: Duration

  /// nil: for none at all, or for longer than a year.
  package init?(limit: Duration) {
    guard limit > .zero, limit <= Self.longest else { return nil }
    self.limit = limit
  }

  /// nil: there is none, or it is another process's.
  ///
  /// - Parameter environment: `WATCHDOG_USEC` and `WATCHDOG_PID` count; without the latter it is
  ///   for whoever reads it.
  package init?(environment: [String: String], processID: Int32) {
    if let owner = environment["WATCHDOG_PID"], Int32(owner) != processID { return nil }
    guard let limit = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }) else { return nil }
    self.init(limit: .microseconds(limit))
  }

  /// From one word to the next: half of the time, as sd_watchdog_enabled(3) has it.
  package var pace: Duration { limit / 2 }

  /// A question without an answer for so long is told to people; well before systemd acts.
  package var worry: Duration { limit / 8 }

  /// When to ask the next time: a pace after the last question, or a moment from now if that one
  /// was not answered, for systemd does not wait longer because we do.
  ///
  /// - Parameters:
  ///   - asked: when the last question was put.
  ///   - now: it is answered now, or given up.
  package func next(asked: Duration, now: Duration, wasAnswered: Bool) -> Duration {
    wasAnswered ? max(now, asked + pace) : now + min(worry, .milliseconds(100))
  }
}
