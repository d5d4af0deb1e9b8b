import Dashboard
import HTTPTypes
import Hummingbird
import NIOCore

extension AdminServer {
  /// `GET /` and `GET /dashboard/…`: the files of the dashboard, as they were built in. What they
  /// show they ask of the API; without a token they change nothing.
  func dashboard(_ request: Request) async throws -> Response {
    guard let file = Self.dashboardFiles[request.uri.path] else {
      throw Problem(.notFound, "the dashboard has no such file")
    }
    return Response.cacheable(
      file.content, type: file.type, for: request,
      headers: [.contentSecurityPolicy: Self.dashboardPolicy, .referrerPolicy: "no-referrer"])
  }

  /// Nothing from elsewhere, nothing inline, and no text that becomes markup.
  private static let dashboardPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    + "require-trusted-types-for 'script'; trusted-types 'none'"

  private struct DashboardFile: Sendable {
    var type: String
    var content: ByteBuffer
  }

  /// By path.
  private static let dashboardFiles: [String: DashboardFile] = {
    var files: [String: DashboardFile] = [:]
    for index in 0..<dashboard_file_count() {
      let file = dashboard_file(index)
      let name = String(cString: file.name)
      files[name == "index.html" ? "/" : "/dashboard/\(name)"] = DashboardFile(
        type: String(cString: file.type),
        content: ByteBuffer(bytes: UnsafeBufferPointer(start: file.content, count: file.length)))
    }
    return files
  }()
}

extension HTTPField.Name {
  /// Which pages are told where a request comes from (Referrer Policy §4).
  fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .via
}
