import HTTPTypes
import Hummingbird
import Logging

/// A line for each request at debug level.
struct AccessLog: RouterMiddleware {
  typealias Context = AdminContext

  let now: @Sendable () -> Double

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let start = now()
    let response = try await next(request, context)
    context.logger.debug(
      "admin request",
      metadata: [
        "method": "\(request.method)", "path": "\(request.uri.path)",
        "status": "\(response.status.code)",
        "duration_ms": "\(Int(((now() - start) * 1000).rounded()))",
      ])
    return response
  }
}
