import Foundation
import Latency
import Places

/// One set of regions on one mesh: every other place is a network of clients, decided for by the
/// same model that serves.
struct Trial {
  let mesh: Mesh
  /// Indices into the mesh's nodes.
  let regions: [Int]
  let clients: [Int]
  let seed: UInt64
  let weights: LatencyWeights

  init(mesh: Mesh, regions: [Int], seed: UInt64, weights: LatencyWeights = LatencyWeights()) {
    self.mesh = mesh
    self.regions = regions
    self.seed = seed
    self.weights = weights
    clients = mesh.nodes.indices.filter { node in
      !regions.contains(node) && regions.count { mesh.roundTrip(node, $0) != nil } > 1
    }
  }

  /// Knows the regions' round trips among each other and nothing else.
  func newModel() -> LatencyModel {
    var model = LatencyModel(
      sites: regions.map {
        LatencySite(name: mesh.nodes[$0].name, point: mesh.nodes[$0].point)
      }, limits: LatencyLimits(), weights: weights)
    for (a, from) in regions.enumerated() {
      for (b, to) in regions.enumerated() where a != b {
        if let milliseconds = mesh.roundTrip(from, to) {
          model.setRoundTrip(milliseconds: milliseconds, from: a, to: b)
        }
      }
    }
    return model
  }

  func client(_ node: Int) -> LatencyClient {
    LatencyClient(point: mesh.nodes[node].point, country: mesh.nodes[node].country)
  }

  /// Each place is a /24 of its own.
  func network(_ node: Int) -> LatencyNetwork {
    LatencyNetwork(of: ClientAddress(ipv4: 10 << 24 | UInt32(node) << 8))
  }

  /// What a client can reach, as indices into ``regions``.
  func reachable(_ node: Int) -> [Int] {
    regions.indices.filter { mesh.roundTrip(node, regions[$0]) != nil }
  }

  func roundTrip(_ node: Int, _ region: Int) -> Double {
    mesh.roundTrip(node, regions[region]) ?? .infinity
  }

  /// Milliseconds above the fastest of `candidates`.
  func excess(_ node: Int, of region: Int, among candidates: [Int]) -> Double {
    roundTrip(node, region) - (candidates.map { roundTrip(node, $0) }.min() ?? 0)
  }

  func fastest(_ node: Int, among candidates: [Int]) -> Int {
    candidates.min { roundTrip(node, $0) < roundTrip(node, $1) } ?? 0
  }

  func byDistance(_ node: Int, among candidates: [Int]) -> [Int] {
    candidates.sorted { mesh.kilometres(node, regions[$0]) < mesh.kilometres(node, regions[$1]) }
  }

  func byEstimate(
    _ node: Int, of model: LatencyModel, among candidates: [Int], lost: Int? = nil
  ) -> [Int] {
    var estimates = model.estimates(from: client(node), network: network(node))
    if let lost { estimates = model.estimates(estimates, afterLosing: lost) }
    return LatencyModel.ranking(of: candidates, by: estimates) {
      mesh.kilometres(node, regions[$0])
    }
  }

  /// One request of a client: its round trip with the noise of a network.
  func measure(
    _ node: Int, _ region: Int, into model: inout LatencyModel, noise: inout Noise
  ) {
    model.add(
      milliseconds: roundTrip(node, region) + noise.milliseconds(), count: 1, from: client(node),
      network: network(node), to: region, now: 1_000_000)
  }
}

/// What a measured round trip is above the network's own: log-normal, half of all below 0.6 ms,
/// one in a hundred above 22 ms, as between data centres.
struct Noise {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(state: seed) }

  mutating func milliseconds() -> Double {
    let radius = (-2 * log(Double.random(in: .leastNonzeroMagnitude..<1, using: &generator)))
      .squareRoot()
    let normal = radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    return 0.6 * exp(1.548 * normal)
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
