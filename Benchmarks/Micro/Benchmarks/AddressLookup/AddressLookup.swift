import Benchmark
import Foundation
import MaxMind
import Places

/// Address → (cohort, scope) on the shipped database, for ten regions, by random addresses.
/// A run of the benchmark is one look-up.
let benchmarks: @Sendable () -> Void = {
  let environment = ProcessInfo.processInfo.environment
  let file = environment["AZIMUTH_MMDB"] ?? "../../geodata/azimuth-city.mmdb"
  guard let database = try? MaxMindDatabase(file: file) else {
    print("\(file) cannot be read; name another by AZIMUTH_MMDB")
    return
  }
  let places = PlaceTable(layers: [database.layer])
  let maps = CohortMaps([places.addresses.mapValues(nearestOrders(places))])
  var state: UInt64 = 1
  func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 16
  }
  let ipv4 = (0..<(1 << 16)).map { _ in ClientAddress(ipv4: UInt32(truncatingIfNeeded: next())) }
  let starts = places.addresses.starts6
  let ipv6 = (0..<(1 << 16)).map { _ in
    ClientAddress(ipv6: starts[Int(next() % UInt64(starts.count))] | UInt128(next()))
  }
  for (name, clients) in [("IPv4", ipv4), ("IPv6", ipv6)] {
    Benchmark(
      "random \(name) address",
      configuration: .init(
        metrics: [.wallClock, .throughput], scalingFactor: .mega, maxDuration: .seconds(3))
    ) { benchmark in
      for run in benchmark.scaledIterations {
        blackHole(maps.find(map: 0, client: clients[run & 0xFFFF]))
      }
    }
  }
}

/// For each place the number of its order of ten regions by distance.
private func nearestOrders(_ places: PlaceTable) -> [UInt32] {
  let sites = [
    (38.95, -77.45), (37.62, -122.38), (-23.43, -46.47), (51.47, -0.45), (50.03, 8.57),
    (-26.13, 28.24), (19.09, 72.87), (1.36, 103.99), (35.77, 140.39), (-33.95, 151.18),
  ].compactMap { GeoPoint(latitude: $0.0, longitude: $0.1) }
  var cohorts: [[Int]: UInt32] = [:]
  return places.places.map { place in
    let order = place.point.map { point in
      sites.indices.sorted {
        point.distanceKilometres(to: sites[$0]) < point.distanceKilometres(to: sites[$1])
      }
    }
    let next = UInt32(cohorts.count)
    let cohort = cohorts[order ?? [], default: next]
    cohorts[order ?? []] = cohort
    return cohort
  }
}
