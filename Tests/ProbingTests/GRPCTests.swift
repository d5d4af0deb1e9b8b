import Testing

@testable import Probing
@testable import Settings

@Suite struct GRPCTests {
  enum Part: Sendable {
    case headers([String: String], isEnd: Bool)
    case body([UInt8], isEnd: Bool)
    case closed
  }
  static let head = Part.headers(
    [":status": "200", "content-type": "application/grpc+proto"], isEnd: false)
  static let end = Part.headers(["grpc-status": "0"], isEnd: true)

  static let answers: [(parts: [Part], outcome: ProbeOutcome)] = [
    ([head, .body([0, 0, 0, 0, 2, 8, 1], isEnd: false), end], .success),
    ([head, .body([0, 0, 0], isEnd: false), .body([0, 2, 8, 1], isEnd: false), end], .success),
    (
      [head, .body([0, 0, 0, 0, 2, 8, 2], isEnd: false), end],
      .failure("service \"a.B\" is NOT_SERVING")
    ),
    (
      [head, .body([0, 0, 0, 0, 0], isEnd: false), end], .failure("service \"a.B\" is UNKNOWN")
    ),
    (
      [head, .body([0, 0, 0, 0, 2, 8, 3], isEnd: false), end],
      .failure("service \"a.B\" is SERVICE_UNKNOWN")
    ),
    (
      [head, .body([0, 0, 0, 0, 2, 8, 9], isEnd: false), end],
      .failure("service \"a.B\" has status 9")
    ),
    (
      [
        .headers(
          [":status": "200", "content-type": "application/grpc", "grpc-status": "12"],
          isEnd: true)
      ], .failure("server has no health service (UNIMPLEMENTED)")
    ),
    (
      [head, .headers(["grpc-status": "5", "grpc-message": "x"], isEnd: true)],
      .failure("service \"a.B\" is not known (NOT_FOUND)")
    ),
    (
      [head, .headers(["grpc-status": "14", "grpc-message": "busy"], isEnd: true)],
      .failure("gRPC status UNAVAILABLE (busy)")
    ),
    ([head, .headers(["grpc-status": "99"], isEnd: true)], .failure("gRPC status 99")),
    ([head, .headers(["grpc-status": "no"], isEnd: true)], .failure("gRPC status \"no\"")),
    (
      [.headers([":status": "404", "content-type": "text/html"], isEnd: false)],
      .failure("HTTP status 404, wanted 200")
    ),
    (
      [.headers([":status": "200", "content-type": "text/html"], isEnd: false)],
      .failure("content type \"text/html\", wanted application/grpc")
    ),
    ([head, end], .failure("answer has no message")),
    (
      [head, .body([1, 0, 0, 0, 0], isEnd: false), end],
      .failure("answer is compressed, which was not asked for")
    ),
    (
      [head, .body([0, 0, 0, 0, 3, 8, 1], isEnd: false), end],
      .failure("answer is no HealthCheckResponse")
    ),
    ([head, .body([], isEnd: true)], .failure("answer ends without a gRPC status")),
    (
      [head, .body(Array(repeating: 0, count: 5_000), isEnd: false)],
      .failure("answer is longer than 4096 bytes")
    ),
    ([.closed], .failure("connection closed before an answer")),
    ([head, .closed], .failure("connection closed within the answer")),
  ]

  @Test(arguments: answers.indices) func `an answer is judged`(row: Int) {
    let (parts, outcome) = Self.answers[row]
    var judge = GRPCJudge(service: "a.B")
    var found: ProbeOutcome?
    for part in parts where found == nil {
      switch part {
      case .headers(let headers, let isEnd): found = judge.headers(isEnd: isEnd) { headers[$0] }
      case .body(let bytes, let isEnd): found = judge.body(bytes, isEnd: isEnd)
      case .closed: found = judge.closed()
      }
    }
    #expect(found == outcome)
  }

  @Test func `the request has its message behind its length`() throws {
    #expect(try GRPCJudge.request(service: "") == [0, 0, 0, 0, 0])
    #expect(try GRPCJudge.request(service: "ab") == [0, 0, 0, 0, 4, 10, 2, 97, 98])
  }

  @Test func `what is no HTTP/2 is refused`() async throws {
    let server = try await ScriptedServer.start([.send("HTTP/1.1 400 Bad Request\r\n\r\n")])
    let outcome = await probe(.grpc(.init(service: "")), at: server.address)
    guard case .failure(let cause) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(cause.hasPrefix("HTTP/2: "), "\(cause)")
    await server.stop()
    #expect(
      await probe(.grpc(.init(service: "")), at: server.address) == .failure("connection refused"))
  }

  @Test func `over TLS the certificate counts`() async throws {
    let server = try await ScriptedServer.start([], certificate: TestCertificates.leaf)
    #expect(
      await probe(.grpc(.init(service: "", tls: .init(isVerified: true))), at: server.address)
        == .failure("certificate: not signed by a trusted root"))
    await server.stop()
  }
}
