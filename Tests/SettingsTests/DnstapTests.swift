import Testing

@testable import Settings

@Suite struct `dns.dnstap` {
  private func dnstap(_ text: String) throws -> Settings.Dnstap? {
    try SettingsReader.read(
      text: "dns: {dnstap: \(text)}\n", name: "a.yaml", folder: "/etc/azimuth"
    ).dns.dnstap
  }

  @Test func `is off unless it is asked for`() throws {
    #expect(try SettingsReader.read(text: "log: {}\n", name: "a.yaml").dns.dnstap == nil)
    #expect(try dnstap("off") == nil)
  }

  @Test func `wants a socket only`() throws {
    #expect(
      try dnstap("{socket: /run/dnstap.sock}")
        == Settings.Dnstap(
          socket: "/run/dnstap.sock", interval: 1, tellsQueries: true, tellsAnswers: true,
          identity: nil, version: nil))
  }

  @Test func `reads all of its keys`() throws {
    #expect(
      try dnstap(
        "{socket: tap, sample: 7, queries: false, responses: true, identity: a b, version: v}")
        == Settings.Dnstap(
          socket: "/etc/azimuth/tap", interval: 7, tellsQueries: false, tellsAnswers: true,
          identity: "a b", version: "v"))
  }

  @Test(arguments: [
    ("1", 1), ("100", 100), ("1%", 100), ("0.01", 100), ("100%", 1), ("0.3", 3),
    ("1000000000", 1_000_000_000),
  ])
  func `samples every n-th or a share`(sample: String, interval: Int) throws {
    #expect(try dnstap("{socket: tap, sample: \(sample)}")?.interval == interval)
  }

  @Test(arguments: [
    ("{}", "dns.dnstap.socket"), ("{socket: tap, sample: 0}", "dns.dnstap.sample"),
    ("{socket: tap, sample: 101%}", "dns.dnstap.sample"),
    ("{socket: tap, sample: often}", "dns.dnstap.sample"),
    ("{socket: tap, queries: false, responses: false}", "dns.dnstap.responses"),
    ("{socket: tap, sampel: 1}", "dns.dnstap.sampel"), ("on", "dns.dnstap"),
    ("{socket: /\(String(repeating: "a", count: 107))}", "dns.dnstap.socket"),
  ])
  func `faults have their path`(text: String, path: String) {
    let found = faults(of: "dns: {dnstap: \(text)}\n")
    #expect(found.count == 1 && found.first?.hasPrefix("a.yaml:1: \(path): ") == true, "\(found)")
  }
}
