import Admin
import Balancing
import Editions
import Foundation
import Proxying
import Routing

extension PassiveHealth {
  /// What the proxy has to do with the endpoints of an edition, in the time of people.
  func uses(of edition: Edition) -> [String: EndpointUse] {
    let model = edition.model
    let windows = Dictionary(
      model.endpoints.map { ($0.id, model.pools[$0.pool].balance.slowStart) },
      uniquingKeysWith: { $1 })
    let now = monotonicNow()
    let seconds = Date.now.timeIntervalSince1970
    return uses(of: windows, now: now).mapValues { use in
      EndpointUse(
        connections: use.openCount, startShare: use.startShare,
        ejection: use.ejection.map {
          EndpointUse.Ejection(until: seconds + Double($0.until &- now) / 1e9, times: $0.times)
        })
    }
  }
}
