import APIDocument
import Hummingbird
import NIOCore

extension AdminServer {
  /// `GET /v1/openapi.json`: what there is to ask, for programs (OpenAPI 3.1).
  func apiDocument(_ request: Request) async throws -> Response {
    Response.cacheable(Self.apiDocument, type: "application/json", for: request)
  }

  private static let apiDocument = ByteBuffer(
    bytes: UnsafeBufferPointer(start: api_document_start(), count: api_document_length()))
}
