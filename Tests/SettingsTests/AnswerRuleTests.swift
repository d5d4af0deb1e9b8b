import Places
import Settings
import Testing

/// What operators say of answers as such: identity, cookies, rates.
@Suite struct `Rules of answers` {
  private static let secret = "000102030405060708090a0b0c0d0eff"
  private static let secretBytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]

  private func settings(
    _ dns: String, environment: [String: String] = [:]
  ) throws -> Settings {
    try SettingsReader.read(
      text: "node: {id: fra-1}\ndns: {\(dns)}\n", name: "a.yaml", environment: environment)
  }

  private func answers(_ dns: String) throws -> Settings.Answers { try settings(dns).answers }

  @Test func `by default names are not told, cookies and limits are on, this machine is exempt`()
    throws
  {
    let answers = try answers("")
    #expect(answers.identity == nil && answers.version == nil)
    #expect(answers.cookies == .ownSecret && answers.usesClientSubnet)
    let limit = try #require(answers.rateLimit)
    #expect([limit.answers, limit.nameErrors, limit.errors, limit.slip] == [1_000, 500, 200, 2])
    #expect(!limit.isDryRun && limit.exempt.map(\.description) == ["127.0.0.0/8", "::1/128"])
    #expect(try settings("").dns.rateTableBytes == 4 << 20)
  }

  @Test(
    arguments: [
      ("off", nil), ("node", "fra-1"), ("edge of Frankfurt", "edge of Frankfurt"),
    ] as [(String, String?)])
  func `the identity is off, the node's name or a text of its own`(
    value: String, identity: String?
  ) throws {
    #expect(try answers("identity: \(value)").identity == identity)
  }

  @Test func `the version is off or a text`() throws {
    #expect(try answers("version: Azimuth 1").version == "Azimuth 1")
    #expect(try answers("version: off").version == nil)
  }

  @Test func `cookies are off, of an own secret, or of secrets that servers share`() throws {
    #expect(try answers("cookies: off").cookies == .off)
    #expect(
      try answers("cookies: {secret: \(Self.secret)}").cookies
        == .shared(secret: Self.secretBytes, accepted: nil))
    #expect(
      try answers("cookies: {secret: \(Self.secret), accept: \(Self.secret.uppercased())}").cookies
        == .shared(secret: Self.secretBytes, accepted: Self.secretBytes))
  }

  @Test func `rates are off or of each class, with the rest of the defaults`() throws {
    #expect(try answers("rate_limit: off").rateLimit == nil)
    let text = "rate_limit: {nxdomain: 7, slip: 0, dry_run: true, exempt: [], table: 64KiB}"
    let limit = try #require(try answers(text).rateLimit)
    #expect([limit.answers, limit.nameErrors, limit.errors, limit.slip] == [1_000, 7, 200, 0])
    #expect(limit.isDryRun && limit.exempt.isEmpty)
    #expect(try settings(text).dns.rateTableBytes == 64 << 10)
  }

  @Test(
    arguments: [
      ("identity: ''", "dns.identity: wants off, or a text of 1 to 255 printable bytes"),
      ("version: \"a\\nb\"", "dns.version: wants off, or a text of 1 to 255 printable bytes"),
      ("cookies: on", "dns.cookies: wants a mapping, or off"),
      ("cookies: {}", "dns.cookies.secret: is missing; wants the cookie secret that all servers"),
      ("cookies: {secret: abc}", "dns.cookies.secret: wants 32 hexadecimal digits (128 bits)"),
      (
        "cookies: {secret: \(secret), accept: \(secret)0}",
        "dns.cookies.accept: wants 32 hexadecimal digits (128 bits)"
      ),
      ("rate_limit: false", "dns.rate_limit: wants a mapping, or off"),
      ("rate_limit: {answers: -1}", "dns.rate_limit.answers: wants a whole number from 0 to"),
      ("rate_limit: {slip: 101}", "dns.rate_limit.slip: wants a whole number from 0 to 100"),
      ("rate_limit: {table: 1KiB}", "dns.rate_limit.table: wants a size from 4KiB to 1GiB"),
      ("rate_limit: {exempt: [a]}", "dns.rate_limit.exempt[0]: wants"),
      ("rate_limit: {nxdomains: 1}", "dns.rate_limit.nxdomains: unknown key; did you mean"),
    ])
  func `bad values are refused by name`(dns: String, fault: String) {
    let found = faults(of: "dns: {\(dns)}\n")
    #expect(found.count == 1)
    #expect(found.first?.contains(fault) == true, "\(found)")
  }

  @Test func `a fault of a secret does not show it`() {
    let found = faults(
      of: "dns: {cookies: {secret: \"${SECRET}\"}}\n", environment: ["SECRET": "hunter2"])
    #expect(found.count == 1 && !found.joined().contains("hunter2"), "\(found)")
  }
}
