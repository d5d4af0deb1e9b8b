import HTTPTypes
import Testing

@Suite struct `A time in a request` {
  /// Asked through an override's expiry, which takes times in and shows them.
  static let readable: [(given: String, shown: String)] = [
    ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
    ("2026-02-28t23:59:60z", "2026-03-01T00:00:00.000Z"),
    ("2026-03-01T00:00:00.1239Z", "2026-03-01T00:00:00.124Z"),
    ("2026-06-30T23:00:00-03:30", "2026-07-01T02:30:00.000Z"),
    ("2026-12-31T23:59:59.5+00:00", "2026-12-31T23:59:59.500Z"),
  ]

  private func reply(_ time: String) async throws -> Reply {
    try await AdminWorld().change(
      .put, "/v1/overrides/tokyo",
      body: #"{"state": "down", "reason": "x", "expires_at": "\#(time)"}"#)
  }

  @Test(arguments: readable) func `is shown in UTC`(given: String, shown: String) async throws {
    #expect(try await reply(given).json["expires_at"].string == shown)
  }

  static let unreadable = [
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:00",
    "2026-01-31 12:00:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+0100", "2026-01-31",
    "2026-01-31T12:00:00Zx", "+2026-01-31T12:00:00Z", "2026-1-31T12:00:00Z", "",
  ]

  @Test(arguments: unreadable) func `is refused unless RFC 3339 has it`(time: String) async throws {
    let reply = try await reply(time)
    #expect(reply.status == 422)
    #expect(reply.json["errors"][0]["pointer"].string == "/expires_at")
  }
}
