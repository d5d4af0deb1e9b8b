import HTTPTypes
import Hummingbird
import Logging
import NIOCore

extension Response {
  static func json(
    _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(
      status: status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: try jsonText(value))))
  }

  static func text(
    _ text: String, type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: .ok, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}

/// Turns every error into problem+json (RFC 9457), and marks every answer as of this moment only
/// that is not said to be cacheable.
struct ProblemWriter: RouterMiddleware {
  typealias Context = AdminContext

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      response = try await next(request, context)
    } catch {
      let problem = problem(error, request: request, context: context)
      response = try Response.json(
        problem.document(instance: request.uri.path), status: problem.status)
      for field in problem.headers { response.headers.append(field) }
      response.headers[.contentType] = "application/problem+json"
      if request.method == .head { response = response.createHeadResponse() }
    }
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    response.headers[.xContentTypeOptions] = "nosniff"
    return response
  }

  private func problem(_ error: any Error, request: Request, context: Context) -> Problem {
    switch error {
    case let problem as Problem: return problem
    case let error as any HTTPResponseError:
      guard error.status == .notFound else {
        return Problem(error.status, "the request cannot be processed")
      }
      // RFC 9110 §15.6.2: a method that is known nowhere here.
      guard Endpoint.methods.contains(request.method) else {
        return Problem(.notImplemented, "\(request.method) is not implemented")
      }
      return Problem(.notFound, "there is nothing at this path; GET /v1 lists what there is")
    default:
      context.logger.error(
        "admin request failed",
        metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
      return Problem(.internalServerError, "an error on our side; the log has it")
    }
  }
}
