import Glibc
import Places
import Probing
import Testing

@testable import Settings

@Suite struct CertificateTests {
  @Test func `a certificate of the given root is accepted and the name is asked for`() async throws
  {
    let server = try await start(TestCertificates.leaf)
    let roots = try RootsFile(TestCertificates.root)
    let host = ProbeRunnerTests.expectation(host: "probe.test:8443")
    // The name comes from the Host header…
    #expect(await check(host, nil, roots, at: server.address) == .success)
    // …or from the server name, whatever the Host header says.
    let other = ProbeRunnerTests.expectation(host: "www.example.org")
    #expect(await check(other, "probe.test", roots, at: server.address) == .success)
    #expect(server.seen.serverNames == ["probe.test", "probe.test"])
    #expect(server.seen.requests.count == 2)
    #expect(server.seen.requests[1].contains("Host: www.example.org\r\n"))
    await server.stop()
  }

  @Test func `without a name the certificate must carry the checked address`() async throws {
    let roots = try RootsFile(TestCertificates.root)
    let none = ProbeRunnerTests.expectation()
    let addressed = try await start(TestCertificates.addressed)
    #expect(await check(none, nil, roots, at: addressed.address) == .success)
    #expect(addressed.seen.serverNames == [nil])
    await addressed.stop()
    let named = try await start(TestCertificates.leaf)
    guard case .failure(let cause) = await check(none, nil, roots, at: named.address) else {
      Issue.record("a certificate for a name was taken for an address")
      return
    }
    #expect(cause.hasPrefix("certificate: not for the wanted name"))
    await named.stop()
  }

  @Test func `a certificate for another name is refused`() async throws {
    let server = try await start(TestCertificates.leaf)
    let roots = try RootsFile(TestCertificates.root)
    let outcome = await check(
      ProbeRunnerTests.expectation(host: "www.example.org"), nil, roots, at: server.address)
    guard case .failure(let cause) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(cause.hasPrefix("certificate: not for the wanted name"))
    #expect(server.seen.requests.isEmpty)
    await server.stop()
  }

  @Test func `a certificate of no root of the system is refused`() async throws {
    let server = try await start(TestCertificates.leaf)
    let outcome = await check(
      ProbeRunnerTests.expectation(host: "probe.test"), nil, nil, at: server.address)
    #expect(outcome == .failure("certificate: not signed by a trusted root"))
    #expect(server.seen.requests.isEmpty)
    await server.stop()
  }

  @Test func `an expired certificate is refused, and accepted where nothing is verified`()
    async throws
  {
    let server = try await start(TestCertificates.expired)
    let roots = try RootsFile(TestCertificates.root)
    let host = ProbeRunnerTests.expectation(host: "probe.test")
    #expect(
      await check(host, nil, roots, at: server.address)
        == .failure("certificate: expired"))
    #expect(await probe(.https(host, .init(isVerified: false)), at: server.address) == .success)
    await server.stop()
  }

  @Test func `what speaks no TLS is told so`() async throws {
    let plain = try await ScriptedServer.start([.send("HTTP/1.1 400 Bad\r\n\r\n")])
    let outcome = await probe(
      .https(ProbeRunnerTests.expectation(), .init(isVerified: true)), at: plain.address)
    #expect(outcome == .failure("TLS: WRONG_VERSION_NUMBER"))
    await plain.stop()
  }

  @Test func `roots that cannot be read say nothing of the endpoint`() async throws {
    let server = try await start(TestCertificates.leaf)
    let outcome = await probe(
      .https(
        ProbeRunnerTests.expectation(), .init(isVerified: true, rootsFile: "/no/such/file.pem")),
      at: server.address)
    guard case .inconclusive(let cause) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(cause.hasPrefix("certificate roots /no/such/file.pem cannot be read"))
    await server.stop()
  }

  static let hosts: [(host: String?, name: String?)] = [
    ("probe.test", "probe.test"), ("probe.test:8443", "probe.test"), (nil, nil),
    ("127.0.0.1", nil), ("127.0.0.1:8443", nil), ("::1", nil), ("[::1]", nil),
    ("[::1]:8443", nil), ("127.0.0.1:99999", nil), ("", nil), (":1", nil),
  ]

  @Test(arguments: hosts.indices) func `a host gives the name to ask for`(_ row: Int) {
    #expect(serverName(Self.hosts[row].host) == Self.hosts[row].name)
  }

  private func start(_ certificate: String) async throws -> ScriptedServer {
    try await ScriptedServer.start(
      ProbeRunnerTests.reply(ProbeRunnerTests.ok), certificate: certificate)
  }

  private func check(
    _ expectation: Settings.Monitor.HTTPExpectation, _ serverName: String?, _ roots: RootsFile?,
    at address: SocketAddress
  ) async -> ProbeOutcome {
    let verification = Settings.Monitor.TLSVerification(
      isVerified: true, serverName: serverName, rootsFile: roots?.path)
    return await probe(.https(expectation, verification), at: address)
  }
}

/// A file that goes when this does.
private final class RootsFile {
  struct Unwritable: Error {}
  let path: String

  init(_ text: String) throws {
    var template = Array("/tmp/azimuth-roots-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw Unwritable() }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    let written = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    guard written == text.utf8.count else { throw Unwritable() }
  }

  deinit { unlink(path) }
}
