import Counters
import Editions
import Routing

/// What a worker keeps of one configuration: the shared records of its endpoints, names for the
/// log, counters, and which service each listener has. Connections hold on to the one that they
/// were routed in. Belongs to one worker.
final class RouteContext {
  let revision: UInt64
  /// ``ProxyShared/settingsVersion``.
  let settingsVersion: UInt64
  /// By endpoint index.
  let endpoints: [PassiveHealth.Record]
  let regionNames: [String]
  /// By listener index; nil: the edition has no service of that name.
  let services: [Int?]
  /// By listener × regions + region.
  private let connections: [CounterIndex]

  init(
    edition: Edition, settingsVersion: UInt64, listeners: [ProxyListenerSettings],
    passive: PassiveHealth, counters: CounterBoard
  ) {
    let model = edition.model
    revision = edition.revision
    self.settingsVersion = settingsVersion
    endpoints = passive.records(of: model.endpoints.map(\.id))
    regionNames = model.regions.map(\.name)
    services = listeners.map { listener in
      model.services.firstIndex { $0.name == listener.serviceName }
    }
    connections = listeners.flatMap { listener in
      model.regions.map { region in
        counters.index(
          of: CounterBoard.Series(
            "azimuth_proxy_region_connections_total",
            labels: [.init("listener", listener.name), .init("region", region.name)]))
      }
    }
  }

  /// Counts connections of a listener that reached a region.
  func connectionCounter(listener: Int, region: Int) -> CounterIndex {
    connections[listener * regionNames.count + region]
  }
}
