import Testing

@testable import Settings

@Suite struct `decision_log` {
  private func log(_ text: String) throws -> Settings.DecisionLog {
    try SettingsReader.read(
      text: "decision_log: \(text)\n", name: "a.yaml", folder: "/etc/azimuth"
    ).decisionLog
  }

  @Test func `is off unless it is asked for`() throws {
    #expect(
      try SettingsReader.read(text: "log: {}\n", name: "a.yaml").decisionLog.destination == .off)
    #expect(try log("off").destination == .off)
  }

  @Test func `reads all of its keys`() throws {
    #expect(
      try log("{file: decisions.json}")
        == Settings.DecisionLog(destination: .file("/etc/azimuth/decisions.json"), interval: 1000))
    #expect(
      try log("{file: stdout, sample: 10%}")
        == Settings.DecisionLog(destination: .standardOutput, interval: 10))
  }

  @Test(arguments: [
    ("on", "decision_log"), ("{sample: 1}", "decision_log.file"),
    ("{file: a, sample: 0}", "decision_log.sample"), ("{file: a, path: b}", "decision_log.path"),
  ])
  func `faults have their path`(text: String, path: String) {
    let found = faults(of: "decision_log: \(text)\n")
    #expect(found.count == 1 && found.first?.hasPrefix("a.yaml:1: \(path): ") == true, "\(found)")
  }
}
