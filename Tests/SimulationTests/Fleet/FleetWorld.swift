import Clustering
import Compiling
import Publishing
import Routing
import TestSupport

/// What the nodes of a simulated fleet live in.
struct FleetWorld {
  static let regions = Landscape.regions
  /// The service that has one primary.
  static let ledger = "ledger"

  /// The nearest region for `web`, and one for all clients of `ledger`, which are fenced alike.
  static let configurations: [CompiledSettings] = ["manual", "auto", "gradual"].compactMap {
    let text = Landscape.text(
      policy: "{type: proximity}", stability: "{}", lastResort: "fail_open")
    let order = regions.joined(separator: ", ")
    let primary = "{type: primary, order: [\(order)], fail_hold: 3s, failback: \($0)"
    return try? compiledText(
      text.replacing("fences:", with: "  one: \(primary), failback_after: 10s}\nfences:")
        + "\n  \(ledger): {policy: one, pool: web, on_all_down: fail_open}\n")
  }

  var network = FleetNetwork()
  var store = SimulatedStore()
  /// Seconds; the epochs of primaries begin with it.
  var second = 1000
  private(set) var dead: Set<String> = []
  private let homes: [String: Int]

  init(_ compiled: CompiledSettings) {
    homes = Dictionary(
      compiled.model.endpoints.map { endpoint in
        let name = compiled.model.regions[endpoint.region].name
        return (endpoint.id, Self.regions.firstIndex(of: name) ?? 0)
      }, uniquingKeysWith: { first, _ in first })
  }

  /// As a check of a node finds it.
  func isUp(_ endpoint: String, from node: Int) -> Bool {
    !dead.contains(endpoint) && homes[endpoint].map { network.speak(node, $0) } == true
  }

  /// One endpoint of a region, or all of them.
  mutating func toggleEndpoints(using generator: inout SeededGenerator) {
    let region = Int.random(in: 0..<Self.regions.count, using: &generator)
    let endpoints = homes.filter { $0.value == region }.keys.sorted()
    let isWhole = Bool.random(using: &generator)
    dead.formSymmetricDifference(isWhole ? endpoints : [endpoints[0]])
  }
}
