import Admitting
import Compiling
import Places
import Routing
import Settings

/// How far regions with a capacity are open for the clients of a question: worked out by the
/// allocator that serves, from the cohorts that the clients fall into.
///
/// It is where things come to rest, not the way there: a region that opens slowly is open.
struct SpillOver {
  /// New connections a second, by service and cohort.
  let demands: [[Double]]
  let compiled: CompiledSettings
  let board: HealthBoard
  let openings: [Double]
  /// By region, over all services that were asked about.
  let loads: [Double]

  /// - Parameters:
  ///   - services: by name; of others nothing is asked.
  ///   - scale: connections a second for each unit of the population's weights.
  init(
    _ compiled: CompiledSettings, board: HealthBoard, population: Population,
    services: [String]?, scale: Double
  ) {
    let model = compiled.model
    let byMap = model.maps.indices.map { map in
      var weights = [Double](repeating: 0, count: model.maps[map].cohorts.count)
      for client in population.clients {
        let match = compiled.maps.find(map: map, client: client.address.client)
        weights[Int(match.cohort)] += client.weight * scale
      }
      return weights
    }
    let demands = model.services.map { service in
      // Nobody knows who asks for which key.
      (services?.contains(service.name) ?? true) && service.home == nil
        ? byMap[service.map] : byMap[service.map].map { _ in 0 }
    }
    self.init(compiled, board: board, demands: demands)
  }

  init(_ compiled: CompiledSettings, board: HealthBoard, demands: [[Double]]) {
    self.compiled = compiled
    self.demands = demands
    let allocator = CapacityAllocator(model: compiled.model, board: board, demands: demands)
    openings = allocator.openings(
      targets: compiled.settings.regions.map { region in
        region.capacity.flatMap { capacity in
          capacity.connectionsPerSecond.map { $0 * capacity.spillAt }
        }
      })
    loads = allocator.loads(openings: openings)
    var opened = board
    opened.admissions.openings = openings
    self.board = opened
  }

  /// Of the regions that declare new connections a second; loads after are those of another state.
  func capacities(after: SpillOver) -> [SimulationReport.Capacity] {
    after.compiled.settings.regions.enumerated().compactMap { index, region in
      guard let capacity = region.capacity, let rate = capacity.connectionsPerSecond else {
        return nil
      }
      let old = compiled.settings.regions.firstIndex { $0.name == region.name }
      return SimulationReport.Capacity(
        region: region.name, connectionsPerSecond: rate,
        spillAt: capacity.spillAt, loadBefore: old.map { loads[$0] } ?? 0,
        loadAfter: after.loads[index], openingBefore: old.map { openings[$0] } ?? 1,
        openingAfter: after.openings[index])
    }
  }
}

extension Settings {
  /// Whether any region declares the new connections a second that it can take: what it learns of
  /// its other measures only service shows.
  var hasCapacities: Bool { regions.contains { $0.capacity?.connectionsPerSecond != nil } }
}
