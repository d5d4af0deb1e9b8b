import Testing

@testable import Probing
@testable import Settings

@Suite struct CertificateEndTests {
  static let day = 86_400

  static let ends: [(left: Int, words: String?)] = [
    (15 * day, nil), (14 * day + 1, nil), (14 * day, "certificate ends in 14 days"),
    (2 * day, "certificate ends in 2 days"), (2 * day - 1, "certificate ends in 47 hours"),
    (3_600, "certificate ends in 1 hour"), (0, "certificate ends in 0 hours"),
    (-1, "certificate has expired"),
  ]

  @Test(arguments: ends)
  func `a certificate that ends within the margin falls short`(left: Int, words: String?) {
    let now = 1_800_000_000
    #expect(
      certificateShortfall(end: now + left, now: now, margin: .seconds(14 * Self.day)) == words)
  }

  @Test func `an endpoint with such a certificate is degraded, whatever speaks over TLS`()
    async throws
  {
    // It holds until 2120.
    let soon = Duration.seconds(200 * 365 * Self.day)
    let server = try await ScriptedServer.start(
      ProbeRunnerTests.reply(ProbeRunnerTests.ok), certificate: TestCertificates.leaf)
    func kinds(_ tls: Settings.Monitor.TLSVerification) -> [Settings.Monitor.Kind] {
      [
        .https(ProbeRunnerTests.expectation(), tls),
        .exchange(.init(sent: [], expected: nil, tls: tls)),
      ]
    }
    for kind in kinds(.init(isVerified: false, expiryMargin: soon)) {
      guard case .degraded(let cause) = await probe(kind, at: server.address) else {
        Issue.record("\(kind)")
        continue
      }
      #expect(cause.hasPrefix("certificate ends in "))
    }
    for kind in kinds(.init(isVerified: false, expiryMargin: .seconds(Self.day))) {
      #expect(await probe(kind, at: server.address) == .success)
    }
    // What fails stays a failure.
    let failing = Settings.Monitor.Kind.https(
      ProbeRunnerTests.expectation(body: "no"), .init(isVerified: false, expiryMargin: soon))
    #expect(await probe(failing, at: server.address) == .failure("body lacks \"no\""))
    await server.stop()
  }
}
