import Foundation
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `When one of five regions fails under load` {
    static let five = ["tokyo", "singapore", "frankfurt", "dublin", "virginia"]
    static let lost = "frankfurt"

    /// What `/v1/regions` says, as far as this looks.
    private struct Regions: Decodable {
      struct Region: Decodable {
        var name: String
        var load: Double?
        var opening: Double
      }
      var regions: [Region]
    }

    @Test(.timeLimit(.minutes(3)))
    func `no neighbour is above its capacity, and shares are as predicted`() throws {
      let world = try World {
        Self.withCapacities(Dictionary(uniqueKeysWithValues: Self.five.map { ($0, 1e6) }), in: $0)
      }
      for region in World.names where !Self.five.contains(region) {
        #expect(try world.override(region, state: "drain").status / 100 == 2)
      }
      let loads = [try Self.dns(world), Self.proxy(world)]
      let before = try settledLoads(world)
      // The neighbours together have room for 1.6 times what will be lost, each for a part only.
      let capacities = before.mapValues { max(1, ($0 + 0.4 * (before[Self.lost] ?? 0)) / 0.9) }
      try world.rewrite(Self.withCapacities(capacities, in: world.configuration))
      #expect(try world.reload().status / 100 == 2)
      _ = try settledLoads(world)

      world.regions[Self.lost]?.stop()
      eventually("the loss is known") { try self.loads(world)[Self.lost] == 0 }
      let clock = ContinuousClock()
      let start = clock.now
      eventually("ten seconds of load") { clock.now - start > .seconds(10) }
      let predicted = try self.loads(world)
      let isAnyFull = try regions(world).contains { $0.opening < 1 }
      let end = clock.now
      let events = loads.flatMap { $0.stop() }.filter { $0.began >= start && $0.ended <= end }

      #expect(events.compactMap(\.failure).isEmpty)
      #expect(isAnyFull)
      let seconds = Double((end - start) / .seconds(1))
      let total = predicted.values.reduce(0, +)
      for region in Self.five {
        let count = Double(events.count { (try? $0.result.get()) == region })
        #expect(count / seconds <= capacities[region] ?? 0, "\(region)")
        let share = count / Double(events.count)
        let expected = (predicted[region] ?? 0) / total
        #expect(abs(share - expected) < 0.03, "\(region): \(share), predicted \(expected)")
      }
    }

    /// The demo's configuration with capacities.
    private static func withCapacities(
      _ capacities: [String: Double], in configuration: String
    ) -> String {
      configuration.replacing(#/(?m)^  (\w+): +\{(capacity: \{.*?\}, )?location/#) { match in
        guard let capacity = capacities[String(match.1)] else { return String(match.0) }
        return "  \(match.1): {capacity: {connections_per_second: \(capacity)}, location"
      }
    }

    private func regions(_ world: World) throws -> [Regions.Region] {
      try world.admin("GET", "/v1/regions").decoded(as: Regions.self).regions
    }

    /// New connections a second by region, of the five.
    private func loads(_ world: World) throws -> [String: Double] {
      let known = try regions(world).compactMap { region in
        region.load.map { (region.name, $0) }
      }
      return Dictionary(uniqueKeysWithValues: known.filter { Self.five.contains($0.0) })
    }

    /// The loads once they have been measured for some time.
    private func settledLoads(_ world: World) throws -> [String: Double] {
      let clock = ContinuousClock()
      eventually("loads") { try self.loads(world).values.reduce(0, +) > 20 }
      let start = clock.now
      eventually("ten seconds of them") { clock.now - start > .seconds(10) }
      return try loads(world)
    }

    /// A hundred and fifty queries a second at the most, of clients anywhere.
    private static func dns(_ world: World) throws -> Load {
      let client = Mutex(try DNSClient(port: world.ports.dns))
      let generator = Mutex(SeededGenerator(seed: 5))
      return Load { [unowned world] in
        usleep(6600)
        let octets = generator.withLock { generator in
          (0..<4).map { _ in Int.random(in: 1...223, using: &generator) }
        }
        guard octets[0] != 127 else { return "nobody" }
        let subnet = octets.map(String.init).joined(separator: ".")
        let reply = try client.withLock {
          try $0.ask(DNSQuestion("www.example.org", subnet: subnet))
        }
        return reply.addresses.first.flatMap { world.region(of: $0) } ?? "\(reply)"
      }
    }

    /// Forty connections a second at the most, of clients in London, Frankfurt, Tokyo, New York.
    private static func proxy(_ world: World) -> Load {
      let generator = Mutex(SeededGenerator(seed: 6))
      return Load { [unowned world] in
        usleep(25_000)
        let (place, host) = generator.withLock { generator in
          (
            [44, 49, 81, 1].randomElement(using: &generator) ?? 44,
            Int.random(in: 1...254, using: &generator)
          )
        }
        return try world.proxyRegion(from: "127.\(place).\(host).1")
      }
    }
  }
}
