import Latency
import Places
import Routing
import TestSupport
import Testing

private let munich = 2

extension World {
  /// With what some networks measured of some regions, ten samples each.
  fileprivate static func measured(
    _ samples: [(client: ClientAddress, region: String, milliseconds: Double)],
    between: [(String, String, Double)] = []
  ) -> World {
    var world = World()
    world.policy = .latency(everyRegion)
    var model = LatencyModel(
      sites: sites.map {
        LatencySite(
          name: $0.name, point: GeoPoint(latitude: $0.latitude, longitude: $0.longitude))
      })
    let places = world.model.places
    for sample in samples {
      let place = places.places[places.place(of: sample.client).place]
      model.add(
        milliseconds: sample.milliseconds, count: 10, from: LatencyClient(place),
        network: LatencyNetwork(of: sample.client), to: region(sample.region), now: 1000)
    }
    for (from, to, milliseconds) in between {
      model.setRoundTrip(milliseconds: milliseconds, from: region(from), to: region(to))
    }
    _ = model.publish(at: 1000)
    world.latency = model
    return world
  }
}

@Suite struct `The latency policy` {
  @Test func `is nearest first where nothing was measured`() {
    let routed = Routed(World.measured([]))
    #expect(routed.regions(atPlace: munich) == ["frankfurt"])
    #expect(routed.regions(atPlace: 3) == ["virginia"])
  }

  @Test func `sends a measured network to what is fastest for it, and no other`() {
    let client = World.client(atPlace: munich)
    let others = (8..<12).map {
      (client: World.client(atPlace: munich, host: $0 << 8), region: "frankfurt", milliseconds: 9.0)
    }
    let routed = Routed(
      World.measured(others + [(client, "frankfurt", 90), (client, "dublin", 25)]))
    #expect(routed.regions(atPlace: munich) == ["dublin"])
    #expect(routed.decision(client).scopeBits == 24)
    #expect(routed.regions(atPlace: munich, host: 0x2000) == ["frankfurt"])
    #expect(routed.regions(atPlace: 3) == ["virginia"])
  }

  @Test func `is explained with estimate, basis and confidence`() throws {
    let client = World.client(atPlace: munich)
    let routed = Routed(World.measured([(client, "frankfurt", 90), (client, "dublin", 25)]))
    let candidates = routed.explanation(client).candidates
    let dublin = try #require(candidates.first)
    #expect(dublin.region == World.region("dublin") && dublin.isChosen)
    #expect(dublin.latencyBasis == .network && dublin.latencyConfidence > 0.9)
    #expect(abs(try #require(dublin.roundTripMilliseconds) - 25) < 2)
    let tokyo = try #require(candidates.first { $0.region == World.region("tokyo") })
    #expect(tokyo.latencyBasis == .distance && tokyo.latencyConfidence == 0)
  }

  @Test func `never leaves a fence for a faster region`() {
    let client = World.client(atPlace: munich)
    var world = World.measured([(client, "frankfurt", 300), (client, "virginia", 10)])
    world.fences = [World.fence("gdpr", tag: "eu") { $0.isInEuropeanUnion = true }]
    let routed = Routed(world)
    #expect(routed.regions(atPlace: munich) == ["dublin"])
    #expect(
      Set(routed.explanation(client).candidates.prefix(2).map(\.region))
        == Set([World.region("dublin"), World.region("frankfurt")]))
  }

  @Test func `sends clients without a place to what they measured, or to the order for such`() {
    var world = World.measured([(World.client(atPlace: 0), "sydney", 20)])
    world.places[0] = Place()
    #expect(Routed(world).regions(atPlace: 0) == ["sydney"])
    #expect(Routed(World.measured([])).regions(atPlace: 0) == ["tokyo"])
  }

  @Test func `spreads the clients of a lost region by what it measured of the others`() {
    let board = World().board(["frankfurt": EndpointCondition(health: .unhealthy)])
    let near = Routed(World.measured([]), board: board)
    let far = Routed(
      World.measured([], between: [("frankfurt", "dublin", 400)]), board: board)
    #expect((0..<64).allSatisfy { near.regions(atPlace: munich, host: $0 << 10) == ["dublin"] })
    let shares = (0..<64).map { far.regions(atPlace: munich, host: UInt32($0) << 10) }
    #expect(!shares.contains(["dublin"]) && shares.contains(["virginia"]))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `gives all clients inside a scope the same answer`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var samples: [(client: ClientAddress, region: String, milliseconds: Double)] = []
    for _ in 0..<60 {
      let place = Int.random(in: 1..<7, using: &generator)
      let host = UInt32.random(in: 0..<0x1_0000, using: &generator) & 0x0FFF
      let site = World.sites.randomElement(using: &generator) ?? World.sites[0]
      samples.append(
        (
          World.client(atPlace: place, host: host), site.name,
          Double.random(in: 1...300, using: &generator)
        ))
    }
    let down = World.sites.randomElement(using: &generator)?.name ?? ""
    let world = World.measured(samples, between: [("frankfurt", "dublin", 90)])
    let routed = Routed(
      world, board: world.board([down: EndpointCondition(health: .unhealthy)]))
    for _ in 0..<500 {
      let bits = UInt32(10 << 24) | UInt32.random(in: 0..<0x8_0000, using: &generator) & 0x70FFF
      let decision = routed.decision(ClientAddress(ipv4: bits))
      let inside = UInt32.max >> UInt32(decision.scopeBits)
      for _ in 0..<20 {
        let other = bits & ~inside | UInt32.random(in: 0...inside, using: &generator)
        let sibling = routed.decision(ClientAddress(ipv4: other))
        #expect(sibling.outcome == decision.outcome, "seed \(seed): \(bits) and \(other)")
      }
    }
  }
}
