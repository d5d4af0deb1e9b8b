import Testing

@testable import Probing
@testable import Settings

@Suite struct ExchangeTests {
  struct Answer: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var steps: [ScriptedServer.Step]
    var expected: Settings.Monitor.ExpectedBytes? = .prefix(Array("220 ".utf8))
    var sent = ""
    var outcome: ProbeOutcome
    var timeout = Duration.seconds(20)
  }

  static let answers: [Answer] = [
    Answer(testDescription: "greeting", steps: [.send("220 mail\r\n")], outcome: .success),
    Answer(
      testDescription: "greeting in pieces", steps: [.drip("220 ", every: .milliseconds(1))],
      expected: .prefix(Array("220 220 ".utf8)), outcome: .success),
    Answer(
      testDescription: "another greeting", steps: [.send("554 no\r\n")],
      outcome: .failure(#"answer begins with "554 no\r\n", wanted "220 ""#)),
    Answer(
      testDescription: "bytes that are no text", steps: [.send("\u{1}\u{7F}")],
      outcome: .failure(#"answer begins with 01 7f, wanted "220 ""#)),
    Answer(
      testDescription: "answer to what was sent", steps: [.request, .send("a +PONG\r\n")],
      expected: .contained(Array("PONG".utf8)), sent: "PING\r\n\r\n", outcome: .success),
    Answer(
      testDescription: "nothing is expected", steps: [.request], expected: nil,
      sent: "PING\r\n\r\n", outcome: .success),
    Answer(
      testDescription: "closed too early", steps: [.request, .send("22"), .close],
      sent: "\r\n\r\n",
      outcome: .failure(#"connection closed after "22", wanted "220 ""#)),
    Answer(
      testDescription: "closed without it", steps: [.request, .send("abc"), .close],
      expected: .contained(Array("d".utf8)), sent: "\r\n\r\n",
      outcome: .failure(#"answer lacks "d""#)),
    Answer(
      testDescription: "endless",
      steps: [.drip(String(repeating: "x", count: 40_000), every: .milliseconds(1))],
      expected: .contained(Array("d".utf8)),
      outcome: .failure(#"answer lacks "d" in its first 65536 bytes"#)),
    Answer(
      testDescription: "silence", steps: [],
      outcome: .failure("timed out after 200 ms waiting for a full response"),
      timeout: .milliseconds(200)),
  ]

  @Test(arguments: answers) func `an exchange is judged`(_ answer: Answer) async throws {
    let server = try await ScriptedServer.start(answer.steps)
    let exchange = Settings.Monitor.Exchange(
      sent: Array(answer.sent.utf8), expected: answer.expected)
    #expect(
      await probe(.exchange(exchange), at: server.address, timeout: answer.timeout)
        == answer.outcome)
    await server.stop()
  }

  @Test(arguments: answers) func `over TLS it is judged alike`(_ answer: Answer) async throws {
    let server = try await ScriptedServer.start(
      answer.steps, certificate: TestCertificates.leaf)
    let exchange = Settings.Monitor.Exchange(
      sent: Array(answer.sent.utf8), expected: answer.expected, tls: .init(isVerified: false))
    #expect(
      await probe(.exchange(exchange), at: server.address, timeout: answer.timeout)
        == answer.outcome)
    await server.stop()
  }

  @Test func `TLS alone is checked by its handshake`() async throws {
    let server = try await ScriptedServer.start([], certificate: TestCertificates.leaf)
    func outcome(_ tls: Settings.Monitor.TLSVerification) async -> ProbeOutcome {
      await probe(.exchange(.init(sent: [], expected: nil, tls: tls)), at: server.address)
    }
    #expect(await outcome(.init(isVerified: false)) == .success)
    #expect(
      await outcome(.init(isVerified: true))
        == .failure("certificate: not signed by a trusted root"))
    await server.stop()
  }
}
