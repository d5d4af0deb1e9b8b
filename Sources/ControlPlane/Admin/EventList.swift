package import Announcing

/// What is here, for those who ask now and then.
package struct EventList: Codable, Sendable {
  package var events: [Event]
  /// Some of what came after the number asked with is not known any more.
  package var incomplete: Bool
  /// What to ask with next time.
  package var last: UInt64

  init(_ page: EventLog.Page) {
    events = page.events
    incomplete = page.isIncomplete
    last = page.last
  }
}
