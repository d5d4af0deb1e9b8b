import Places
import Routing
import TestSupport
import Testing

@Suite struct `All clients in the scope get the same` {
  @Test func `for random policies, fences and health`() {
    var generator = SeededGenerator(seed: 7871)
    for round in 0..<1500 {
      let world = World.random(using: &generator)
      let routed = Routed(world, board: world.randomBoard(using: &generator))
      for _ in 0..<20 {
        let address = UInt32(10 << 24) | .random(in: 0..<8 << 16, using: &generator)
        let own = routed.decision(ClientAddress(ipv4: address))
        let size = own.scopeBits == 32 ? 0 : ~UInt32(0) >> UInt32(own.scopeBits)
        let neighbour = (address & ~size) | .random(in: 0...size, using: &generator)
        let other = routed.decision(ClientAddress(ipv4: neighbour))
        #expect(
          own.outcome == other.outcome && own.scopeBits == other.scopeBits,
          "round \(round) of seed 7871: \(IPAddress.ipv4(address)) and \(IPAddress.ipv4(neighbour))"
        )
      }
    }
  }

  @Test func `a folded address gets what the IPv4 address inside gets, in its own scope`() {
    let routed = Routed(World())
    let inside = UInt128(10 << 24 | 1 << 16 | 9)
    let plain = routed.decision(ClientAddress(ipv4: UInt32(inside)))
    let forms: [(UInt128, UInt8)] = [
      (0xFFFF << 32 | inside, 96), (0x64_FF9B << 96 | inside, 96),
      (0x2002 << 112 | inside << 80, 16),
      (0x2001_0000 << 96 | (~inside & 0xFFFF_FFFF), 96),
    ]
    for (bits, offset) in forms {
      let folded = routed.decision(ClientAddress(ipv6: bits))
      #expect(folded.outcome == plain.outcome)
      #expect(folded.scopeBits == plain.scopeBits + offset)
    }
  }
}

@Suite struct `An explanation tells what is served` {
  @Test func `for random policies, fences and health`() {
    var generator = SeededGenerator(seed: 99)
    for round in 0..<1000 {
      var world = World()
      world.policy = randomPolicy(depth: 3, using: &generator)
      world.fences = [World.fence("eu-data", tag: "eu") { $0.isInEuropeanUnion = true }]
      var conditions: [String: EndpointCondition] = [:]
      for site in World.sites { conditions[site.name] = randomCondition(using: &generator) }
      let routed = Routed(world, board: world.board(conditions))
      let client = World.client(atPlace: .random(in: 0..<7, using: &generator), host: 77)
      let explanation = routed.explanation(client)
      #expect(explanation.outcome == routed.outcome(client), "round \(round) of seed 99")
      let chosen = explanation.candidates.filter(\.isChosen).map(\.region)
      #expect(Set(chosen) == Set(explanation.outcome.regions), "round \(round) of seed 99")
    }
  }

  @Test func `it names the fence that keeps a region out`() {
    var world = World()
    world.fences = [World.fence("eu-data", tag: "eu") { $0.isInEuropeanUnion = true }]
    let explanation = Routed(world).explanation(World.client(atPlace: 2))
    let outside = explanation.candidates.filter { $0.reason == "outside fence eu-data" }
    #expect(outside.map { World.sites[$0.region].name }.contains("tokyo"))
    #expect(explanation.candidates.first?.isChosen == true)
  }
}
