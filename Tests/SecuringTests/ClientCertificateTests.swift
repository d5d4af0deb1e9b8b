import Foundation
import Securing
import TestSupport
import Testing

/// Certificates of clients, and sessions that are taken up again.
@Suite struct ClientCertificateTests {
  let authority: TestAuthority
  let server: TestAuthority.Files

  init() throws {
    authority = try HandshakeTests.authority.get()
    server = try HandshakeTests.site.get()
  }

  private func shakeHands(
    _ mode: ClientCertificates, showing certificate: TestAuthority.Files?
  ) throws -> (SessionPair, server: TLSResult) {
    let context = try TLSServerContext(server) {
      $0.clientCertificates = mode
      $0.clientRoots = authority.roots
    }
    let client = try TLSClientContext(
      TLSClientRules(
        roots: authority.roots, certificate: certificate.map { CertificateFiles($0) }))
    let pair = try SessionPair(context, client)
    return (pair, try pair.shakeHands().server)
  }

  @Test(arguments: [ClientCertificates.optional, .required])
  func `A client is known by its certificate`(_ mode: ClientCertificates) throws {
    let certificate = try authority.sign(["device-7.example.org"])
    let (pair, result) = try shakeHands(mode, showing: certificate)
    #expect(result == .done(0))
    let facts = try #require(pair.server).facts
    #expect(facts.hasCertificate && facts.commonName == "device-7.example.org")
  }

  @Test(arguments: [
    (ClientCertificates.off, TLSResult.done(0)), (.optional, .done(0)),
    (.required, .broken(.failed)),
  ])
  func `Whether a client comes in without one is the listener's choice`(
    _ mode: ClientCertificates, _ expected: TLSResult
  ) throws {
    let (pair, result) = try shakeHands(mode, showing: nil)
    #expect(result == expected)
    if expected == .done(0) { #expect(try !#require(pair.server).facts.hasCertificate) }
    if mode == .required {
      #expect(try #require(pair.server).reason == "peer did not return a certificate")
    }
  }

  @Test(arguments: [ClientCertificates.optional, .required])
  func `A certificate of an unknown root is never let in`(_ mode: ClientCertificates) throws {
    let stranger = try TestAuthority().sign(["device-7.example.org"])
    let (pair, result) = try shakeHands(mode, showing: stranger)
    #expect(result == .broken(.failed))
    #expect(try #require(pair.server).reason.hasPrefix("unable to get local issuer"))
  }

  @Test func `An expired certificate of a client is never let in`() throws {
    let expired = try authority.sign(["old.example.org"], days: -1)
    // Our own client does not load it: another one would.
    let context = try TLSServerContext(server) {
      $0.clientCertificates = .required
      $0.clientRoots = authority.roots
    }
    let listener = try OneConnection()
    let program = try RunningProcess(
      shell: """
        openssl s_client -quiet -connect 127.0.0.1:\(listener.port) -cert \(expired.certificate) \
          -key \(expired.key) < /dev/null 2>&1
        """)
    let socket = try listener.accept()
    defer { close(socket, half: true) }
    let session = try #require(TLSSession(server: context, on: socket))
    #expect(waiting(socket) { session.handshake() } == .broken(.failed))
    #expect(session.reason == "certificate has expired")
    close(socket, half: true)
    program.waitForEnd()
  }

  /// Connects twice with the second taking up the first, by `openssl s_client`; whether it was.
  private func resumes(_ first: TLSServerContext, _ second: TLSServerContext) throws -> Bool {
    let file = authority.folder.appending(path: "session-\(UInt64.random(in: 0 ... .max))").path
    var resumed = false
    var tickets: [Data] = []
    let options = ["-sess_out \(file)", "-sess_in \(file) -sess_out \(file)"]
    for (context, option) in zip([first, second], options) {
      let listener = try OneConnection()
      let program = try RunningProcess(
        shell: """
          openssl s_client \(option) -quiet -servername www.example.org \
            -connect 127.0.0.1:\(listener.port) < /dev/null 2>&1
          """)
      let socket = try listener.accept()
      let session = try #require(TLSSession(server: context, on: socket))
      try #require(waiting(socket) { session.handshake() } == .done(0))
      _ = waiting(socket) { session.write([65]) }
      resumed = session.facts.isResumed
      _ = session.finish()
      close(socket, half: true)
      program.waitForEnd()
      tickets.append(try Data(contentsOf: URL(filePath: file)))
    }
    #expect(Set(tickets).count == 2, "RFC 8446 §C.4: a ticket is used once, and the next one comes")
    return resumed
  }

  @Test func `RFC 8446 §4.6.1: a session is taken up again, also with a context made anew`() throws
  {
    let first = try TLSServerContext(server)
    #expect(try resumes(first, first))
    #expect(try resumes(first, TLSServerContext(server)))
  }

  @Test func `It is not with other roots of clients, or at another listener`() throws {
    let first = try TLSServerContext(server) { $0.scope = "one" }
    #expect(try !resumes(first, TLSServerContext(server) { $0.scope = "two" }))
    let strict = try TLSServerContext(server) {
      $0.scope = "one"
      $0.clientCertificates = .optional
      $0.clientRoots = authority.roots
    }
    #expect(try !resumes(first, strict))
    let file = authority.folder.appending(path: "roots-that-change.pem")
    func context(roots: TestAuthority) throws -> TLSServerContext {
      try Data(contentsOf: URL(filePath: roots.roots)).write(to: file)
      return try TLSServerContext(server) {
        $0.clientCertificates = .optional
        $0.clientRoots = file.path
      }
    }
    let before = try context(roots: authority)
    #expect(try resumes(before, before))
    #expect(try !resumes(before, context(roots: try TestAuthority())))
  }
}
