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

    /// What `azimuth simulate` says, as far as this looks.
    private struct Prediction: Decodable {
      struct Region: Decodable {
        var name: String
        var shareAfter: Double
      }
      struct Service: Decodable { var regions: [Region] }
      struct Capacity: Decodable {
        var region: String
        var loadAfter: Double
        var openingAfter: Double
      }
      var services: [Service]
      var capacities: [Capacity]
    }

    @Test(.timeLimit(.minutes(3)))
    func `no neighbour is above its capacity, and shares are as azimuth simulate predicts`() throws
    {
      let world = try World {
        Self.withCapacities(Dictionary(uniqueKeysWithValues: Self.five.map { ($0, 1e6) }), in: $0)
      }
      for region in World.names where !Self.five.contains(region) {
        #expect(try world.override(region, state: "drain").status / 100 == 2)
      }
      let (dns, proxy) = (try Self.dns(world), Self.proxy(world))
      let before = try settledLoads(world)
      // The neighbours together have room for 1.6 times what will be lost, each for a part only.
      let capacities = before.mapValues { max(1, ($0 + 0.4 * (before[Self.lost] ?? 0)) / 0.9) }
      try world.rewrite(Self.withCapacities(capacities, in: world.configuration))
      #expect(try world.reload().status / 100 == 2)
      let load = try settledLoads(world).values.reduce(0, +)
      let predicted = try prediction(world, load: load, weights: (dns.count, proxy.count))

      world.regions[Self.lost]?.stop()
      eventually("the loss is known") { try self.loads(world)[Self.lost] == 0 }
      let clock = ContinuousClock()
      let start = clock.now
      eventually("ten seconds of load") { clock.now - start > .seconds(10) }
      let reckoned = try self.loads(world)
      let isAnyFull = try regions(world).contains { $0.opening < 1 }
      let end = clock.now
      let events = [dns, proxy].flatMap { $0.stop() }.filter {
        $0.began >= start && $0.ended <= end
      }

      #expect(events.compactMap(\.failure).isEmpty)
      #expect(isAnyFull && predicted.capacities.contains { $0.openingAfter < 1 })
      let seconds = Double((end - start) / .seconds(1))
      let total = reckoned.values.reduce(0, +)
      for region in Self.five {
        let count = Double(events.count { (try? $0.result.get()) == region })
        let capacity = capacities[region] ?? 0
        #expect(count / seconds <= capacity, "\(region)")
        let capacityAfter = predicted.capacities.first { $0.region == region }
        #expect(capacityAfter.map { $0.loadAfter <= capacity } == true, "\(region)")
        let share = count / Double(events.count)
        let foretold = predicted.services[0].regions.first { $0.name == region }?.shareAfter ?? -1
        #expect(abs(share - foretold) < 0.03, "\(region): \(share), predicted \(foretold)")
        let expected = (reckoned[region] ?? 0) / total
        #expect(abs(share - expected) < 0.03, "\(region): \(share), reckoned \(expected)")
      }
    }

    /// Of the program, asked on the command line with the world's configuration and clients.
    ///
    /// - Parameter weights: how many queries and how many connections there were so far.
    private func prediction(
      _ world: World, load: Double, weights: (dns: Int, proxy: Int)
    ) throws -> Prediction {
      let clients = [(Self.askers, weights.dns), (Self.connectors, weights.proxy)].flatMap {
        addresses, weight in
        addresses.map { "\($0),\(Double(weight) / Double(addresses.count))" }
      }
      let log = world.file.deletingLastPathComponent().appending(path: "clients.csv")
      try clients.joined(separator: "\n").write(to: log, atomically: true, encoding: .utf8)
      let drained = World.names.filter { !Self.five.contains($0) }.joined(separator: ",")
      let finished = try Program.run([
        "simulate", world.file.path, "--down", Self.lost, "--drain", drained, "--service", "web",
        "--log", log.path, "--load", "\(load)", "--output", "json",
      ])
      try #require(finished.status == 0, "\(finished.all)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Prediction.self, from: Data(finished.output.utf8))
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

    /// Clients anywhere, for whom resolvers ask.
    private static let askers: [String] = {
      var generator = SeededGenerator(seed: 5)
      return (0..<500).map { _ in
        var octets = (0..<4).map { _ in Int.random(in: 1...223, using: &generator) }
        if octets[0] == 127 { octets[0] = 128 }
        return octets.map(String.init).joined(separator: ".")
      }
    }()

    /// Clients in London, Frankfurt, Tokyo and New York.
    private static let connectors = (0..<100).map { "127.\([44, 49, 81, 1][$0 % 4]).\($0 + 1).1" }

    /// A hundred and fifty queries a second at the most, of one client after the other.
    private static func dns(_ world: World) throws -> Load {
      let client = Mutex(try DNSClient(port: world.ports.dns))
      let turn = Mutex(0)
      return Load { [unowned world] in
        usleep(6600)
        let subnet = askers[turn.takeTurn() % askers.count]
        let reply = try client.withLock {
          try $0.ask(DNSQuestion("www.example.org", subnet: subnet))
        }
        return reply.addresses.first.flatMap { world.region(of: $0) } ?? "\(reply)"
      }
    }

    /// Forty connections a second at the most, of one client after the other.
    private static func proxy(_ world: World) -> Load {
      let turn = Mutex(0)
      return Load { [unowned world] in
        usleep(25_000)
        return try world.proxyRegion(from: connectors[turn.takeTurn() % connectors.count])
      }
    }
  }
}

extension Mutex where Value == Int {
  /// 0, 1, 2…
  fileprivate func takeTurn() -> Int {
    withLock {
      $0 += 1
      return $0 - 1
    }
  }
}
