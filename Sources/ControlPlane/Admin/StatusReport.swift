package import Announcing
import Editions
import Places
import Routing

/// What `/v1/status` says of the node.
package struct StatusReport: Codable, Sendable {
  package struct Counts: Codable, Sendable {
    package var regions: Int
    package var pools: Int
    package var endpoints: Int
    package var healthyEndpoints: Int
    package var services: Int
    package var places: Int
    /// The largest of any policy.
    package var cohorts: Int
    package var overrides: Int
  }

  package var node: String
  package var version: String
  package var startedAt: Timestamp
  package var uptimeSeconds: Int
  package var edition: UInt64
  package var revision: UInt64
  package var ready: Bool
  package var counts: Counts
  package var attribution: String

  init(node: NodeFacts, edition: Edition, overrideCount: Int, now: Double) {
    self.node = node.id
    version = node.version
    startedAt = Timestamp(seconds: node.startedAt)
    uptimeSeconds = Int(max(0, now - node.startedAt))
    self.edition = edition.number
    revision = edition.revision
    ready = edition.isReady
    let model = edition.model
    counts = Counts(
      regions: model.regions.count, pools: model.pools.count, endpoints: model.endpoints.count,
      healthyEndpoints: edition.board.conditions.count { $0.standing == .healthy },
      services: model.services.indices.count(where: model.isConfigured),
      places: model.places.places.count,
      cohorts: model.maps.map(\.cohorts.count).max() ?? 0, overrides: overrideCount)
    attribution = node.attribution
  }
}
