package import Balancing
package import Places
package import ProxyProtocol

extension Settings {
  /// Endpoints that do the same, over the regions.
  package struct Pool: Sendable, Equatable {
    package struct Endpoint: Sendable, Equatable {
      /// Index into ``Settings/regions``.
      package var region: Int
      package var address: IPAddress
      package var port: UInt16
      /// Where health is checked, if elsewhere.
      package var checkAddress: IPAddress?
      package var checkPort: UInt16?
      /// Share inside the region; 0 is standby. 0...1000.
      package var weight: Int
      /// nil: none is named.
      package var availabilityZone: String?
      /// The same server at an address of the other family: index into ``Pool/endpoints``.
      package var alternate: Int?
    }
    package var name: String
    /// Index into ``Settings/monitors``; nil: endpoints count as healthy until told otherwise.
    package var monitor: Int?
    package var endpoints: [Endpoint]
    /// Share (0...1) of healthy endpoints, over the regions a client may go to, below which health
    /// is ignored. 0 switches it off.
    package var panicThreshold: Double
    /// A region with fewer healthy endpoints than this is degraded. At least 1.
    package var minimumHealthy: Int
    package var zoneSharing = ZoneSharing.spread
    /// By how much of its fair part an endpoint may get more because of its zone.
    package var zoneExcess = 0.5
    package var balance = BalanceRules()
    /// What becomes of open connections of endpoints that get no new ones any more.
    package var closing = ClosingRules()
    /// Of the header that the proxy sends before all else; nil: none.
    package var proxyHeader: ProxyVersion?
    /// nil: the proxy passes bytes on as they are.
    package var tls: EndpointTLS?
  }
}
