import Latency
import Places

/// Three regions and clients near the first.
enum LatencyWorld {
  static let sites = [
    LatencySite(name: "frankfurt", point: GeoPoint(latitude: 50.1, longitude: 8.7)),
    LatencySite(name: "virginia", point: GeoPoint(latitude: 39.0, longitude: -77.5)),
    LatencySite(name: "tokyo", point: GeoPoint(latitude: 35.7, longitude: 139.7)),
  ]

  static let munich = LatencyClient(
    point: GeoPoint(latitude: 48.1, longitude: 11.6), country: CountryCode("DE"), asn: 64_500)
  static let berlin = LatencyClient(
    point: GeoPoint(latitude: 52.5, longitude: 13.4), country: CountryCode("DE"), asn: 64_501)

  static let start: UInt32 = 1_700_000_000

  static func network(_ number: Int) -> LatencyNetwork {
    LatencyNetwork(of: ClientAddress(ipv4: UInt32(10 << 24 | number << 8)))
  }
}

extension LatencyModel {
  /// A sample of Munich's at the start, unless it says otherwise.
  mutating func add(
    _ milliseconds: Double, count: Int = 1, network: Int = 1, region: Int = 0,
    from client: LatencyClient = LatencyWorld.munich, now: UInt32 = LatencyWorld.start
  ) {
    add(
      milliseconds: milliseconds, count: count, from: client,
      network: LatencyWorld.network(network), to: region, now: now)
  }

  /// The estimate of a network as if published just now.
  func estimate(
    network: Int? = 1, region: Int = 0, from client: LatencyClient = LatencyWorld.munich,
    now: UInt32 = LatencyWorld.start
  ) -> LatencyEstimate? {
    var published = self
    _ = published.publish(at: now)
    return published.estimates(from: client, network: network.map(LatencyWorld.network))[region]
  }
}
