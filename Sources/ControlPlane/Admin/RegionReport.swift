import Admitting
import Announcing
import Editions
import Places
import Publishing
import Routing

/// The regions as `/v1/regions` has them.
package struct RegionList: Codable, Sendable {
  package var edition: UInt64
  package var regions: [RegionReport]
}

/// A region as `/v1/regions` shows it.
package struct RegionReport: Codable, Sendable {
  package struct Location: Codable, Sendable {
    package var latitude: Double
    package var longitude: Double
  }
  package struct PoolStanding: Codable, Sendable {
    package var pool: String
    package var health: String
    package var healthyEndpoints: Int
    package var endpoints: Int
    /// Lost too often of late.
    package var flapping: Bool
    /// Why it is used only after others, though it is healthy: `hold_down`, `flapping` or
    /// `waiting_for_operator`.
    package var hold: String?
    /// The share of its clients that it has again, 0...1.
    package var ramp: Double
  }

  package var name: String
  package var location: Location?
  package var tags: [String]
  /// What an operator said of the region as a whole.
  package var override: String
  /// The share of its clients that the region gets, 0...1, by configuration or override.
  package var dial: Double
  /// New connections a second that it can take, and that fall to it by the demand measured.
  package var capacity: Double?
  package var load: Double?
  /// New connections a second beyond which clients go elsewhere, by all measures.
  package var limit: Double?
  /// Of the proxy, where the region declares how many it can have.
  package var openConnections: Int?
  /// How full it says that it is; 1 is full.
  package var reportedLoad: Double?
  /// How many of those that come it takes because of its load: 1 is all.
  package var opening: Double
  package var pools: [PoolStanding]
  /// Those that endpoints name; left out if none does.
  package var availabilityZones: [AvailabilityZoneReport]?

  init(_ region: Int, edition: Edition, overrides: [Override], load: Double?, use: RegionUse?) {
    let value = edition.model.regions[region]
    name = value.name
    location = value.point.map { Location(latitude: $0.latitude, longitude: $0.longitude) }
    tags = value.tags
    let own = overrides.first { $0.target.region == value.name && $0.target.isRegion }
    override = (own?.state ?? .auto).rawValue
    capacity = value.capacity
    self.load = load.map { ($0 * 100).rounded() / 100 }
    limit = use?.limit.map { ($0 * 100).rounded() / 100 }
    openConnections = use?.reading.openConnections.map { Int($0) }
    reportedLoad = use?.reading.reportedLoad
    opening = edition.board.admissions.opening(of: region)
    dial = edition.board.admissions.dial(of: region)
    pools = edition.poolStandings.filter { $0.region == region }.map { entry in
      PoolStanding(
        pool: edition.model.pools[entry.pool].name, health: entry.standing.standing.word,
        healthyEndpoints: entry.standing.healthyCount, endpoints: entry.standing.totalCount,
        flapping: entry.standing.isFlapping, hold: entry.standing.hold?.name,
        ramp: entry.standing.admission.ramp)
    }
    availabilityZones = AvailabilityZoneReport.all(
      ofRegion: region, edition: edition, overrides: overrides)
  }
}
