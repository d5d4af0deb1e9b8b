import SwiftProtobuf

/// Judges the answer to `grpc.health.v1.Health/Check`, as its parts arrive: only SERVING is
/// healthy.
///
///     HEADERS (:status 200) ─▶ DATA (one message) ─▶ HEADERS (grpc-status 0)
///     HEADERS (:status 200, grpc-status ≠ 0)                       where there is no message
struct GRPCJudge {
  /// The answer has a few bytes.
  static let limitBytes = 4_096
  /// A flag for compression, and a length of four bytes.
  private static let prefixBytes = 5

  private let service: String
  private var body: [UInt8] = []
  private var hasHead = false

  init(service: String) { self.service = service }

  /// The message that asks, with its prefix.
  static func request(service: String) throws -> [UInt8] {
    var request = Grpc_Health_V1_HealthCheckRequest()
    request.service = service
    let message: [UInt8] = try request.serializedBytes()
    let length = UInt32(message.count)
    return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + message
  }

  /// - Parameter first: the first value of a header or trailer.
  /// - Returns: nil if more is to come.
  mutating func headers(isEnd: Bool, first: (_ name: String) -> String?) -> ProbeOutcome? {
    if !hasHead {
      hasHead = true
      let status = first(":status") ?? "none"
      guard status == "200" else { return .failure("HTTP status \(status), wanted 200") }
      let type = first("content-type") ?? "none"
      guard type.hasPrefix("application/grpc") else {
        return .failure("content type \(type.debugDescription), wanted application/grpc")
      }
    }
    guard let text = first("grpc-status") else {
      return isEnd ? .failure("answer ends without a gRPC status") : nil
    }
    guard let code = Int(text), code != 0 else {
      return text == "0" ? outcomeOfBody : .failure("gRPC status \(text.debugDescription)")
    }
    return .failure(meaning(code, message: first("grpc-message") ?? ""))
  }

  mutating func body(_ bytes: some Collection<UInt8>, isEnd: Bool) -> ProbeOutcome? {
    body += bytes.prefix(Self.limitBytes + 1 - body.count)
    if body.count > Self.limitBytes {
      return .failure("answer is longer than \(Self.limitBytes) bytes")
    }
    return isEnd ? .failure("answer ends without a gRPC status") : nil
  }

  /// The stream or the connection ended before the answer was complete.
  func closed() -> ProbeOutcome {
    .failure("connection closed \(hasHead ? "within the answer" : "before an answer")")
  }

  private var outcomeOfBody: ProbeOutcome {
    guard body.count >= Self.prefixBytes else { return .failure("answer has no message") }
    let length = body[1...4].reduce(0) { $0 << 8 | Int($1) }
    guard body[0] == 0 else { return .failure("answer is compressed, which was not asked for") }
    let message = body[Self.prefixBytes...]
    guard message.count == length,
      let response = try? Grpc_Health_V1_HealthCheckResponse(serializedBytes: Array(message))
    else { return .failure("answer is no HealthCheckResponse") }
    return switch response.status {
    case .serving: .success
    case .notServing: .failure("\(subject) is NOT_SERVING")
    case .serviceUnknown: .failure("\(subject) is SERVICE_UNKNOWN")
    case .unknown: .failure("\(subject) is UNKNOWN")
    case .UNRECOGNIZED(let value): .failure("\(subject) has status \(value)")
    }
  }

  private var subject: String {
    service.isEmpty ? "server" : "service \(service.debugDescription)"
  }

  private func meaning(_ code: Int, message: String) -> String {
    switch code {
    case 5: return "\(subject) is not known (NOT_FOUND)"
    case 12: return "server has no health service (UNIMPLEMENTED)"
    default:
      let words = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
      ]
      let word = words.indices.contains(code) ? words[code] : "\(code)"
      return "gRPC status \(word)\(message.isEmpty ? "" : " (\(message.prefix(100)))")"
    }
  }
}
