import Admin
import Foundation
import HTTPTypes
import TestSupport
import Testing

@Suite struct `The dashboard` {
  private static let folder = "\(Built.root)/Sources/ControlPlane/Dashboard/pages"

  private func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Self.folder).sorted()
  }

  @Test func `is served from every file of its folder, as it is there`() async throws {
    let world = try AdminWorld()
    #expect(try files().count > 10)
    for file in try files() {
      let reply = try await world.get(file == "index.html" ? "/" : "/dashboard/\(file)")
      #expect(reply.status == 200, "\(file) is in no line of dashboard.c")
      #expect(reply.text == (try String(contentsOfFile: "\(Self.folder)/\(file)", encoding: .utf8)))
      let type = try #require(reply.type)
      switch file.split(separator: ".").last {
      case "js": #expect(type == "text/javascript; charset=utf-8")
      case "css": #expect(type == "text/css; charset=utf-8")
      case "html": #expect(type == "text/html; charset=utf-8")
      case "json": #expect(type == "application/json")
      default: #expect(type == "image/svg+xml")
      }
    }
  }

  @Test func `lets nothing in from elsewhere, nothing inline, and no text become markup`()
    async throws
  {
    let policy = try await AdminWorld().get("/").headers[.contentSecurityPolicy]
    let rules = Set((policy ?? "").split(separator: ";").map { $0.drop { $0 == " " } })
    #expect(
      rules.isSuperset(of: [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
      ]))
  }

  /// The policy above refuses it in a browser that has one; these words are not even there.
  @Test func `makes no markup of text, and speaks to nobody else`() throws {
    for file in try files() where file.hasSuffix(".js") {
      let text = try String(contentsOfFile: "\(Self.folder)/\(file)", encoding: .utf8)
      let banned = [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage",
        "document.cookie", "https://",
      ]
      for word in banned { #expect(!text.contains(word), "\(file): \(word)") }
      let urls = text.matches(of: #/http://[^"]*/#).map { String($0.output) }
      #expect(urls.allSatisfy { $0 == "http://www.w3.org/2000/svg" }, "\(file): \(urls)")
    }
  }

  /// So that it stays light: figures in docs/dashboard.md.
  @Test func `is small`() throws {
    let sizes = try files().map {
      try Data(contentsOf: URL(filePath: "\(Self.folder)/\($0)")).count
    }
    #expect(sizes.reduce(0, +) < 110_000)
  }

  @Test func `has no file of any other name`() async throws {
    for path in ["/dashboard/none.js", "/dashboard/index.html", "/dashboard/../index.html"] {
      #expect(try await AdminWorld().get(path).status == 404)
    }
  }
}
