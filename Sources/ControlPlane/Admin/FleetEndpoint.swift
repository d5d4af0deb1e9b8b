import Hummingbird

extension AdminServer {
  /// `GET /v1/fleet`.
  func fleet(_ request: Request) async throws -> Response {
    guard let report = await sources.fleet() else {
      throw Problem(.notFound, "this node is in no fleet: its configuration has no section fleet")
    }
    return try Response.json(report)
  }
}
