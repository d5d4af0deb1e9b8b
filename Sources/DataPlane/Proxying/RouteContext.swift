import Balancing
import Counters
import Editions
import ProxyProtocol
import Routing
import Securing

/// What a worker keeps of one configuration: the shared records of its endpoints, names for the
/// log, counters, and which service each listener has. Connections hold on to the one that they
/// were routed in. Belongs to one worker.
final class RouteContext {
  let revision: UInt64
  /// ``ProxyShared/settingsVersion``.
  let settingsVersion: UInt64
  /// By endpoint index.
  let endpoints: [PassiveHealth.Record]
  /// Of the same endpoints, whose records keep them.
  let loads: [EndpointLoad]
  let regionNames: [String]
  /// By listener index.
  let services: [ListenerServices]
  /// By listener index; nil: everybody is taken.
  let access: [AccessRules?]
  /// By service index: how its pool's endpoints are chosen.
  let balance: [BalanceRules]
  /// By service index: the header that its pool's endpoints want before all else.
  let headers: [ProxyVersion?]
  /// By service index: what its pool's endpoints speak.
  let securing: [EndpointSecuring]
  /// By endpoint index; nil: nothing of its pool is ejected.
  private let ejectable: [Ejectable?]
  /// By listener × regions + region.
  private let connections: [CounterIndex]

  /// What stands between us and endpoints.
  enum EndpointSecuring {
    case none
    case tls(TLSClientContext)
    /// TLS of which the workers know nothing: nothing is sent without it.
    case unknown
  }

  /// Where an endpoint stands in its group.
  struct Ejectable {
    let group: EjectionGroup
    let member: Int
    /// Counts ejections of the group.
    let ejections: CounterIndex
  }

  init(
    edition: Edition, settingsVersion: UInt64, listeners: [ProxyListenerSettings],
    tls: [String: TLSClientContext], passive: PassiveHealth, counters: CounterBoard
  ) {
    let model = edition.model
    revision = edition.revision
    self.settingsVersion = settingsVersion
    let records = passive.records(of: model.endpoints.map(\.id))
    endpoints = records
    loads = records.map(\.load)
    regionNames = model.regions.map(\.name)
    services = listeners.map { ListenerServices($0.services, model: model) }
    access = listeners.map { model.access[$0.name] }
    balance = model.services.map { service in
      service.pool.map { model.pools[$0].balance } ?? BalanceRules()
    }
    headers = model.services.map { service in service.pool.flatMap { model.pools[$0].header } }
    securing = model.services.map { service in
      guard let pool = service.pool.map({ model.pools[$0] }), pool.isSecured else { return .none }
      return tls[pool.name].map { .tls($0) } ?? .unknown
    }
    ejectable = Self.ejectable(model, records: records, passive: passive, counters: counters)
    connections = listeners.flatMap { listener in
      model.regions.map { region in
        counters.index(
          of: CounterBoard.Series(
            "azimuth_proxy_region_connections_total",
            labels: [.init("listener", listener.name), .init("region", region.name)]))
      }
    }
  }

  /// The group of each endpoint. Where nothing is ejected any more, nothing stays so.
  private static func ejectable(
    _ model: RoutingModel, records: [PassiveHealth.Record], passive: PassiveHealth,
    counters: CounterBoard
  ) -> [Ejectable?] {
    var ejectable: [Ejectable?] = records.map { _ in nil }
    for pool in model.pools {
      for (region, members) in pool.endpoints.enumerated() where !members.isEmpty {
        guard let rules = pool.balance.ejection else {
          for endpoint in members { records[endpoint].load.eject(until: 0) }
          continue
        }
        let region = model.regions[region].name
        let group = passive.group(
          "\(pool.name)/\(region)", of: members.map { records[$0] }, rules: rules)
        let ejections = counters.index(
          of: CounterBoard.Series(
            "azimuth_proxy_ejections_total",
            labels: [.init("pool", pool.name), .init("region", region)]))
        for (member, endpoint) in members.enumerated() {
          ejectable[endpoint] = Ejectable(group: group, member: member, ejections: ejections)
        }
      }
    }
    return ejectable
  }

  /// Tells the detector what a connection met.
  ///
  /// - Returns: the counter to add to if that has ejected the endpoint.
  func note(
    _ event: OutlierDetector.Event, of endpoint: Int, now: UInt64, passive: PassiveHealth
  ) -> CounterIndex? {
    guard let ejectable = ejectable[endpoint] else { return nil }
    let record = endpoints[endpoint]
    let outcome = ejectable.group.handle(event, of: ejectable.member, record: record, now: now)
    guard case .ejected(let until, let times) = outcome else { return nil }
    passive.note(PassiveHealth.Ejection(endpointID: record.id, until: until, times: times))
    return ejectable.ejections
  }

  /// Counts connections of a listener that reached a region.
  func connectionCounter(listener: Int, region: Int) -> CounterIndex {
    connections[listener * regionNames.count + region]
  }
}
