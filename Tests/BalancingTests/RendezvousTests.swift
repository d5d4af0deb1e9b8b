import Balancing
import Places
import Testing

@Suite struct `Rendezvous hashing` {
  private func key(_ client: Int) -> UInt64 {
    Rendezvous.key(ClientAddress(ipv4: 0x0A00_0000 + UInt32(client)), bitsIPv4: 32, bitsIPv6: 64)
  }

  /// What each of so many clients gets.
  private func choices(_ world: inout BalancingWorld, usable: Set<Int>? = nil) -> [Int?] {
    (0..<100_000).map { world.choose(key: key($0), usable: usable) }
  }

  @Test(arguments: 2...10)
  func `moves the clients of a removed endpoint and no others`(count: Int) {
    var world = BalancingWorld(.hash, weights: Array(repeating: 1, count: count))
    world.rules.boundedLoad = nil
    let before = choices(&world)
    for removed in 0..<count {
      let after = choices(&world, usable: Set(0..<count).subtracting([removed]))
      let moved = zip(before, after).count { $0 != $1 }
      #expect(zip(before, after).allSatisfy { $0 == removed || $0 == $1 })
      #expect(Double(moved) / 100_000 <= 1 / Double(count) + 0.01, "\(removed) of \(count)")
    }
  }

  @Test func `goes by weight`() {
    var world = BalancingWorld(.hash, weights: [3, 1])
    let share = Double(choices(&world).count { $0 == 0 }) / 100_000
    #expect(abs(share - 0.75) < 0.01, "\(share)")
  }

  @Test func `does not ask how its endpoints are numbered`() {
    var world = BalancingWorld(.hash, weights: [1, 1, 1])
    let before = choices(&world).map { $0.map { 2 - $0 } }
    world.endpoints.reverse()
    #expect(choices(&world) == before)
  }

  @Test(arguments: [
    ("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.2.3", 1), ("198.51.100.7", 2),
    ("2001:db8::1", 0), ("2001:db8:0:1::1", 2), ("203.0.113.250", 2),
  ])
  func `is the same on every node`(client: String, endpoint: Int) throws {
    var world = BalancingWorld(.hash, weights: [1, 1, 2], prefix: "eu/web/192.0.2.1:808")
    let address = try #require(IPAddress(client))
    #expect(
      world.choose(key: Rendezvous.key(address.client, bitsIPv4: 32, bitsIPv6: 64)) == endpoint)
  }

  @Test func `has golden keys and identities`() throws {
    #expect(Rendezvous.identity("eu/web/192.0.2.1:80") == 14_942_647_382_060_479_313)
    #expect(
      Rendezvous.key(ClientAddress(ipv4: 0xC000_0201), bitsIPv4: 32, bitsIPv6: 64)
        == 13_500_988_277_599_147_618)
    let address = try #require(IPAddress("2001:db8::1"))
    #expect(
      Rendezvous.key(address.client, bitsIPv4: 32, bitsIPv6: 64) == 17_440_798_145_825_158_498)
    #expect(Rendezvous.cost(key: 1, identity: 2, weight: 3) == 0.7254633509043976)
  }

  @Test func `takes addresses of one prefix for one client`() throws {
    func key(_ text: String, _ bits: Int) throws -> UInt64 {
      Rendezvous.key(try #require(IPAddress(text)).client, bitsIPv4: bits, bitsIPv6: bits)
    }
    #expect(try key("192.0.2.1", 24) == key("192.0.2.255", 24))
    #expect(try key("192.0.2.1", 24) != key("192.0.3.1", 24))
    #expect(try key("192.0.2.1", 0) == key("1.1.1.1", 0))
    #expect(try key("2001:db8::1", 64) == key("2001:db8::2", 64))
    #expect(try key("2001:db8::1", 128) != key("2001:db8::2", 128))
    #expect(try key("2001:db8::1", 0) == key("::", 0))
    #expect(try key("2001:db8::1", 0) != key("1.1.1.1", 0))
  }
}
