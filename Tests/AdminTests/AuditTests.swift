import Admin
import Announcing
import HTTPTypes
import Settings
import Synchronization
import TestSupport
import Testing

@Suite struct `The audit trail` {
  private final class Lines: Sendable {
    private let lines = Mutex<[AuditLine]>([])

    func note(_ line: AuditLine) { lines.withLock { $0.append(line) } }
    var all: [AuditLine] { lines.withLock { $0 } }
  }

  private func world() throws -> (AdminWorld, Lines) {
    var world = try AdminWorld()
    let lines = Lines()
    world.sources.audit = { lines.note($0) }
    return (world, lines)
  }

  @Test func `has a line for each request that would change something, refused ones too`()
    async throws
  {
    let (world, lines) = try world()
    let down = `A change over the admin API`.down
    let asks: [(HTTPRequest.Method, String, HTTPFields, Int)] = [
      (.put, "/v1/overrides/tokyo", [:], 201),
      (.put, "/v1/overrides/nowhere", [:], 404),
      (.post, "/v1/reload?force=true", [:], 200),
      (.post, "/v1/status", [:], 405),
      (.post, "/v2", [:], 404),
      (.put, "/v1/overrides/tokyo", [.origin: "http://evil.example"], 403),
      (.delete, "/v1/overrides/tokyo", [.authorization: "Bearer x"], 401),
      (.delete, "/v1/overrides/tokyo", [.authorization: ""], 401),
      (.trace, "/v1/status", [:], 501),
    ]
    for (method, uri, headers, _) in asks {
      var all: HTTPFields = [
        .authorization: "Bearer \(AdminWorld.token)", .contentType: "application/json",
      ]
      for field in headers { all[field.name] = field.value }
      _ = try await world.ask(method, uri, headers: all, body: down)
    }
    #expect(lines.all.map(\.method) == asks.map { $0.0.rawValue })
    #expect(lines.all.map(\.path) == asks.map(\.1))
    #expect(lines.all.map(\.status) == asks.map(\.3))
    #expect(
      lines.all.map(\.token) == asks.map { $0.2[.authorization] == nil ? "admin" : nil })
    #expect(lines.all.allSatisfy { $0.source == "local" })
  }

  @Test func `has none for what only reads`() async throws {
    let (world, lines) = try world()
    for uri in ["/v1/status", "/", "/v2"] {
      _ = try await world.get(uri)
      _ = try await world.ask(.head, uri)
    }
    #expect(lines.all.isEmpty)
  }

  @Test func `has the beginning of a path that is very long, and its length`() async throws {
    let (world, lines) = try world()
    let limit = AuditLine.maximumPathByteCount
    let fitting = "/v2/" + String(repeating: "x", count: limit - 4)
    for path in [fitting, fitting + "y", fitting + String(repeating: "z", count: 20_000)] {
      _ = try await world.change(.post, path)
    }
    #expect(lines.all.map(\.path) == [fitting, fitting, fitting])
    #expect(lines.all.map(\.pathBytes) == [nil, limit + 1, limit + 20_000])
    let texts = try lines.all.map { String(decoding: try $0.text(), as: UTF8.self) }
    #expect(!texts[0].contains("path_bytes"))
    #expect(JSON(texts[1])["path_bytes"].number == Double(limit + 1))
  }

  @Test func `cuts no character in two`() {
    let line = AuditLine(
      time: Timestamp(seconds: 0), token: nil, source: "local", method: "POST",
      path: "/" + String(repeating: "€", count: 1000), status: 404, request: nil)
    #expect(line.path == "/" + String(repeating: "€", count: 682))
    #expect(line.pathBytes == 3001)
  }

  @Test func `is lines of JSON, and never has a token itself`() async throws {
    let (world, lines) = try world()
    _ = try await world.change(.post, "/v1/overrides/a\"b")
    let text = try String(decoding: #require(lines.all.first).text(), as: UTF8.self)
    #expect(text.hasSuffix("}\n") && text.count { $0 == "\n" } == 1)
    #expect(!text.contains(AdminWorld.token))
    #expect(JSON(text)["time"].string == "2026-01-01T00:00:00.000Z")
  }
}
