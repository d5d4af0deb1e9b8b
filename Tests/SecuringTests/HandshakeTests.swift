import Foundation
import Securing
import TestSupport
import Testing

/// What two ends agree on, and what they refuse.
@Suite struct HandshakeTests {
  static let authority = Result { try TestAuthority() }
  static let site = Result { try authority.get().sign(["www.example.org", "*.example.org"]) }

  let authority: TestAuthority
  let site: TestAuthority.Files

  init() throws {
    authority = try Self.authority.get()
    site = try Self.site.get()
  }

  func client(_ edit: (inout TLSClientRules) -> Void = { _ in }) throws -> TLSClientContext {
    var rules = TLSClientRules(roots: authority.roots)
    edit(&rules)
    return try TLSClientContext(rules)
  }

  @Test func `Both ends agree on the newest version and tell of the name`() throws {
    let pair = try SessionPair.open(try TLSServerContext(site), try client())
    let facts = try #require(pair.server).facts
    #expect(facts.version == .tls13)
    #expect(facts.serverName == "www.example.org")
    #expect(facts.cipher.hasPrefix("TLS_"))
    #expect(!facts.hasCertificate && !facts.isResumed)
    #expect(try #require(pair.client).facts.commonName == "www.example.org")
  }

  @Test(arguments: [
    (asked: "www.example.org", shown: "www.example.org"),
    ("WWW.Example.ORG", "www.example.org"), ("api.example.org", "*.example.org"),
    ("a.b.example.org", "first.test"), ("example.org", "first.test"),
    ("other.test", "first.test"),
  ])
  func `The certificate of the asked name is shown: exact, then wildcard, then the first`(
    _ asked: String, _ shown: String
  ) throws {
    let server = try TLSServerContext(
      authority.sign(["first.test"]),
      authority.sign(["*.example.org"]),
      authority.sign(["www.example.org"]))
    let pair = try SessionPair.open(server, try client { $0.isVerified = false }, name: asked)
    #expect(try #require(pair.client).facts.commonName == shown)
  }

  @Test func `Without a name the first certificate is shown`() throws {
    let server = try TLSServerContext(authority.sign(["127.0.0.1"]), site)
    let pair = try SessionPair.open(server, try client(), name: nil)
    #expect(try #require(pair.client).facts.commonName == "127.0.0.1")
  }

  @Test(arguments: [
    (name: "other.test", reason: "hostname mismatch"), (nil, "IP address mismatch"),
  ])
  func `An endpoint has to prove the name that is asked for, or its address`(
    _ name: String?, _ reason: String
  ) throws {
    let pair = try SessionPair(try TLSServerContext(site), try client(), name: name)
    let results = try pair.shakeHands()
    #expect(results.client == .broken(.failed))
    #expect(try #require(pair.client).reason == reason)
    #expect(results.server == .broken(.failed))
    #expect(try #require(pair.server).reason.contains("bad certificate"))
  }

  @Test func `A certificate of an unknown root is refused`() throws {
    let stranger = try TestAuthority()
    let server = try TLSServerContext(try stranger.sign(["www.example.org"]))
    let pair = try SessionPair(server, try client())
    #expect(try pair.shakeHands().client == .broken(.failed))
    #expect(try #require(pair.client).reason.hasPrefix("unable to get local issuer"))
    // The system's roots do not know our own either.
    let other = try SessionPair(server, try client { $0.roots = nil })
    #expect(try other.shakeHands().client == .broken(.failed))
  }

  @Test func `Verification can be left out`() throws {
    let server = try TLSServerContext(try TestAuthority().sign(["elsewhere.test"]))
    _ = try SessionPair.open(server, try client { $0.isVerified = false })
  }

  @Test(arguments: [
    (ours: ["h2", "http/1.1"], theirs: ["http/1.1", "h2"], agreed: "h2"),
    (["h2"], [], nil), ([], ["h2"], nil),
  ])
  func `RFC 7301 §3.2: the first protocol of ours that the client knows`(
    _ ours: [String], _ theirs: [String], _ agreed: String?
  ) throws {
    let server = try TLSServerContext(site) { $0.protocols = ours }
    let pair = try SessionPair.open(server, try client { $0.protocols = theirs })
    #expect(try #require(pair.server).facts.applicationProtocol == agreed)
    #expect(try #require(pair.client).facts.applicationProtocol == agreed)
  }

  @Test func `RFC 7301 §3.2: without a protocol in common there is no connection`() throws {
    let server = try TLSServerContext(site) { $0.protocols = ["h2"] }
    let results = try SessionPair(server, try client { $0.protocols = ["dot"] }).shakeHands()
    #expect(results.server == .broken(.failed))
    #expect(results.client == .broken(.failed))
  }

  @Test(arguments: TLSVersion.allCases)
  func `A minimum version is kept`(_ minimum: TLSVersion) throws {
    let server = try TLSServerContext(site) { $0.minimumVersion = minimum }
    let old = try shakeHands(of: server, withClient: "-tls1_2")
    #expect(old == (minimum == .tls12))
    #expect(try shakeHands(of: server, withClient: "-tls1_3"))
    #expect(try !shakeHands(of: server, withClient: "-tls1_1 -cipher DEFAULT@SECLEVEL=0"))
  }

  /// Whether `openssl s_client` gets a session and prints the greeting that it is sent.
  private func shakeHands(of server: TLSServerContext, withClient option: String) throws -> Bool {
    let listener = try OneConnection()
    let program = try RunningProcess(
      shell: """
        openssl s_client \(option) -quiet -connect 127.0.0.1:\(listener.port) < /dev/null 2>&1
        """)
    let socket = try listener.accept()
    defer { close(socket) }
    let session = try #require(TLSSession(server: server, on: socket))
    let result = waiting(socket) { session.handshake() }
    if result == .done(0) {
      _ = waiting(socket) { session.write(Array("greeting".utf8)) }
      _ = session.finish()
    }
    close(socket, half: true)
    program.waitForEnd()
    return program.output.contains("greeting") && result == .done(0)
  }
}
