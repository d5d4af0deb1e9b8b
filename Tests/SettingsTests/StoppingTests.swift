import Testing

@testable import Settings

@Test func `a node that is told to end has thirty seconds for its connections`() throws {
  let stopping = try SettingsReader.read(text: "log: {}\n", name: "a.yaml").stopping
  #expect(stopping.delay == .zero && stopping.draining.deadline == .seconds(30))
  #expect(stopping.draining.spread == .seconds(10))
}

@Test func `the spread is at most the deadline`() throws {
  let short = try SettingsReader.read(text: "stop: {delay: 5s, deadline: 4s}\n", name: "a.yaml")
  #expect(short.stopping.draining.spread == .seconds(4) && short.stopping.delay == .seconds(5))
  #expect(throws: Faults.self) {
    try SettingsReader.read(text: "stop: {deadline: 4s, spread: 5s}\n", name: "a.yaml")
  }
}

@Test(
  arguments: [
    ("", nil), (", drain: {}", .init(deadline: .seconds(30), spread: .seconds(10))),
    (", drain: {deadline: 5m, spread: 1m}", .init(deadline: .seconds(300), spread: .seconds(60))),
    (", drain: {deadline: 0s}", .init(deadline: .zero, spread: .zero)),
  ] as [(String, Settings.Draining?)])
func `a listener drains where it says so`(text: String, wanted: Settings.Draining?) throws {
  let settings = try SettingsReader.read(
    text: """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}}}
      policies: {p: {type: failover, order: [tokyo]}}
      services: {web: {policy: p, pool: web}}
      proxy: {listeners: {front: {listen: "127.0.0.1:1080", service: web\(text)}}}
      """, name: "a.yaml")
  #expect(settings.proxy.listeners[0].draining == wanted)
}
