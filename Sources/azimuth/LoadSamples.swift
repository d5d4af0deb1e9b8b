import Admin
import Admitting
import Counters
import Editions
import Publishing
import Routing

/// What regions with capacities have to carry, and how full they are.
func loadSamples(_ publisher: EditionPublisher) async -> [MetricSample] {
  let edition = await publisher.edition
  let loads = await publisher.loads
  let uses = await publisher.uses
  return edition.model.regions.indices.flatMap { region -> [MetricSample] in
    guard region < loads.count, region < uses.count else { return [] }
    let use = uses[region]
    let values = [
      ("load_connections_per_second", loads[region]),
      ("opening", edition.board.admissions.opening(of: region)),
      ("limit_connections_per_second", use.limit),
      ("open_connections", use.reading.openConnections),
      ("reported_load", use.reading.reportedLoad),
    ]
    let label = CounterBoard.Label("region", edition.model.regions[region].name)
    return values.compactMap { name, value in
      value.map { MetricSample("azimuth_region_\(name)", labels: [label], value: $0) }
    }
  }
}
