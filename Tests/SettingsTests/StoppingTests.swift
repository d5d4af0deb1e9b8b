import Settings
import Testing

@Test func `a node that is told to end has thirty seconds for its connections`() throws {
  let stopping = try SettingsReader.read(text: "log: {}\n", name: "a.yaml").stopping
  #expect(stopping.delay == .zero && stopping.deadline == .seconds(30))
  #expect(stopping.spread == .seconds(10))
}

@Test func `the spread is at most the deadline`() throws {
  let short = try SettingsReader.read(text: "stop: {delay: 5s, deadline: 4s}\n", name: "a.yaml")
  #expect(short.stopping.spread == .seconds(4) && short.stopping.delay == .seconds(5))
  #expect(throws: Faults.self) {
    try SettingsReader.read(text: "stop: {deadline: 4s, spread: 5s}\n", name: "a.yaml")
  }
}
