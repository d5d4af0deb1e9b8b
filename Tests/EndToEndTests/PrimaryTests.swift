import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// One region for everyone, and another when it fails.
  @Suite struct `An active-passive service` {
    /// What `/v1/route` and `/v1/primaries` say, as far as this looks.
    private struct Primary: Decodable, Equatable {
      var region: String
      var epoch: Int
      var state: String
    }
    private struct Route: Decodable { var primary: Primary }
    private struct Primaries: Decodable { var primaries: [Primary] }

    /// The demo with a ledger that is written in one region, on DNS and on the proxy.
    private static func configuration(_ text: String, more: String, state: URL) -> String {
      text
        .replacing(
          "policies:\n",
          with: """
            state: \(state.path)

            policies:
              ledger: {type: primary, order: [frankfurt, dublin, virginia], fail_hold: 1s\(more)}

            """
        )
        .replacing("services:\n", with: "services:\n  ledger: {policy: ledger, pool: web}\n")
        .replacing("      www: web\n", with: "      www: web\n      ledger: ledger\n")
        .replacing(", service: web}", with: ", service: ledger}")
    }

    @Test(.timeLimit(.minutes(3)))
    func `fails over under load, stays there, comes back when told, and outlives a restart`()
      throws
    {
      let state = try temporaryFolder()
      let world = try World { Self.configuration($0, more: "", state: state) }
      let first = try primary(world)
      #expect(first.region == "frankfurt" && first.state == "primary")
      #expect(try text(world) == "region=frankfurt epoch=\(first.epoch)")
      let load = Load.proxy(world, from: "127.81.0.1")
      eventually("load") { load.count > 50 }

      world.regions["frankfurt"]?.stop()
      eventually("the standby") { try self.region(world) == "dublin" }
      let second = Primary(region: "dublin", epoch: first.epoch + 1, state: "failed_over")
      #expect(try primary(world) == second)
      #expect(try text(world) == "region=dublin epoch=\(first.epoch + 1)")
      let events = try HTTPConnection(port: world.ports.admin).request(
        "GET", "/v1/events", headers: ["Accept": "application/json"]
      ).text
      #expect(events.contains("primary_changed") && events.contains("epoch \(second.epoch)"))
      // Both planes, wherever the client is.
      #expect(try world.proxyRegion(from: "127.1.0.1") == "dublin")
      #expect(try world.dnsRegion(of: "133.11.0.1", name: "ledger.example.org") == "dublin")

      try world.regions["frankfurt"]?.start()
      eventually("the recovery") { try self.primary(world).state == "awaiting_failback" }
      let count = load.count
      eventually("more load") { load.count > count + 50 }
      let connections = load.stop()
      // From one to the other once: whoever it is that serves, nobody else does.
      let regions = connections.compactMap { try? $0.result.get() }
      #expect(Set(regions) == ["frankfurt", "dublin"])
      let last = regions.lastIndex(of: "frankfurt") ?? .max
      #expect(last < regions.firstIndex(of: "dublin") ?? 0)

      world.process.signal(SIGTERM)
      eventually("the end") { !world.process.isRunning }
      let again = try RunningProcess(Program.path, ["serve", world.file.path])
      eventually("the restart") { world.isReady }
      #expect(try primary(world).epoch == second.epoch)
      #expect(try region(world) == "dublin")
      let refused = try change(world, "promote", #"{"region": "dublin"}"#)
      #expect(refused.status == 409)
      #expect(refused.headers["content-type"]?.hasPrefix("application/problem+json") == true)
      eventually("fail-back") { try self.change(world, "failback", "").status == 200 }
      #expect(try region(world) == "frankfurt")
      #expect(try text(world) == "region=frankfurt epoch=\(first.epoch + 2)")
      #expect(again.isRunning)
    }

    @Test(.timeLimit(.minutes(2)))
    func `parts clients from a demoted database within a second, where its pool wants that`()
      throws
    {
      let state = try temporaryFolder()
      let world = try World {
        let text = Self.configuration($0, more: "", state: state)
        // A pool of its own: another service of it may use the region still.
        let pool = text.firstMatch(
          of: #/\n  web:\n    monitor: web\n    endpoints:\n(?: {6}.*\n)+/#)
        // In quotes, so that one server is started for both pools.
        let own = String(pool?.output ?? "")
          .replacing(
            "\n  web:\n", with: "\n  ledger:\n    open_connections: {on_demotion: close}\n"
          )
          .replacing("[", with: "[\"").replacing("]", with: "\"]")
        return text.replacing("pools:\n", with: "pools:\(own)")
          .replacing("{policy: ledger, pool: web}", with: "{policy: ledger, pool: ledger}")
      }
      eventually("the primary answers") {
        try world.proxyRegion(from: "127.81.0.1") == "frankfurt"
      }
      let clients = try (0..<20).map { _ in try HTTPConnection(port: world.ports.proxy) }
      for client in clients {
        #expect(world.named(in: try client.request("GET", "/").text) == "frankfurt")
      }
      // Nothing is wrong with the old primary: it would take writes until its clients are gone.
      #expect(try change(world, "promote", #"{"region": "dublin"}"#).status == 200)
      let start = ContinuousClock.now
      eventually("all of them are closed") {
        try world.admin("GET", "/metrics").text.split(separator: "\n").contains {
          $0.hasPrefix("azimuth_proxy_closed_total{") && $0.contains("endpoint_demoted")
            && $0.hasSuffix(" 20")
        }
      }
      #expect(ContinuousClock.now - start < .seconds(1))
      for client in clients { #expect((try? client.request("GET", "/")) == nil) }
      #expect(try world.proxyRegion(from: "127.81.0.1") == "dublin")
    }

    @Test(.timeLimit(.minutes(2)))
    func `waits for an operator where its standby is too far behind`() throws {
      let state = try temporaryFolder()
      let lag = try LagServer(port: Ports.free())
      let urls = ["frankfurt", "dublin", "virginia"].map {
        "\($0): \"http://127.0.0.1:\(lag.port)/lag\""
      }
      let more =
        ", lag: {rpo: 10s, interval: 1s, timeout: 1s, urls: {\(urls.joined(separator: ", "))}}"
      let world = try World { Self.configuration($0, more: more, state: state) }
      lag.seconds = "40.5\n"
      eventually("lags are asked for") { lag.count > 5 }
      world.regions["frankfurt"]?.stop()
      eventually("it waits") { try self.primary(world).state == "awaiting_operator" }
      let epoch = try primary(world).epoch
      let refused = try change(world, "promote", #"{"region": "dublin"}"#)
      #expect(refused.status == 409 && refused.text.contains("40.5 s behind"), "\(refused.text)")
      let accepted = try change(
        world, "promote", #"{"region": "dublin", "accept_data_loss": "41s"}"#)
      #expect(accepted.status == 200, "\(accepted.text)")
      #expect(try region(world) == "dublin")
      #expect(try text(world) == "region=dublin epoch=\(epoch + 1)")
      #expect(world.process.all.contains("accepted_loss=41s"), "the audit line")
    }

    /// For a client in Tokyo, whom it does not matter.
    private func region(_ world: World) throws -> String? {
      try world.dnsRegion(of: "133.11.0.1", name: "ledger.example.org")
    }

    private func primary(_ world: World) throws -> Primary {
      let route = try world.admin("GET", "/v1/route?ip=133.11.0.1&name=ledger.example.org")
        .decoded(as: Route.self).primary
      let list = try world.admin("GET", "/v1/primaries").decoded(as: Primaries.self).primaries
      #expect(list.count == 1 && list.first?.epoch == route.epoch)
      return route
    }

    private func text(_ world: World) throws -> String {
      try Program.shell(
        "dig @127.0.0.1 -p \(world.ports.dns) _primary.ledger.example.org TXT +short"
      ).output.split(separator: "\n").first.map { String($0.filter { $0 != "\"" }) } ?? ""
    }

    private func change(
      _ world: World, _ verb: String, _ body: String
    ) throws -> HTTPConnection.Response {
      try world.admin("POST", "/v1/primaries/ledger/\(verb)", body: body, token: World.token)
    }
  }
}
