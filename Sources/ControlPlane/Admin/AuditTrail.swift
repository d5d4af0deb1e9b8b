package import Announcing
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Settings

/// A line of the audit log: something that was to be changed, and what became of it.
package struct AuditLine: Sendable, Equatable, Encodable {
  package var time: Timestamp
  /// The name of the token that came with it; nil: none that is known.
  package var token: String?
  /// The address of who asked; `local` where that was through a unix socket.
  package var source: String
  package var method: String
  /// With its query; no more than ``maximumPathByteCount``.
  package var path: String
  /// Of the whole path; nil: it is all there.
  package var pathBytes: Int?
  package var status: Int
  /// As lines of the log have it; nil: the log has none.
  package var request: String?

  /// What is asked for can be as long as a header may be, and a file of lines would be soon as full
  /// as a stranger likes.
  package static let maximumPathByteCount = 2048

  private enum CodingKeys: String, CodingKey {
    case time, token, source, method, path
    case pathBytes = "path_bytes"
    case status, request
  }

  /// - Parameter path: the whole one.
  package init(
    time: Timestamp, token: String?, source: String, method: String, path: String, status: Int,
    request: String?
  ) {
    self.time = time
    self.token = token
    self.source = source
    self.method = method
    let byteCount = path.utf8.count
    let isWhole = byteCount <= Self.maximumPathByteCount
    // The end comes before a character that it would cut in two.
    self.path =
      isWhole
      ? path
      : String(path[..<path.utf8.index(path.startIndex, offsetBy: Self.maximumPathByteCount)])
    pathBytes = isWhole ? nil : byteCount
    self.status = status
    self.request = request
  }

  /// One line of JSON with its end.
  package func text() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}

/// Notes each request that is to change something, refused ones too.
struct AuditTrail: RouterMiddleware {
  typealias Context = AdminContext

  let now: @Sendable () -> Double
  let note: @Sendable (AuditLine) -> Void

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let response = try await next(request, context)
    guard !Endpoint.safeMethods.contains(request.method) else { return response }
    var name: String?
    if case .token(let token) = context.credentials { name = token.name }
    note(
      AuditLine(
        time: Timestamp(seconds: now()), token: name, source: context.source.description,
        method: request.method.rawValue, path: request.uri.string,
        status: response.status.code,
        request: context.logger[metadataKey: "hb.request.id"]?.description))
    return response
  }
}
