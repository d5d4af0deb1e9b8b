import Admin
import Clustering
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Places
import Testing

@Suite struct `The fleet as the admin API shows it` {
  @Test func `a node of none says so`() async throws {
    let reply = try await AdminWorld().get("/v1/fleet")
    #expect(reply.status == 404 && reply.text.contains("in no fleet"))
  }

  @Test func `a node of one says what it sees`() async throws {
    var world = try AdminWorld()
    world.sources.fleet = {
      FleetView(fleet: "prod", prefix: "/").report(
        by: "node-1",
        store: FleetReport.Store(
          connected: false, member: "http://127.0.0.1:1", verified: true, revision: 7,
          lagSeconds: nil, fault: "unavailable: no leader"), now: .zero)
    }
    let fleet = try await world.get("/v1/fleet").json
    #expect(fleet["fleet"].string == "prod" && fleet["node"].string == "node-1")
    #expect(fleet["store"]["connected"].bool == false && fleet["store"]["revision"].number == 7)
    #expect(fleet["nodes"] == .array([]) && fleet["malformed"] == .array([]))
  }

  @Test func `a node that waits lives, and is not ready`() async throws {
    let server = WaitingServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await server.application(at: .hostname("127.0.0.1", port: 0))
      .test(
        .router
      ) { client in
        #expect(
          try await client.executeRequest(uri: "/livez", method: .get, headers: [:], body: nil)
            .status
            == .ok)
        let ready = try await client.executeRequest(
          uri: "/readyz", method: .get, headers: [:], body: nil)
        #expect(ready.status == .serviceUnavailable && ready.headers[.retryAfter] == "1")
        let problem = JSON(String(buffer: ready.body))
        #expect(problem["detail"].string?.contains("first configuration") == true)
        let type = try await client.executeRequest(
          uri: problem["type"].string ?? "", method: .get, headers: [:], body: nil)
        #expect(type.status == .ok && String(buffer: type.body) == ProblemType.notReady.page)
      }
  }
}
