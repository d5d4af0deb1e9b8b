import Routing
import TestSupport
import Testing

/// The shares of zones, from the weights of their endpoints.
private func shares(_ weights: [Int], _ zones: [String?]) -> [String: Double] {
  let total = Double(weights.reduce(0, +))
  var shares: [String: Double] = [:]
  for (weight, zone) in zip(weights, zones) { shares[zone ?? "", default: 0] += Double(weight) }
  return shares.mapValues { ($0 / total * 1000).rounded() / 1000 }
}

@Suite struct `Sharing over availability zones` {
  struct Case: Sendable {
    var zones: [String?]
    var excess = 0.5
    /// The node's zone; nil: spread.
    var own: String?
    var shares: [String: Double]
  }

  static let cases: [Case] = [
    // Alike zones get the same, whichever way.
    Case(zones: ["a", "b", "c"], shares: ["a": 0.333, "b": 0.333, "c": 0.333]),
    // A small zone gets half as much again as its endpoints' part, and the others the rest.
    Case(zones: ["a", "b", "b", "b"], shares: ["a": 0.375, "b": 0.625]),
    Case(zones: ["a", "b", "b", "b"], excess: 0, shares: ["a": 0.25, "b": 0.75]),
    Case(zones: ["a", "b", "b", "b"], excess: 1, shares: ["a": 0.5, "b": 0.5]),
    Case(
      zones: ["a", "b", "b", "b", "c", "c", "c", "c"],
      shares: ["a": 0.188, "b": 0.406, "c": 0.406]),
    // Endpoints that name no zone count as one more.
    Case(zones: [nil, "a", "a"], excess: 1, shares: ["": 0.5, "a": 0.5]),
    // All in the node's zone while its endpoints bear it.
    Case(zones: ["a", "b", "c"], own: "b", shares: ["a": 0, "b": 1, "c": 0]),
    Case(zones: ["a", "b", "b", "b"], excess: 1, own: "a", shares: ["a": 1, "b": 0]),
    // Of ten endpoints one: a third of the connections would be 3.3 times its part; it takes 1.5.
    Case(
      zones: ["a", "b", "b", "b", "b", "c", "c", "c", "c", "c"], own: "a",
      shares: ["a": 0.45, "b": 0.157, "c": 0.393]),
    Case(zones: ["a", "b", "b", "b"], excess: 0, own: "a", shares: ["a": 0.5, "b": 0.5]),
    Case(zones: ["a", "b", "b", "b"], excess: 0, own: "b", shares: ["a": 0, "b": 1]),
    // A zone without usable endpoints is as good as none.
    Case(zones: ["a", "b", "b"], excess: 1, own: "z", shares: ["a": 0.5, "b": 0.5]),
  ]

  @Test(arguments: cases)
  func `gives each zone its share`(example: Case) {
    let sharing = ZoneSharing(
      preferred: example.own.map { ZoneSharing.Site(region: 0, zone: $0) },
      excess: example.excess)
    let weights = sharing.shared(
      weights: example.zones.map { _ in 100 }, zones: example.zones, region: 0)
    #expect(shares(weights, example.zones) == example.shares)
    #expect(weights.allSatisfy { $0 > 0 })
  }

  @Test func `leaves weights as they are where there is one zone, or none`() {
    for zones: [String?] in [[nil, nil, nil], ["a", "a", "a"], []] {
      let weights = Array([100, 700, 25].prefix(zones.count))
      #expect(ZoneSharing().shared(weights: weights, zones: zones, region: 0) == weights)
    }
  }

  @Test func `prefers nothing in a region that the node does not stand in`() {
    let sharing = ZoneSharing(preferred: ZoneSharing.Site(region: 1, zone: "a"))
    let zones = ["a", "b"]
    let here = sharing.shared(weights: [100, 100], zones: zones, region: 1)
    let there = sharing.shared(weights: [100, 100], zones: zones, region: 0)
    #expect(shares(here, zones) == ["a": 1, "b": 0])
    #expect(shares(there, zones) == ["a": 0.5, "b": 0.5])
  }

  @Test func `never gives an endpoint more than its fair part and the excess`() {
    for seed in 0..<2_000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let count = Int.random(in: 1...12, using: &generator)
      let names = ["a", "b", "c", "d", "e"].prefix(Int.random(in: 1...5, using: &generator))
      let zones: [String?] = (0..<count).map { _ in names.randomElement(using: &generator) }
      let weights = (0..<count).map { _ in 100 * Int.random(in: 1...20, using: &generator) }
      let excess = Double.random(in: 0...2, using: &generator)
      let spread = ZoneSharing(excess: excess).shared(weights: weights, zones: zones, region: 0)
      check(parts(spread), fair: parts(weights), excess: excess, "spread, seed \(seed)")
      // As many connections come to the nodes of each zone, and each goes by its own table.
      let used = Set(zones)
      var sum = weights.map { _ in 0.0 }
      for zone in used {
        let sharing = ZoneSharing(
          preferred: zone.map { ZoneSharing.Site(region: 0, zone: $0) }, excess: excess)
        let own = parts(sharing.shared(weights: weights, zones: zones, region: 0))
        for index in sum.indices { sum[index] += own[index] / Double(used.count) }
      }
      check(sum, fair: parts(weights), excess: excess, "prefer_same, seed \(seed)")
    }
  }

  private func parts(_ weights: [Int]) -> [Double] {
    let total = Double(weights.reduce(0, +))
    return weights.map { Double($0) / total }
  }

  private func check(
    _ parts: [Double], fair: [Double], excess: Double, _ comment: Comment
  ) {
    for (part, fair) in zip(parts, fair) {
      #expect(part <= fair * (1 + excess) + 0.0005, comment)
    }
  }
}
