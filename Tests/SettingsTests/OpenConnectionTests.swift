import Balancing
import Testing

@testable import Settings

@Suite struct `Open connections of lost endpoints, in the settings` {
  private func rules(_ words: String) throws -> ClosingRules {
    let text = """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}\(words)}}
      """
    return try SettingsReader.read(text: text, name: "a.yaml").pools[0].closing
  }

  @Test func `go on unless it is said`() throws {
    #expect(try rules("") == ClosingRules() && ClosingRules().keepsAll)
    #expect(try rules(", open_connections: {on_down: keep}") == ClosingRules())
  }

  @Test func `have keys for all that becomes of them`() throws {
    var expected = ClosingRules()
    (expected.whenDown, expected.whenDrained) = (.close, .drain)
    (expected.whenDemoted, expected.whenRemoved) = (.close, .keep)
    (expected.deadline, expected.spread) = (60_000_000_000, 20_000_000_000)
    let all = """
      , open_connections: {on_down: close, on_drain: drain, on_demotion: close, \
      on_removal: keep, deadline: 1m, spread: 20s}
      """
    #expect(try rules(all) == expected)
    let short = try rules(", open_connections: {on_removal: drain, deadline: 5s}")
    #expect(short.whenRemoved == .drain && !short.keepsAll)
    #expect((short.deadline, short.spread) == (5_000_000_000, 5_000_000_000))
  }

  @Test(arguments: [
    (
      "{on_down: closed}",
      "on_down: wants one of keep, drain, close, found \"closed\"; did you mean \"close\"?"
    ),
    (
      "{on_drain: drain, deadline: 5s, spread: 6s}",
      "spread: is longer than the deadline, whose last part it is"
    ),
    ("{on_down: close, deadline: 5s}", "deadline: says something only beside drain; leave it out"),
    ("{on_dwon: close}", "on_dwon: unknown key; did you mean \"on_down\"?"),
  ])
  func `have faults that say how to mend it`(words: String, fault: String) {
    let text = """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}, open_connections: \(words)}}
      """
    #expect(faults(of: text) == ["a.yaml:2: pools.web.open_connections.\(fault)"])
  }
}
