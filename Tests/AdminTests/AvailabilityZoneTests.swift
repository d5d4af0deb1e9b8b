import Admin
import Editions
import HTTPTypes
import Places
import Publishing
import Testing

extension AdminWorld {
  /// Tokyo with two availability zones; the other regions name none.
  fileprivate static func withZones() throws -> AdminWorld {
    try AdminWorld(
      configuration: configuration.replacing(
        #"tokyo: [127.0.10.1:8080, 127.0.10.2:8080, "[2001:db8:ff::1]:8080"]"#,
        with: """
          tokyo:
                - {address: 127.0.10.1:8080, zone: apple}
                - {address: 127.0.10.2:8080, zone: birch}
                - {address: 127.0.10.9:8080, zone: birch}
          """))
  }
}

@Suite struct `Availability zones over the admin API` {
  @Test func `are shown with endpoints, regions and routes`() async throws {
    let world = try AdminWorld.withZones()
    await world.heal()
    let endpoints = try await world.get("/v1/endpoints").json["endpoints"]
    #expect(
      endpoints.item("address", "127.0.10.1:8080")["availability_zone"].string == "apple")
    #expect(endpoints.item("address", "127.0.10.3:8080")["availability_zone"] == .null)
    let tokyo = try await world.get("/v1/regions").json["regions"].item("name", "tokyo")
    #expect(tokyo["availability_zones"][1]["zone"].string == "birch")
    #expect(tokyo["availability_zones"][1]["endpoints"].number == 2)
    #expect(tokyo["availability_zones"][1]["healthy_endpoints"].number == 2)
    let name = try await world.get("/v1/route?ip=10.1.1.1&name=www.example.org").json["outcome"]
    #expect(name["addresses"][1].string == "127.0.10.2")
    #expect(name["endpoints"][1]["id"].string == "tokyo/web/127.0.10.2:8080")
    #expect(name["endpoints"][1]["availability_zone"].string == "birch")
    let front = try await world.get("/v1/route?ip=10.1.1.1&listener=front").json["outcome"]
    #expect(front["endpoints"][0]["availability_zone"].string == "apple")
    #expect(front["endpoints"][0]["share"].number == 0.5)
    let other = try await world.get("/v1/route?ip=10.2.1.1&listener=front").json["outcome"]
    #expect(other["endpoints"] == .null)
  }

  @Test func `are named by an explanation for people`() async throws {
    let world = try AdminWorld.withZones()
    await world.heal()
    let report = RouteReport(
      edition: world.publisher.desk.take(), address: try #require(IPAddress("10.1.1.1")),
      service: 0, question: .listener("front"))
    #expect(
      report?.text.contains(
        "endpoint    tokyo/web/127.0.10.9:8080 in availability zone birch, 25.0 % of the region")
        == true)
  }

  @Test func `are drained by an override, and the region stays up`() async throws {
    let world = try AdminWorld.withZones()
    await world.heal()
    let body = #"{"state": "drain", "reason": "power"}"#
    let put = try await world.change(.put, "/v1/overrides/tokyo/@birch", body: body)
    #expect(put.status == 201 && put.json["target"].string == "tokyo/@birch")
    #expect(try await world.get("/v1/overrides/tokyo/%40birch").json == put.json)
    let tokyo = try await world.get("/v1/regions").json["regions"].item("name", "tokyo")
    #expect(tokyo["override"].string == "auto")
    #expect(tokyo["pools"][0]["health"].string == "healthy")
    #expect(tokyo["availability_zones"][1]["override"].string == "drain")
    #expect(tokyo["availability_zones"][1]["healthy_endpoints"].number == 0)
    let route = try await world.get("/v1/route?ip=10.1.1.1&name=www.example.org").json["outcome"]
    #expect(route["regions"] == .array([.string("tokyo")]))
    #expect(route["addresses"] == .array([.string("127.0.10.1")]))
    #expect(try await world.change(.delete, "/v1/overrides/tokyo/@birch").status == 204)
  }

  @Test func `have no dial, and an unknown one is refused with the name that is near`()
    async throws
  {
    let world = try AdminWorld.withZones()
    let dial = try await world.change(
      .put, "/v1/overrides/tokyo/@birch", body: #"{"dial": "30%", "reason": "x"}"#)
    #expect(dial.status == 422)
    let unknown = try await world.change(
      .put, "/v1/overrides/tokyo/@brich", body: #"{"state": "down", "reason": "x"}"#)
    #expect(unknown.status == 404)
    #expect(
      unknown.json["detail"].string
        == "there is no region, availability zone, pool or endpoint tokyo/@brich; "
        + "did you mean tokyo/@birch?")
  }
}
