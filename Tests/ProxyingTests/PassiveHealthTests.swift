import Balancing
import Proxying
import Testing

@Test func `an endpoint that failed is avoided, for longer each time`() throws {
  let passive = PassiveHealth()
  let record = try #require(passive.records(of: ["a"]).first)
  let second: UInt64 = 1_000_000_000
  #expect(!record.isAvoided(now: 0))
  record.noteFailure(now: 0)
  // Of attempts that were under way: told, but no longer penalty.
  record.noteFailure(now: 1)
  #expect(record.isAvoided(now: second - 1))
  #expect(!record.isAvoided(now: second))
  record.noteFailure(now: second)
  #expect(record.isAvoided(now: 3 * second - 1))
  #expect(!record.isAvoided(now: 3 * second))
  var now = 3 * second
  for _ in 0..<30 {
    record.noteFailure(now: now)
    now += 11 * second
  }
  record.noteFailure(now: now)
  #expect(record.isAvoided(now: now + 10 * second - 1))
  #expect(!record.isAvoided(now: now + 10 * second))
  #expect(passive.takeFailures().first?.count == 34)
}

@Test func `a success or a probe ends the penalty`() throws {
  let passive = PassiveHealth()
  let records = passive.records(of: ["a", "b"])
  for record in records { record.noteFailure(now: 0) }
  records[0].noteSuccess()
  passive.forgive(endpointID: "b")
  passive.forgive(endpointID: "unknown")
  #expect(records.allSatisfy { !$0.isAvoided(now: 1) })
}

@Test func `records last over reloads and go with their last holder`() throws {
  let passive = PassiveHealth()
  var held = passive.records(of: ["a", "b"])
  held[0].noteFailure(now: 0)
  held = passive.records(of: ["a"])
  #expect(held[0].isAvoided(now: 1))
  #expect(passive.takeFailures().map(\.endpointID) == ["a"])
  held = []
  #expect(try #require(passive.records(of: ["a"]).first).isAvoided(now: 1) == false)
}

@Test func `what an endpoint is used for can be told`() throws {
  let passive = PassiveHealth()
  let records = passive.records(of: ["a", "b"])
  // A load lives as long as its record.
  defer { withExtendedLifetime(records) {} }
  let second: UInt64 = 1_000_000_000
  records[0].load.enter()
  records[0].load.enter()
  passive.start(endpointID: "b", now: second)
  let windows = ["a": 10 * second, "b": 10 * second, "unknown": second]
  let uses = passive.uses(of: windows, now: 6 * second)
  #expect(uses["a"] == PassiveHealth.Use(openCount: 2, startShare: 1))
  #expect(uses["b"] == PassiveHealth.Use(openCount: 0, startShare: 0.5))
  #expect(uses.count == 2)
}
