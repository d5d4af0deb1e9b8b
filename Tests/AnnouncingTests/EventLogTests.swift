import Announcing
import Testing

@Suite struct `An event log` {
  private func log(_ count: Int, capacity: Int = 10, kept: [Event] = []) -> EventLog {
    let log = EventLog(capacity: capacity, kept: kept)
    for number in 0..<count { add("\(number)", to: log) }
    return log
  }

  private func add(_ subject: String, to log: EventLog) {
    log.append(
      [Change(.regionHealth, of: subject, from: "healthy", to: "unhealthy")], edition: 1,
      revision: 1, now: 1_767_225_600)
  }

  @Test func `gives what came after a number, in order, each once`() {
    let log = log(5)
    let first = log.page(after: 0, limit: 3)
    #expect(first.events.map(\.subject) == ["0", "1", "2"] && !first.isIncomplete)
    let second = log.page(after: first.last)
    #expect(second.events.map(\.subject) == ["3", "4"] && !second.isIncomplete)
    let third = log.page(after: second.last)
    #expect(third.events.isEmpty && third.last == second.last)
  }

  @Test func `says so where something that came after a number is gone`() {
    let log = log(1)
    let last = log.page(after: 0).last
    for number in 0..<50 { add("\(number)", to: log) }
    #expect(log.page(after: last).isIncomplete)
    let rest = log.page(after: 0)
    #expect(!rest.isIncomplete && rest.events.count >= 10 && rest.events.count <= 20)
    #expect(!log.page(after: rest.events[0].id).isIncomplete)
  }

  @Test func `a number that it never gave is of another log`() {
    let log = log(3)
    let page = log.page(after: 1_000_000)
    #expect(page.isIncomplete && page.events.count == 3)
  }

  @Test func `goes on after a restart with what was kept, and above it`() {
    let before = log(4)
    let kept = before.page(after: 0).events
    let after = log(1, kept: kept)
    let page = after.page(after: kept[1].id)
    #expect(page.events.map(\.subject) == ["2", "3", "0"] && !page.isIncomplete)
    #expect(page.events.map(\.id) == page.events.map(\.id).sorted())
  }

  @Test func `has numbers above earlier ones even where nothing was kept`() {
    let before = EventLog(startedAt: 1_767_225_600)
    add("a", to: before)
    let after = EventLog(startedAt: 1_767_225_700)
    add("b", to: after)
    #expect(after.last > before.last)
    #expect(after.page(after: before.last).isIncomplete)
  }

  @Test func `wakes those who wait, and forgets them when they go`() async throws {
    let log = log(0, capacity: 100)
    let changes = try #require(log.changes())
    let (seen, seeing) = AsyncStream.makeStream(of: String.self)
    let reader = Task {
      var last: UInt64 = 0
      for await _ in changes {
        let page = log.page(after: last)
        for event in page.events { seeing.yield(event.subject) }
        last = page.last
      }
    }
    var next = 0
    add("0", to: log)
    // Each event is added when the one before was seen.
    for await subject in seen {
      #expect(subject == "\(next)")
      next += 1
      guard next < 20 else { break }
      add("\(next)", to: log)
    }
    reader.cancel()
    await reader.value
    #expect(log.listenerCount == 0)
  }

  @Test func `has no more followers than it may`() throws {
    let log = log(0)
    let first = try #require(log.changes(mostListeners: 1))
    #expect(log.changes(mostListeners: 1) == nil)
    withExtendedLifetime(first) {}
  }
}
