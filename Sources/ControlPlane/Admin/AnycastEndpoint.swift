import Hummingbird

extension AdminServer {
  /// `GET /v1/anycast`. For everybody: a token that was taken away, or an address that is not
  /// listened to, must not withdraw routes. Routers tell the world most of it anyway.
  func anycast(_ request: Request) async throws -> Response {
    guard let report = await sources.anycast() else {
      throw Problem(
        .notFound, "this node has no anycast addresses: its configuration has no section anycast",
        type: .notConfigured)
    }
    return try Response.json(report)
  }
}
