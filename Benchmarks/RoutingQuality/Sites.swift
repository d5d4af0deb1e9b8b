import Places

/// Where regions stand unless they are named: near the metropolitan areas of the large public
/// clouds, in an order in which a service would grow into them.
let metros: [(latitude: Double, longitude: Double)] = [
  (39.0, -77.5), (50.1, 8.7), (1.3, 103.8),  // Virginia, Frankfurt, Singapore
  (35.7, 139.7), (-23.5, -46.6),  // Tokyo, São Paulo
  (37.3, -121.9), (19.1, 72.9), (-33.9, 151.2),  // California, Mumbai, Sydney
  (51.5, -0.1), (-26.2, 28.0), (22.3, 114.2), (25.2, 55.3),  // London, Cape, Hong Kong, Dubai
  (32.8, -96.8), (48.9, 2.4), (37.6, 127.0), (43.7, -79.4),  // Dallas, Paris, Seoul, Toronto
  (59.3, 18.1), (41.9, -87.6), (45.5, 9.2), (52.4, 4.9),  // Stockholm, Chicago, Milan, Amsterdam
  (40.4, -3.7), (52.2, 21.0), (32.1, 34.8), (34.7, 135.5),  // Madrid, Warsaw, Tel Aviv, Osaka
  (-6.2, 106.8), (-33.4, -70.7), (25.8, -80.2), (47.6, -122.3),  // Jakarta, Chile, Miami, Seattle
  (47.4, 8.5), (-37.8, 145.0), (19.4, -99.1), (28.6, 77.2),  // Zürich, Melbourne, Mexico, Delhi
  (3.1, 101.7), (53.3, -6.3),  // Kuala Lumpur, Dublin
]

extension Mesh {
  /// The places nearest to the first metros, each once.
  func regions(count: Int) -> [Int] {
    var chosen: [Int] = []
    for metro in metros.prefix(count) {
      guard let point = GeoPoint(latitude: metro.latitude, longitude: metro.longitude) else {
        continue
      }
      let free = nodes.indices.filter { !chosen.contains($0) }
      if let nearest = free.min(by: {
        nodes[$0].point.distanceKilometres(to: point)
          < nodes[$1].point.distanceKilometres(to: point)
      }) {
        chosen.append(nearest)
      }
    }
    return chosen
  }
}
