import Latency
import Places
import Testing

@Suite struct `The prior of a distance` {
  @Test(arguments: [(0.0, 10.0), (1000, 26.5), (10_000, 175)])
  func `is a line`(kilometres: Double, milliseconds: Double) {
    let prior = LatencyPrior.roundTripMilliseconds(distanceKilometres: kilometres)
    #expect(abs(prior - milliseconds) < 0.001)
  }

  @Test(arguments: [
    (1000.0, UInt16(0), 26.5), (1000, 200, 24.85), (1000, 1000, 18.25), (1000, 5000, 18.25),
    (0, 1000, 10),
  ])
  func `is lower where the point is known to a radius only`(
    kilometres: Double, radius: UInt16, milliseconds: Double
  ) {
    let prior = LatencyPrior.roundTripMilliseconds(
      distanceKilometres: kilometres, accuracyRadiusKilometres: radius)
    #expect(abs(prior - milliseconds) < 0.001)
  }

  @Test(arguments: [UInt16(0), 50, 1000, .max])
  func `never turns the order of distances round`(radius: UInt16) {
    let priors = stride(from: 0.0, through: 20_000, by: 100).map {
      LatencyPrior.roundTripMilliseconds(distanceKilometres: $0, accuracyRadiusKilometres: radius)
    }
    #expect(zip(priors, priors.dropFirst()).allSatisfy { $0 < $1 })
  }
}

@Suite struct `The network of a client` {
  @Test(arguments: [
    ("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"),
    ("::ffff:192.0.2.77", "192.0.2.0/24"), ("255.255.255.255", "255.255.255.0/24"),
  ])
  func `is its 24 or its 48`(address: String, prefix: String) throws {
    let client = try #require(IPAddress(address)).client
    #expect(LatencyNetwork(of: client).prefix.description == prefix)
  }

  @Test(
    arguments: [
      ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.128/25", "192.0.2.0/24"), ("192.0.0.0/16", nil),
      ("2001:db8::/48", "2001:db8::/48"), ("2001:db8::/32", nil),
    ] as [(String, String?)])
  func `is found around a prefix that is as long`(prefix: String, network: String?) throws {
    let prefix = try #require(AddressPrefix(prefix))
    #expect(LatencyNetwork(around: prefix)?.prefix.description == network)
  }
}
