import Admin
import Counters
import Editions
import Publishing
import Routing

/// What regions with capacities have to carry.
func loadSamples(_ publisher: EditionPublisher) async -> [MetricSample] {
  let edition = await publisher.edition
  let loads = await publisher.loads
  return zip(edition.model.regions.indices, loads).flatMap { region, load in
    let name = edition.model.regions[region].name
    return [
      MetricSample(
        "azimuth_region_load_connections_per_second", labels: [.init("region", name)],
        value: load),
      MetricSample(
        "azimuth_region_opening", labels: [.init("region", name)],
        value: edition.board.admissions.opening(of: region)),
    ]
  }
}
