/// What transfers came to since the start.
package struct TransferCounts: Sendable, Equatable {
  /// Answers to AXFR and IXFR that were begun, by what they hold.
  package var sentWhole = 0
  package var sentDifferences = 0
  package var sentCurrent = 0
  /// Requests for a transfer that were refused: not allowed, or too many at a time.
  package var refused = 0
  /// Signatures that were not taken, whatever they were on.
  package var badSignatures = 0
  package var notifiesHeeded = 0
  package var notifiesRefused = 0
  package var notifiesAcknowledged = 0
  package var notifiesUnanswered = 0
  package var receivedWhole = 0
  package var receivedDifferences = 0
  /// Checks of a primary that found nothing newer.
  package var confirmed = 0
  package var failed = 0

  package init() {}
}
