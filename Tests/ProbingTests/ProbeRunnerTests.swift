import Glibc
import NIOPosix
import Places
import Probing
import Testing

@testable import Settings

@Suite struct ProbeRunnerTests {
  static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Id: tokyo\r\n\r\nok\n"

  struct Response: Sendable, CustomTestStringConvertible {
    var says: String
    var steps: [ScriptedServer.Step]
    var expects = expectation()
    var outcome: ProbeOutcome
    var timeout = Duration.seconds(20)
    var testDescription: String { says }
  }

  static let responses: [Response] = [
    Response(says: "ok", steps: reply(ok), outcome: .success),
    Response(
      says: "wrong status", steps: reply("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
      outcome: .failure("status 503, wanted 200-299, 304")),
    Response(
      says: "degraded status", steps: reply("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"),
      expects: expectation(body: "ok"), outcome: .degraded("status 429")),
    Response(
      says: "a redirect is a status",
      steps: reply("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
      outcome: .failure("status 302, wanted 200-299, 304")),
    Response(
      says: "right body", steps: reply(ok), expects: expectation(body: "ok"), outcome: .success),
    Response(
      says: "wrong body", steps: reply(ok), expects: expectation(body: "fine"),
      outcome: .failure("body lacks \"fine\"")),
    Response(
      says: "body in chunks", steps: reply(chunked("al", "l fi", "ne, all")),
      expects: expectation(body: "fine"), outcome: .success),
    Response(
      says: "slow drip",
      steps: [
        .request, .send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        .drip("x", every: .milliseconds(5)),
      ],
      expects: expectation(body: "ok"),
      outcome: .failure("timed out after 300 ms waiting for a full response"),
      timeout: .milliseconds(300)),
    Response(
      says: "text within the first 64 KiB",
      steps: reply(sized(before: HTTPLimit.body - 2)), expects: expectation(body: "ok"),
      outcome: .success),
    Response(
      says: "text across the cap", steps: reply(sized(before: HTTPLimit.body - 1)),
      expects: expectation(body: "ok"),
      outcome: .failure("body lacks \"ok\" in its first 65536 bytes")),
    Response(
      says: "endless body is not read to its end",
      steps: [
        .request, .send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
        .drip(String(repeating: "x", count: 40_000), every: .milliseconds(1)),
      ],
      expects: expectation(body: "ok"),
      outcome: .failure("body lacks \"ok\" in its first 65536 bytes")),
    Response(
      says: "no body is waited for if none matters",
      steps: [.request, .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")],
      outcome: .success),
    Response(
      says: "right header", steps: reply(ok), expects: expectation(header: ("x-id", "tokyo")),
      outcome: .success),
    Response(
      says: "wrong header", steps: reply(ok), expects: expectation(header: ("X-Id", "Tokyo")),
      outcome: .failure("header \"X-Id\" is not \"Tokyo\"")),
    Response(
      says: "no header", steps: reply(ok), expects: expectation(header: ("X-No", "a")),
      outcome: .failure("lacks header \"X-No\"")),
    Response(
      says: "closed after the request", steps: [.request, .close],
      outcome: .failure("connection closed before a response")),
    Response(
      says: "closed within the head", steps: [.request, .send("HTTP/1.1 200 OK\r\nX"), .close],
      outcome: .failure("connection closed before a response")),
    Response(
      says: "closed within the body",
      steps: [.request, .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno"), .close],
      expects: expectation(body: "ok"), outcome: .failure("connection closed within the body")),
    Response(
      says: "body that ends with the connection",
      steps: [.request, .send("HTTP/1.1 200 OK\r\n\r\nno"), .close],
      expects: expectation(body: "ok"), outcome: .failure("body lacks \"ok\"")),
    Response(
      says: "silence", steps: [],
      outcome: .failure("timed out after 300 ms waiting for a full response"),
      timeout: .milliseconds(300)),
    Response(
      says: "continue comes first",
      steps: reply("HTTP/1.1 100 Continue\r\n\r\n" + ok), outcome: .success),
  ]

  @Test(arguments: responses) func `an HTTP probe judges`(_ response: Response) async throws {
    let server = try await ScriptedServer.start(response.steps)
    let outcome = await probe(
      .http(response.expects), at: server.address, timeout: response.timeout)
    #expect(outcome == response.outcome)
    #expect(server.seen.connectionCount == 1)
    await server.stop()
  }

  @Test(arguments: responses) func `an HTTPS probe judges alike`(_ response: Response) async throws
  {
    let server = try await ScriptedServer.start(
      response.steps, certificate: TestCertificates.leaf)
    let outcome = await probe(
      .https(response.expects, .init(isVerified: false)), at: server.address,
      timeout: response.timeout)
    #expect(outcome == response.outcome)
    await server.stop()
  }

  @Test func `a connection closed at once is a failure`() async throws {
    let server = try await ScriptedServer.start([.close])
    let kinds: [Settings.Monitor.Kind] = [
      .http(Self.expectation()), .https(Self.expectation(), .init(isVerified: true)),
    ]
    for kind in kinds {
      guard case .failure(let cause) = await probe(kind, at: server.address) else {
        Issue.record("\(kind)")
        continue
      }
      // Which of them depends on whether the request was there by then.
      let causes = [
        "connection closed before a response", "connection reset",
        "connection closed in the TLS handshake",
      ]
      #expect(causes.contains(cause))
    }
    await server.stop()
  }

  @Test func `what is not HTTP is refused`() async throws {
    let server = try await ScriptedServer.start([.send("SSH-2.0-OpenSSH_9.2p1\r\n")])
    let outcome = await probe(.http(Self.expectation()), at: server.address)
    guard case .failure(let cause) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(cause.hasPrefix("not HTTP: "))
    await server.stop()
  }

  @Test func `the request carries method, path, host and headers`() async throws {
    let server = try await ScriptedServer.start(Self.reply(Self.ok))
    var expects = Self.expectation(host: "www.example.org")
    expects.method = "HEAD"
    expects.path = "/health?x=1"
    expects.requestHeaders = [
      .init(name: "X-Probe", value: "1"), .init(name: "accept", value: "a"),
    ]
    #expect(await probe(.http(expects), at: server.address) == .success)
    expects = Self.expectation()
    expects.method = "POST"
    #expect(await probe(.http(expects), at: server.address) == .success)
    let requests = server.seen.requests
    #expect(
      requests.first == """
        HEAD /health?x=1 HTTP/1.1\r
        Host: www.example.org\r
        User-Agent: azimuth\r
        Connection: close\r
        X-Probe: 1\r
        accept: a\r
        \r\n
        """)
    #expect(requests.last?.hasPrefix("POST / HTTP/1.1\r\nHost: \(server.address)\r\n") == true)
    #expect(requests.last?.contains("Content-Length: 0\r\n") == true)
    // Each on its own connection.
    #expect(server.seen.connectionCount == 2)
    await server.stop()
  }

  @Test func `a TCP probe needs nothing but the connection`() async throws {
    let server = try await ScriptedServer.start([])
    #expect(await probe(.tcp, at: server.address) == .success)
    await server.stop()
  }

  @Test func `who refuses is told from who is silent`() async throws {
    let server = try await ScriptedServer.start([])
    let address = server.address
    await server.stop()
    let kinds: [Settings.Monitor.Kind] = [
      .tcp, .http(Self.expectation()), .https(Self.expectation(), .init(isVerified: true)),
    ]
    let hole = try #require(FullListener())
    for kind in kinds {
      #expect(await probe(kind, at: address) == .failure("connection refused"))
      #expect(
        await probe(kind, at: hole.address, timeout: .milliseconds(100))
          == .failure("timed out after 100 ms connecting"))
    }
  }

  @Test func `a cancelled probe ends at once and says nothing`() async throws {
    let server = try await ScriptedServer.start([])
    let address = server.address
    let task = Task { await probe(.http(Self.expectation()), at: address, timeout: .seconds(60)) }
    while server.seen.connectionCount == 0 { await Task.yield() }
    task.cancel()
    #expect(await task.value == .inconclusive("cancelled"))
    await server.stop()
  }

  static func reply(_ text: String) -> [ScriptedServer.Step] { [.request, .send(text)] }

  private static func chunked(_ chunks: String...) -> String {
    let body = chunks.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(body)0\r\n\r\n"
  }

  private static func sized(before count: Int) -> String {
    let body = String(repeating: "x", count: count) + "ok and more"
    return "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  static func expectation(
    body: String? = nil, header: (String, String)? = nil, host: String? = nil
  ) -> Settings.Monitor.HTTPExpectation {
    Settings.Monitor.HTTPExpectation(
      method: "GET", path: "/", host: host, requestHeaders: [], statuses: [200...299, 304...304],
      degradedStatuses: [429...429], bodyContains: body,
      responseHeaders: header.map { [.init(name: $0.0, value: $0.1)] } ?? [])
  }
}

enum HTTPLimit { static let body = 65_536 }

func probe(
  _ kind: Settings.Monitor.Kind, at address: SocketAddress,
  timeout: Duration = .seconds(20)
) async -> ProbeOutcome {
  var monitor = tcpMonitor(timeout: timeout)
  monitor.kind = kind
  let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
  return await runner.outcome(
    of: ProbeTarget(endpointID: "e", address: address, monitor: monitor))
}
