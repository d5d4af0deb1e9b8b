import Testing

@testable import Settings

@Suite struct `dns.ecs_coverage` {
  private func coverage(_ text: String) throws -> Settings.SubnetCoverage? {
    try SettingsReader.read(text: "dns: {ecs_coverage: \(text)}\n", name: "a.yaml").dns
      .subnetCoverage
  }

  @Test func `is on, with a thousand resolvers and every hundredth query`() throws {
    let standard = Settings.SubnetCoverage(resolvers: 1000, interval: 100)
    #expect(
      try SettingsReader.read(text: "log: {}\n", name: "a.yaml").dns.subnetCoverage == standard)
    #expect(
      try SettingsReader.read(text: "dns: {threads: 1}\n", name: "a.yaml").dns.subnetCoverage
        == standard)
    #expect(try coverage("{}") == standard)
  }

  @Test func `reads all of its keys`() throws {
    #expect(try coverage("off") == nil)
    #expect(
      try coverage("{resolvers: 50, sample: 1%}")
        == Settings.SubnetCoverage(resolvers: 50, interval: 100))
    #expect(try coverage("{sample: 1}")?.interval == 1)
  }

  @Test(arguments: [
    ("on", "dns.ecs_coverage"), ("{resolvers: 9}", "dns.ecs_coverage.resolvers"),
    ("{resolvers: 100001}", "dns.ecs_coverage.resolvers"),
    ("{sample: 0}", "dns.ecs_coverage.sample"), ("{smaple: 1}", "dns.ecs_coverage.smaple"),
  ])
  func `faults have their path`(text: String, path: String) {
    let found = faults(of: "dns: {ecs_coverage: \(text)}\n")
    #expect(found.count == 1 && found.first?.hasPrefix("a.yaml:1: \(path): ") == true, "\(found)")
  }
}
