import Foundation
import Testing

extension EndToEndWaiting {
  /// Capacities that are not declared in connections a second.
  @Suite struct `A region that is full by its own measure` {
    /// What `/v1/regions` says, as far as this looks.
    private struct Regions: Decodable {
      struct Region: Decodable {
        var name: String
        var limit: Double?
        var openConnections: Int?
        var reportedLoad: Double?
        var opening: Double
      }
      var regions: [Region]
    }

    private func tokyo(_ world: World) throws -> Regions.Region {
      let regions = try world.admin("GET", "/v1/regions").decoded(as: Regions.self).regions
      return try #require(regions.first { $0.name == "tokyo" })
    }

    /// The demo in which Tokyo declares a capacity.
    private func world(capacity: String) throws -> World {
      try World { configuration in
        configuration.replacing(#/(?m)^  tokyo: +\{location/#) { _ in
          "  tokyo: {capacity: {\(capacity)}, location"
        }
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `sends clients elsewhere by the load that it reports, and takes them back`() throws {
      let report = try LagServer(port: Ports.free())
      report.seconds = "100\n"
      let url = "http://127.0.0.1:\(report.port)/load"
      let world = try world(
        capacity: "reported_load: {url: \"\(url)\", full: 50, interval: 1s}, spill_at: 50%")
      let load = try Load.dns(world, subnet: Self.subnet(0))
      eventually("the report") { try self.tokyo(world).reportedLoad == 2 }
      eventually("the closing") { try self.tokyo(world).opening < 0.5 }
      let regions = try (0..<16).map { try world.dnsRegion(of: Self.subnet($0)) }
      #expect(regions.contains { $0 != "tokyo" })
      let metrics = try HTTPConnection(port: world.ports.admin).request("GET", "/metrics").text
      #expect(metrics.contains("azimuth_region_reported_load{region=\"tokyo\"} 2\n"))
      #expect(metrics.contains("azimuth_region_limit_connections_per_second{region=\"tokyo\"}"))

      report.seconds = "1\n"
      eventually("the return", within: .seconds(90)) { try self.tokyo(world).opening == 1 }
      let events = load.stop()
      #expect(events.compactMap(\.failure).isEmpty)
    }

    /// Of Tokyo; each draws its own slot.
    private static func subnet(_ index: Int) -> String { "133.11.\(index * 16).1" }

    @Test(.timeLimit(.minutes(1)))
    func `may report its load as the line of an agent`() throws {
      let port = Ports.free()
      let agent = try Socket.listening(on: "127.0.0.1", port: port)
      Thread.detachNewThread {
        while let connection = agent.accept() { try? connection.send(Array("42\r\nmore".utf8)) }
      }
      defer { agent.interrupt() }
      let world = try world(
        capacity: "reported_load: {url: \"tcp://127.0.0.1:\(port)\", interval: 1s}")
      eventually("the report") { try self.tokyo(world).reportedLoad == 0.42 }
    }

    @Test(.timeLimit(.minutes(3)))
    func `sends connections elsewhere while too many are open`() throws {
      let world = try world(capacity: "open_connections: 20")
      var connections: [HTTPConnection] = []
      eventually("the closing") {
        let connection = try HTTPConnection(port: world.ports.proxy, from: "127.81.0.1")
        _ = try connection.request("GET", "/")
        connections.append(connection)
        return try self.tokyo(world).opening < 1
      }
      #expect(try tokyo(world).openConnections ?? 0 > 0)
      connections = []
      eventually("the return", within: .seconds(90)) { try self.tokyo(world).opening == 1 }
    }
  }
}
