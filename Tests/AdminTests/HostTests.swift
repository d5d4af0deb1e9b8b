import Admin
import HTTPTypes
import Publishing
import Testing

@Suite struct `A host that a request names` {
  static let hosts = KnownHosts(["Edge-1.internal", "node-1"])

  @Test(arguments: [
    "127.0.0.1", "127.0.0.1:8053", "192.0.2.1:80", "[::1]", "[::1]:8053", "[2001:db8::1]",
    "localhost", "LOCALHOST:8053", "localhost.", "edge-1.internal", "EDGE-1.INTERNAL.:8053",
    "node-1",
  ])
  func `is ours if it is an address, or a name that is known`(authority: String) {
    #expect(Self.hosts.contain(authority))
  }

  @Test(arguments: [
    "", ":8053", "evil.example", "evil.example:8053", "localhost.evil.example",
    "127.0.0.1.evil.example", "edge-1.internal.evil.example", "edge-1.internal..", "x@localhost",
    "localhost:80@evil.example", "localhost:x", "[::1]x", "[::1", "[127.0.0.1]", "::1", "1.2.3",
    "0x7f.0.0.1", "2130706433", "[localhost]", "127.0.0.1 ", "[::1]:8053:1",
  ])
  func `is not ours if it is another's, or no host`(authority: String) {
    #expect(!Self.hosts.contain(authority))
  }

  static let origins: [(String, String?, Bool)] = [
    ("http://127.0.0.1:8053", "127.0.0.1:8053", true), ("HTTP://Localhost", "localhost", true),
    ("https://edge-1.internal", "edge-1.internal", true), ("http://[::1]:80", "[::1]:80", true),
    ("http://127.0.0.1:8054", "127.0.0.1:8053", false), ("http://127.0.0.1", "127.0.0.1:80", false),
    ("null", "localhost", false), ("", "localhost", false), ("http://localhost", nil, false),
    ("http://localhost.evil.example", "localhost", false), ("ftp://localhost", "localhost", false),
    ("file://", "", false), ("localhost", "localhost", false),
    ("http://localhost/", "localhost", false),
  ]

  @Test(arguments: origins)
  func `is that of a page, or it is not`(origin: String, authority: String?, isSame: Bool) {
    #expect(KnownHosts.isSame(origin, authority) == isSame)
  }

  @Test func `of a page of another site gets nothing changed, not even with the token`()
    async throws
  {
    let world = try AdminWorld()
    for (origin, status) in [
      ("http://localhost", 201), ("http://evil.example", 403), ("null", 403),
    ] {
      let reply = try await world.ask(
        .put, "/v1/overrides/\(status == 201 ? "tokyo" : "virginia")",
        headers: [
          .authorization: "Bearer \(AdminWorld.token)", .contentType: "application/json",
          .origin: origin,
        ], body: `A change over the admin API`.down)
      #expect(reply.status == status)
      let read = try await world.ask(.get, "/v1/status", headers: [.origin: origin])
      #expect(read.status == 200)
    }
    #expect(await world.publisher.overrides.map(\.target.description) == ["tokyo"])
  }
}
