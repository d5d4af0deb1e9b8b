import Clustering
import Hummingbird

extension AdminServer {
  /// `GET /v1/fleet[?limit=[&cursor=]]`: a part of its nodes.
  func fleet(_ request: Request) async throws -> Response {
    guard var report = await sources.fleet() else {
      throw Problem(
        .notFound, "this node is in no fleet: its configuration has no section fleet",
        type: .notConfigured)
    }
    let page = try Page(report.nodes, of: request) { $0.id }
    report.nodes = page.elements
    return try Response.json(report, headers: page.headers)
  }
}
