import Editions
import Publishing
import Routing

/// An availability zone as `/v1/regions` shows it.
package struct AvailabilityZoneReport: Codable, Sendable {
  package var zone: String
  /// What an operator said of the zone as a whole.
  package var override: String
  package var healthyEndpoints: Int
  /// Over all pools.
  package var endpoints: Int

  /// The zones of a region in the order of their names; nil if no endpoint names one.
  static func all(
    ofRegion region: Int, edition: Edition, overrides: [Override]
  ) -> [AvailabilityZoneReport]? {
    let name = edition.model.regions[region].name
    var reports: [String: AvailabilityZoneReport] = [:]
    for (endpoint, condition) in zip(edition.model.endpoints, edition.board.conditions) {
      guard endpoint.region == region, let zone = endpoint.availabilityZone else { continue }
      let own = overrides.first {
        $0.target.region == name && $0.target.availabilityZone == zone
      }
      var report =
        reports[zone]
        ?? AvailabilityZoneReport(
          zone: zone, override: (own?.state ?? .auto).rawValue, healthyEndpoints: 0, endpoints: 0)
      report.endpoints += 1
      report.healthyEndpoints += condition.standing == .healthy ? 1 : 0
      reports[zone] = report
    }
    return reports.isEmpty ? nil : reports.values.sorted { $0.zone < $1.zone }
  }
}
