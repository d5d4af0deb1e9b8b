import Latency
import Places
import TestSupport
import Testing

@Suite struct `An estimate rests on the narrowest knowledge` {
  @Test func `the distance where nothing was measured`() throws {
    let model = LatencyModel(sites: LatencyWorld.sites)
    let estimate = try #require(model.estimate())
    #expect(estimate.basis == .distance && estimate.confidence == 0)
    #expect(estimate.milliseconds == model.prior(from: LatencyWorld.munich, to: 0))
  }

  @Test func `its country, then its ASN, then its own network`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    for network in 10..<40 { model.add(60, network: network, from: LatencyWorld.berlin) }
    let country = try #require(model.estimate())
    #expect(country.basis == .country && (40...60).contains(country.milliseconds))
    for network in 50..<80 { model.add(90, network: network) }
    let system = try #require(model.estimate())
    #expect(system.basis == .system && (80...95).contains(system.milliseconds))
    model.add(20, count: 10)
    let network = try #require(model.estimate())
    #expect(network.basis == .network && abs(network.milliseconds - 20) < 2)
  }

  @Test func `nothing where neither place nor measurement is known`() {
    var model = LatencyModel(
      sites: [LatencySite(name: "somewhere", point: nil)] + LatencyWorld.sites)
    let nowhere = LatencyClient(point: nil)
    #expect(model.estimates(from: LatencyWorld.munich)[0] == nil)
    #expect(model.estimates(from: nowhere).allSatisfy { $0 == nil })
    model.add(30, from: nowhere)
    #expect(model.estimate(from: nowhere)?.milliseconds == 30)
  }

  @Test func `a busy network does not speak for its country`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    for _ in 0..<5_000 { model.add(400, network: 1, from: LatencyWorld.berlin) }
    for network in 2..<40 { model.add(25, network: network, from: LatencyWorld.berlin) }
    let estimate = try #require(model.estimate(network: 99))
    #expect(estimate.milliseconds < 100)
  }
}

@Suite struct `Figures are robust` {
  @Test(arguments: [0.0, -5, .nan, .infinity, 60_000])
  func `one absurd sample among eight moves an estimate by little`(absurd: Double) throws {
    for position in 0..<8 {
      var model = LatencyModel(sites: LatencyWorld.sites)
      for index in 0..<8 { model.add(index == position ? absurd : 30) }
      // A sample that is too low is believed until eight in a row say otherwise.
      if absurd <= 0 { for _ in 0..<8 { model.add(30) } }
      let estimate = try #require(model.estimate())
      #expect((20...40).contains(estimate.milliseconds), "at \(position): \(estimate)")
    }
  }

  @Test func `a new way is believed after eight samples`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    for _ in 0..<60 { model.add(30) }
    for _ in 0..<7 { model.add(90) }
    #expect(try #require(model.estimate()).milliseconds < 45)
    model.add(90)
    #expect(try #require(model.estimate()).milliseconds > 80)
  }

  @Test func `noise of some milliseconds publishes nothing`() {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(50, count: 64)
    _ = model.publish(at: LatencyWorld.start)
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<1_000 {
      model.add(50 + Double.random(in: 0...3, using: &generator))
    }
    let hasMoved = model.publish(at: LatencyWorld.start)
    #expect(!hasMoved)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `estimates are finite, positive, and near what was measured`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var model = LatencyModel(
      sites: LatencyWorld.sites, limits: LatencyLimits(networks: 50, systems: 4))
    for step in 0..<2_000 {
      let value = Double.random(in: -10...5_000, using: &generator)
      model.add(
        value, count: Int.random(in: -3...1_000, using: &generator),
        network: Int.random(in: 0..<200, using: &generator),
        region: Int.random(in: 0..<3, using: &generator),
        from: Bool.random(using: &generator) ? LatencyWorld.munich : LatencyWorld.berlin,
        now: LatencyWorld.start + UInt32(step) * 7)
      if step % 97 == 0 { _ = model.publish(at: LatencyWorld.start + UInt32(step) * 7) }
    }
    #expect(model.networkCount <= 50)
    for network in 0..<200 {
      for estimate in model.estimates(
        from: LatencyWorld.munich, network: LatencyWorld.network(network))
      {
        let estimate = try #require(estimate)
        #expect(estimate.milliseconds.isFinite, "seed \(seed)")
        #expect((0.1...6_000).contains(estimate.milliseconds), "seed \(seed): \(estimate)")
        #expect((0...1).contains(estimate.confidence))
      }
    }
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func `the order of samples matters little`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var samples = (0..<40).map { _ in 40 + Double.random(in: 0...4, using: &generator) }
    samples += [400, 900]
    let estimates = try (0..<8).map { _ in
      var model = LatencyModel(sites: LatencyWorld.sites)
      for sample in samples.shuffled(using: &generator) { model.add(sample) }
      return try #require(model.estimate()).milliseconds
    }
    let lowest = try #require(estimates.min())
    let highest = try #require(estimates.max())
    #expect(highest - lowest < 4, "seed \(seed): \(estimates)")
  }
}

@Suite struct `Confidence and time` {
  @Test func `more samples never make an estimate less certain`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    var before = 0.0
    for _ in 0..<100 {
      model.add(33)
      let confidence = try #require(model.estimate()).confidence
      #expect(confidence >= before)
      before = confidence
    }
    #expect(before > 0.95)
  }

  @Test func `what was measured long ago gives way to the prior`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(300, count: 4)
    let prior = try #require(model.prior(from: LatencyWorld.munich, to: 0))
    var before = try #require(model.estimate()).milliseconds
    for hours in [24, 48, 96, 240] {
      let now = LatencyWorld.start + UInt32(hours * 3600)
      let estimate = try #require(model.estimate(now: now)).milliseconds
      #expect(estimate <= before)
      before = estimate
    }
    #expect(abs(before - prior) < 5)
  }

  @Test func `time that runs backwards changes no weight`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(30, count: 10)
    let before = model.estimate()
    #expect(model.estimate(now: LatencyWorld.start - 10_000) == before)
  }
}

@Suite struct `Memory is bounded` {
  @Test func `the networks that know least are forgotten`() {
    var model = LatencyModel(
      sites: LatencyWorld.sites, limits: LatencyLimits(networks: 80))
    for network in 0..<40 { model.add(30, count: 50, network: network) }
    for network in 1_000..<9_000 {
      model.add(30, network: network)
      #expect(model.networkCount <= 80)
    }
    _ = model.publish(at: LatencyWorld.start)
    for network in 0..<40 {
      let estimates = model.estimates(
        from: LatencyWorld.munich, network: LatencyWorld.network(network))
      #expect(estimates[0]?.basis == .network)
    }
  }

  @Test func `a network keeps the regions it measured most`() {
    var model = LatencyModel(
      sites: LatencyWorld.sites, limits: LatencyLimits(regionsPerNetwork: 2))
    model.add(30, count: 20, region: 0)
    model.add(90, count: 2, region: 1)
    model.add(200, count: 5, region: 2)
    _ = model.publish(at: LatencyWorld.start)
    let bases = model.estimates(from: LatencyWorld.munich, network: LatencyWorld.network(1))
      .map { $0?.basis }
    #expect(bases[0] == .network && bases[1] != .network && bases[2] == .network)
  }

  @Test func `a reload keeps what is known of regions by their names`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(30, count: 10, region: 0)
    model.add(250, count: 10, region: 2)
    var next = model.carried(
      to: [LatencyWorld.sites[2], LatencySite(name: "new", point: nil)], limits: LatencyLimits())
    _ = next.publish(at: LatencyWorld.start)
    let estimates = next.estimates(from: LatencyWorld.munich, network: LatencyWorld.network(1))
    #expect(abs(try #require(estimates[0]).milliseconds - 250) < 15)
    #expect(estimates[1] == nil)
  }
}

@Suite struct `Ranking and loss` {
  @Test func `a slow measured region loses to an untried one`() {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.add(400, count: 3, region: 0)
    _ = model.publish(at: LatencyWorld.start)
    let estimates = model.estimates(
      from: LatencyWorld.munich, network: LatencyWorld.network(1))
    #expect(LatencyModel.ranking(of: 0..<3, by: estimates)[0] == 1)
  }

  @Test func `without estimates the nearer and then the first comes first`() {
    let none = [LatencyEstimate?](repeating: nil, count: 3)
    #expect(LatencyModel.ranking(of: [2, 0, 1], by: none) == [0, 1, 2])
    #expect(LatencyModel.ranking(of: 0..<3, by: none) { [3.0, 1.0, 2.0][$0] } == [1, 2, 0])
  }

  @Test func `after a loss half is the distance and half the lost region's round trip`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.setRoundTrip(milliseconds: 300, from: 0, to: 1)
    let before = model.estimates(from: LatencyWorld.munich)
    let after = model.estimates(before, afterLosing: 0)
    let prior = try #require(before[1]).milliseconds
    #expect(try #require(after[1]).milliseconds == (prior + 300) / 2)
    #expect(after[2] == before[2])
  }

  @Test func `what a network has measured itself counts more after a loss`() throws {
    var model = LatencyModel(sites: LatencyWorld.sites)
    model.setRoundTrip(milliseconds: 300, from: 0, to: 1)
    model.add(95, count: 20, region: 1)
    _ = model.publish(at: LatencyWorld.start)
    let before = model.estimates(
      from: LatencyWorld.munich, network: LatencyWorld.network(1))
    let after = model.estimates(before, afterLosing: 0)
    #expect(abs(try #require(after[1]).milliseconds - 95) < 3)
  }
}
