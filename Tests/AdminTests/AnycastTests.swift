import Admin
import Announcing
import Gating
import Testing

@Suite struct `Anycast as the admin API shows it` {
  @Test func `a node without such addresses says so`() async throws {
    let reply = try await AdminWorld().get("/v1/anycast")
    #expect(reply.status == 404 && reply.text.contains("no section anycast"))
  }

  @Test func `a node says whether routes lead to it, and why not`() async throws {
    var world = try AdminWorld()
    world.sources.anycast = {
      AnycastReport(
        announced: false, standing: "failing", why: "127.0.0.1:53 answered with code 2",
        since: Timestamp(seconds: 0), med: 100, degraded: nil, prefixes: ["192.0.2.53/32"],
        failures: 4, lastFault: "127.0.0.1:53 answered with code 2")
    }
    let anycast = try await world.get("/v1/anycast").json
    #expect(anycast["announced"].bool == false && anycast["standing"].string == "failing")
    #expect(anycast["why"].string == "127.0.0.1:53 answered with code 2")
    #expect(anycast["since"].string == "1970-01-01T00:00:00.000Z")
    #expect(anycast["prefixes"] == .array([.string("192.0.2.53/32")]))
    #expect(anycast["failures"].number == 4)
  }
}
