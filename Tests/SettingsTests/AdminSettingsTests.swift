import Places
import Settings
import Testing

@Suite struct `admin` {
  /// SHA-256 of "abc" (FIPS 180-2 §B.1).
  static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  private func read(_ text: String) throws -> Settings.Admin {
    try SettingsReader.read(text: "admin: \(text)\n", name: "a.yaml", folder: "/etc/azimuth").admin
  }

  private func fault(_ text: String) -> String? {
    #expect(throws: Faults.self) { try read(text) }?.description
  }

  @Test func `has tokens by their hash or as they are, with what may be done with them`() throws {
    let admin = try read(
      "{tokens: [{name: ada, scope: operate, sha256: \(Self.abc.uppercased())}, "
        + "{name: ci, scope: read, token: abd}]}")
    #expect(
      admin.tokens == [
        .init(name: "ada", hash: TokenHash(of: "abc".utf8), scope: .operate),
        .init(name: "ci", hash: TokenHash(of: "abd".utf8), scope: .read),
      ])
    #expect(admin.tokens[0].hash.hex == Self.abc)
    #expect(admin.tokens[0].hash != admin.tokens[1].hash)
    #expect(!admin.readsWantToken)
    #expect(try read("{}").tokens.isEmpty)
  }

  @Test func `takes one token without a name for one that may do everything`() throws {
    #expect(
      try read("{token: abc, reads: token}")
        == .init(
          listen: try read("{}").listen,
          tokens: [.init(name: "admin", hash: TokenHash(of: "abc".utf8), scope: .admin)],
          readsWantToken: true))
  }

  @Test func `has names under which it is asked`() throws {
    #expect(try read("{names: [edge-1.internal, edge-1.internal.]}").names.count == 2)
    #expect(try read("{names: edge-1.internal}").names == ["edge-1.internal"])
  }

  @Test func `keeps an audit log if it is asked for`() throws {
    #expect(try read("{}").auditLog == .off)
    #expect(try read("{audit_log: stdout}").auditLog == .standardOutput)
    #expect(try read("{audit_log: log/audit}").auditLog == .file("/etc/azimuth/log/audit"))
  }

  @Test func `listens at an address, in the clear or with TLS, or at a unix socket`() throws {
    #expect(try read("{listen: off}").listen == nil)
    #expect(try read("{listen: 192.0.2.1:1}").listen?.description == "192.0.2.1:1")
    #expect(
      try read("{listen: unix:admin.sock}").listen
        == .socket(path: "/etc/azimuth/admin.sock", mode: 0o600))
    #expect(
      try read("{listen: unix:/run/x, mode: \"0660\"}").listen
        == .socket(path: "/run/x", mode: 0o660))
    // Whatever can be read: what is in it others find out.
    let tls = "{certificate: /etc/passwd, key: /etc/group, client_roots: /etc/hosts}"
    guard case .address(_, let read?) = try read("{tls: \(tls)}").listen else {
      Issue.record("it shows no certificate")
      return
    }
    #expect(read.files.certificate == "/etc/passwd" && read.files.key == "/etc/group")
    #expect(read.clientRoots?.path == "/etc/hosts")
    #expect(try self.read("{metrics: 192.0.2.1:9}").metrics?.description == "192.0.2.1:9")
  }

  static let faulty: [(String, String)] = [
    ("{tokens: [{name: a b, scope: read, token: x}]}", "tokens[0].name: wants a name of letters"),
    ("{tokens: [{name: a, scope: write, token: x}]}", "tokens[0].scope: wants one of read, oper"),
    ("{tokens: [{name: a, token: x}]}", "tokens[0].scope: is missing; wants one of read"),
    ("{tokens: [{name: a, scope: read}]}", "tokens[0]: wants sha256, or token"),
    (
      "{tokens: [{name: a, scope: read, token: x, sha256: \(abc)}]}",
      "tokens[0].token: goes without sha256"
    ),
    (
      "{tokens: [{name: a, scope: read, sha256: \(abc)0}]}",
      "tokens[0].sha256: wants the SHA-256 of a token, 64 hexadecimal digits"
    ),
    (
      "{tokens: [{name: a, scope: read, token: x}, {name: a, scope: read, token: y}]}",
      "tokens[1]: there is a token a already"
    ),
    (
      "{token: abc, tokens: [{name: a, scope: read, sha256: \(abc)}]}",
      "tokens[0]: is the same token as that of admin"
    ),
    ("{reads: token}", "reads: nobody could read: there are no tokens"),
    ("{names: [a..b]}", "names[0]: "),
    ("{audit_log: []}", "audit_log: wants off, stdout or the path of a file"),
    ("{mode: \"0660\"}", "mode: goes with a unix socket"),
    ("{listen: unix:/x, mode: 0o660}", "mode: wants permissions in octal digits"),
    ("{listen: unix:/x, mode: \"1777\"}", "mode: wants permissions in octal digits"),
    ("{listen: unix:/x, tls: {certificate: /etc/hosts, key: /etc/hosts}}", "tls: goes with an"),
    (
      "{listen: unix:/\(String(repeating: "x", count: 97))}",
      "listen: the path has 98 bytes, and a socket's may have 97: it is made under a longer name"
    ),
    ("{tls: {certificate: /etc/hosts}}", "tls.key: is missing; wants the path of a PEM file"),
    ("{tls: {certificate: /no, key: /etc/hosts}}", "tls.certificate: /no cannot be read"),
    ("{listen: 192.0.2.1:1, metrics: 192.0.2.1:1}", "metrics: 192.0.2.1:1 is taken by admin.li"),
    ("{reads: closed}", "reads: wants one of open, token"),
  ]

  @Test(arguments: faulty)
  func `says which key is wrong`(text: String, message: String) throws {
    let said = try #require(fault(text))
    #expect(said.contains("admin.\(message)"), "\(said)")
  }

  @Test func `has scopes that include each other`() {
    #expect(Settings.Admin.Scope.allCases == [.read, .operate, .admin])
    #expect(Settings.Admin.Scope.read < .operate && Settings.Admin.Scope.operate < .admin)
  }

  @Test func `takes for a hash what is one, and nothing else`() {
    #expect(TokenHash(hex: Self.abc) == TokenHash(of: "abc".utf8))
    for text in ["", "ba78", String(Self.abc.dropLast()) + "g", Self.abc + "00", " " + Self.abc] {
      #expect(TokenHash(hex: text) == nil)
    }
  }
}
