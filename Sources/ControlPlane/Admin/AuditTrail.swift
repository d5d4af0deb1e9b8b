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
  /// With its query.
  package var path: String
  package var status: Int
  /// As lines of the log have it; nil: the log has none.
  package var request: String?

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
