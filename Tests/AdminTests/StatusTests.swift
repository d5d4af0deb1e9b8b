import Admin
import Editions
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Places
import Publishing
import Routing
import TestSupport
import Testing

@Suite struct `What the admin API shows` {
  @Test func `of the node`() async throws {
    let world = try AdminWorld()
    await world.heal()
    world.clock.advance(90)
    let status = try await world.get("/v1/status").json
    #expect(status["node"].string == "node-1")
    #expect(status["version"].string == "1.2.3")
    #expect(status["uptime_seconds"].number == 90)
    #expect(status["started_at"].string == "2026-01-01T00:00:00.000Z")
    #expect(status["edition"].number == 2)
    #expect(status["revision"].number == 1)
    #expect(status["ready"].bool == true)
    #expect(status["attribution"].string == "IP Geolocation by DB-IP (https://db-ip.com)")
    let counts = status["counts"]
    #expect(counts["regions"].number == 3)
    #expect(counts["pools"].number == 2)
    #expect(counts["endpoints"].number == 7)
    #expect(counts["healthy_endpoints"].number == 7)
    #expect(counts["services"].number == 2)
    #expect(counts["overrides"].number == 0)
    #expect((counts["places"].number ?? 0) > 3)
    #expect((counts["cohorts"].number ?? 0) > 2)
  }

  @Test func `of the regions`() async throws {
    let world = try AdminWorld()
    await world.heal()
    await world.report(.degraded, of: "frankfurt")
    let regions = try await world.get("/v1/regions").json["regions"]
    #expect(regions.items.map { $0["name"].string } == ["frankfurt", "tokyo", "virginia"])
    #expect(regions[0]["location"]["latitude"].number == 50.11)
    #expect(regions[0]["tags"] == .array([.string("eu"), .string("de")]))
    #expect(regions[0]["override"].string == "auto")
    #expect(regions[0]["pools"].items.map { $0["pool"].string } == ["web", "eu"])
    #expect(regions[0]["pools"][0]["health"].string == "degraded")
    #expect(regions[1]["pools"].items.count == 1)
    #expect(regions[1]["pools"][0]["healthy_endpoints"].number == 3)
  }

  @Test func `of the zones`() async throws {
    var world = try AdminWorld()
    world.sources.zones = {
      [
        ZoneReport(
          name: "example.org.", kind: .primary, state: "current", serial: 7, nameCount: 3),
        ZoneReport(
          name: "example.net.", kind: .secondary, state: "absent", serial: nil, nameCount: 1,
          refresh: ZoneReport.Refresh(
            transferredAt: nil, transferredFrom: nil, transferKind: nil,
            nextCheckAt: AdminWorld.start + 2, expiresAt: nil,
            faults: ["192.0.2.1:53: the answer is not signed"])),
      ]
    }
    let zones = try await world.get("/v1/zones").json["zones"]
    #expect(zones.items.map { $0["name"].string } == ["example.net.", "example.org."])
    #expect(zones.items.map { $0["kind"].string } == ["secondary", "primary"])
    #expect(zones[1]["serial"].number == 7 && zones[1]["names"].number == 3)
    #expect(zones[0]["state"].string == "absent")
    #expect(zones[0]["next_check"].string == "2026-01-01T00:00:02.000Z")
    #expect(zones[0]["faults"][0].string == "192.0.2.1:53: the answer is not signed")
  }

  @Test func `of the endpoints and their last checks`() async throws {
    var world = try AdminWorld()
    world.sources.probeReports = {
      [
        ProbeReport(
          endpointID: "tokyo/web/127.0.10.1:8080", cause: "connection refused",
          at: AdminWorld.start + 1.5, durationMilliseconds: 0.25, since: AdminWorld.start)
      ]
    }
    let endpoints = try await world.get("/v1/endpoints").json["endpoints"]
    #expect(endpoints.items.count == 7)
    let first = endpoints.item("id", "tokyo/web/127.0.10.1:8080")
    #expect(first["region"].string == "tokyo")
    #expect(first["pool"].string == "web")
    #expect(first["address"].string == "127.0.10.1:8080")
    #expect(first["health"].string == "unknown")
    #expect(first["last_probe"]["cause"].string == "connection refused")
    #expect(first["last_probe"]["at"].string == "2026-01-01T00:00:01.500Z")
    #expect(first["last_probe"]["duration_ms"].number == 0.25)
    #expect(first["since"].string == "2026-01-01T00:00:00.000Z")
    #expect(endpoints.item("id", "tokyo/web/127.0.10.2:8080")["last_probe"] == .null)
    #expect(first["proxy"] == .null)
  }

  @Test func `of what the proxy has to do with endpoints`() async throws {
    var world = try AdminWorld()
    world.sources.endpointUses = { edition in
      [
        edition.model.endpoints[0].id: EndpointUse(
          connections: 12, startShare: 1 / 3,
          ejection: EndpointUse.Ejection(until: AdminWorld.start + 20, times: 2)),
        edition.model.endpoints[1].id: EndpointUse(connections: 0, startShare: 1),
      ]
    }
    let list = try await world.get("/v1/endpoints").json["endpoints"]
    let endpoints = ["127.0.10.1", "127.0.10.2", "[2001:db8:ff::1]"].map {
      list.item("id", "tokyo/web/\($0):8080")
    }
    #expect(endpoints[0]["proxy"]["connections"].number == 12)
    #expect(endpoints[0]["proxy"]["start_share"].number == 0.333)
    #expect(endpoints[0]["proxy"]["ejection"]["until"].string == "2026-01-01T00:00:20.000Z")
    #expect(endpoints[0]["proxy"]["ejection"]["times"].number == 2)
    #expect(endpoints[1]["proxy"]["connections"].number == 0)
    #expect(endpoints[1]["proxy"]["ejection"] == .null)
    #expect(endpoints[2]["proxy"] == .null)
  }

  @Test func `is the same text each time`() async throws {
    let world = try AdminWorld()
    for uri in ["/v1/status", "/v1/regions", "/v1/endpoints"] {
      #expect(try await world.get(uri).text == world.get(uri).text)
    }
  }

  @Test func `on the page of the API leads everywhere, and names the source of data`()
    async throws
  {
    var world = try AdminWorld()
    world.sources.node.id = "<node>"
    let page = try await world.get("/v1")
    #expect(page.type == "text/html; charset=utf-8")
    #expect(page.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
    #expect(page.text.contains("<a href=\"https://db-ip.com\">IP Geolocation by DB-IP</a>"))
    #expect(page.text.contains("&lt;node&gt;") && !page.text.contains("<node>"))
    for path in ["/v1/status", "/v1/regions", "/v1/endpoints", "/metrics", "/readyz?verbose"] {
      #expect(page.text.contains("<a href=\"\(path)\">"))
      #expect(try await world.get(path).status == 200)
    }
  }
}

@Suite struct `A probe of the node itself` {
  @Test func `finds it alive before it is ready`() async throws {
    let world = try AdminWorld(isReady: false)
    #expect(try await world.get("/livez").text == "ok\n")
    let notReady = try await world.get("/readyz")
    #expect(notReady.status == 503)
    #expect(notReady.headers[.retryAfter] == "1")
    #expect(notReady.type == "application/problem+json")
    #expect(notReady.json["conditions"] == .null)
    await world.publisher.markReady()
    let ready = try await world.get("/readyz")
    #expect(ready.status == 200)
    #expect(ready.text == "ok\n")
  }

  @Test func `hears of every condition if it asks`() async throws {
    var world = try AdminWorld(isReady: false)
    world.sources.readiness = {
      [ReadinessCondition(name: "dns", isMet: true, detail: "listens on 127.0.0.1:5353")]
    }
    let verbose = try await world.get("/readyz?verbose")
    #expect(verbose.status == 503)
    let conditions = verbose.json["conditions"]
    #expect(
      conditions.items.map { $0["name"].string } == ["edition", "first_health_checks", "dns"])
    #expect(conditions.items.map { $0["met"].bool } == [true, false, true])
    #expect(conditions[1]["detail"].string == "5 endpoints have no result yet")
    await world.publisher.markReady()
    let ready = try await world.get("/readyz?verbose")
    #expect(ready.status == 200)
    #expect(ready.json["ready"].bool == true)
    #expect(ready.json["conditions"].items.allSatisfy { $0["met"].bool == true })
  }

  @Test func `is refused by any condition that is not met`() async throws {
    var world = try AdminWorld()
    world.sources.readiness = {
      [ReadinessCondition(name: "dns", isMet: false, detail: "not listening")]
    }
    let reply = try await world.get("/readyz")
    #expect(reply.status == 503)
    #expect(reply.json["detail"].string == "not ready: dns: not listening")
  }
}

/// `azimuth top` reads them so.
@Suite struct `What a node says of itself` {
  @Test func `is read into what it was written from`() async throws {
    let world = try AdminWorld()
    _ = try await world.change(
      .put, "/v1/overrides/tokyo", body: #"{"state": "drain", "reason": "x"}"#)
    func rewritten<Report: Codable>(_ type: Report.Type, _ text: String) throws -> String {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let report = try decoder.decode(type, from: Data(text.utf8))
      return String(decoding: try jsonText(report), as: UTF8.self)
    }
    let status = try await world.get("/v1/status").text
    #expect(try rewritten(StatusReport.self, status) == status)
    let regions = try await world.get("/v1/regions").text
    #expect(try rewritten(RegionList.self, regions) == regions && regions.contains("drain"))
    let events = try await world.ask(
      .get, "/v1/events", headers: [.accept: "application/json"]
    ).text
    #expect(try rewritten(EventList.self, events) == events && events.contains("override_set"))
  }
}

@Suite struct `The admin server on a socket` {
  @Test func `takes requests, closes nothing after an error and ends when it is told`() async throws
  {
    let world = try AdminWorld()
    let server = AdminServer(
      world.sources, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let application = server.application(at: .hostname("127.0.0.1", port: 0))
    try await application.test(.live) { client in
      for _ in 0..<2 {
        let status = try await client.executeRequest(
          uri: "/v1/status", method: .get, headers: [:], body: nil)
        #expect(status.status == .ok)
        #expect(status.headers[.server] == "azimuth")
        // The tag's answer has a length and no content: what follows is read right all the same.
        let kept = try await client.executeRequest(
          uri: "/v1/openapi.json", method: .get, headers: [.ifNoneMatch: "*"], body: nil)
        #expect(kept.status == .notModified && kept.body.readableBytes == 0)
        let refused = try await client.executeRequest(
          uri: "/v1/overrides/tokyo", method: .put, headers: [:],
          body: ByteBuffer(string: ChangeBody.long))
        #expect(refused.status == .unauthorized)
      }
    }
  }

  private enum ChangeBody {
    static let long = String(repeating: "x", count: 100_000)
  }
}
