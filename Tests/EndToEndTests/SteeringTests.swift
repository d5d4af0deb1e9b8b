import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// One decision, whoever asks.
  @Suite struct `Steering` {
    static let seed: UInt64 = 0xA21

    /// States of health, as words of an operator: they change at once.
    static let states: [[String: String]] = [
      [:], ["tokyo": "down"], ["frankfurt": "drain", "dublin": "down", "virginia": "down"],
    ]

    @Test func `DNS, the API, explain and the proxy agree on 10,000 addresses in every state`()
      throws
    {
      let world = try World()
      for state in Self.states {
        for (region, word) in state {
          #expect(try world.override(region, state: word).status / 100 == 2)
        }
        try agreeOnTheWorld(world, "seed \(Self.seed), state \(state)")
        try agreeOnLoopback(world, "seed \(Self.seed), state \(state)")
        for region in state.keys {
          let path = "/v1/overrides/\(region)"
          #expect(try world.admin("DELETE", path, token: World.token).status / 100 == 2)
        }
      }
    }

    /// Clients anywhere, told by client subnet.
    private func agreeOnTheWorld(_ world: World, _ when: String) throws {
      var generator = SeededGenerator(seed: Self.seed)
      let client = try DNSClient(port: world.ports.dns)
      let admin = try HTTPConnection(port: world.ports.admin)
      for index in 0..<10_000 {
        let octets = (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
        // A resolver that tells a loopback or unspecified network tells nothing.
        guard ![0, 127].contains(octets[0]) else { continue }
        let address = octets.map(String.init).joined(separator: ".")
        let reply = try client.ask(DNSQuestion("www.example.org", subnet: address))
        let route = try world.route(address, on: admin)
        let listener = try world.route(address, listener: "web", on: admin)
        try #require(reply.addresses == route.outcome.addresses, "\(address), \(when)")
        try #require(listener.outcome.regions == route.outcome.regions, "\(address), \(when)")
        try #require(reply.scope == UInt8(route.scope), "\(address), \(when)")
        guard index % 1000 == 0 else { continue }
        let explained = try Program.run([
          "explain", address, "www.example.org", "--output", "json",
          "--admin", "http://127.0.0.1:\(world.ports.admin)",
        ])
        #expect(try explained.route().outcome == route.outcome, "\(address), \(when)")
      }
    }

    /// Clients that can connect as well: loopback addresses that stand for places.
    private func agreeOnLoopback(_ world: World, _ when: String) throws {
      var generator = SeededGenerator(seed: Self.seed)
      let places = try String(
        contentsOfFile: "\(Program.root)/config/demo-places.txt", encoding: .utf8
      ).matches(of: #/(?m)^127\.(\d+)\.0\.0/16/#).map { String($0.1) }
      let admin = try HTTPConnection(port: world.ports.admin)
      for _ in 0..<500 {
        let place = try #require(places.randomElement(using: &generator))
        let host = (0..<2).map { _ in "\(Int.random(in: 1...254, using: &generator))" }
        let address = "127.\(place).\(host.joined(separator: "."))"
        let route = try world.route(address, listener: "web", on: admin)
        let proxied = try world.proxyRegion(from: address)
        try #require(route.outcome.regions == [proxied], "\(address), \(when)")
        try #require(try world.dnsRegion(from: address) == proxied, "\(address), \(when)")
      }
    }

    @Test func `explain offline says what the running instance says`() throws {
      let world = try World()
      for address in ["133.11.0.1", "200.144.248.41", "141.2.0.1", "2001:200::1", "127.41.0.1"] {
        let offline = try Program.run([
          "explain", address, "www.example.org", "--config", world.file.path, "--output", "json",
        ])
        #expect(try offline.route().outcome.regions == world.route(address).outcome.regions)
      }
    }

    @Test func `every address inside a scope gets the same answer`() throws {
      let world = try World()
      let client = try DNSClient(port: world.ports.dns)
      var generator = SeededGenerator(seed: Self.seed)
      for _ in 0..<500 {
        let address = UInt32.random(in: 0x0100_0000...0xDFFF_FFFF, using: &generator)
        guard address >> 24 != 127 else { continue }
        let first = try client.ask(DNSQuestion("www.example.org", subnet: address.dotted))
        let scope = try #require(first.scope)
        let inside: UInt32 = scope == 0 ? .max : scope >= 32 ? 0 : .max >> UInt32(scope)
        for _ in 0..<8 {
          let other =
            address & ~inside | UInt32.random(in: 0...UInt32.max, using: &generator) & inside
          let reply = try client.ask(DNSQuestion("www.example.org", subnet: other.dotted))
          #expect(
            reply.addresses == first.addresses,
            "\(other.dotted) in \(address.dotted)/\(scope), seed \(Self.seed)")
        }
      }
    }

    @Test func `a fence is never left, whatever fails`() throws {
      let world = try World()
      let german = "141.2.0.1"
      let inside = ["frankfurt", "dublin"]
      for region in inside {
        let found = try #require(try world.dnsRegion(of: german, name: "eu.example.org"))
        #expect(inside.contains(found))
        #expect(try world.override(region, state: "down").status / 100 == 2)
      }
      let reply = try world.ask(DNSQuestion("eu.example.org", subnet: german))
      #expect(reply.addresses.isEmpty)
      // Others are not held by it.
      #expect(try world.dnsRegion(of: "133.11.0.1", name: "eu.example.org") == "tokyo")
    }

    @Test func `an override of the configuration goes before the nearest region`() throws {
      let world = try World()
      #expect(try world.dnsRegion(of: "192.0.2.7") == "tokyo")
    }
  }
}

extension Program.Finished {
  /// What `explain --output json` printed.
  func route() throws -> RouteAnswer {
    try HTTPConnection.Response(status: 200, headers: [:], body: Array(output.utf8))
      .decoded(as: RouteAnswer.self)
  }
}

extension UInt32 {
  fileprivate var dotted: String {
    [24, 16, 8, 0].map { String(self >> $0 & 0xFF) }.joined(separator: ".")
  }
}
