import Balancing
import Counters
import Editions
import Foundation
import Places
import ProxyProtocol
import Proxying
import Routing
import Securing
import Synchronization
import Zones

/// A proxy in front of some endpoints on loopback, tried in the order of their regions.
final class ProxyWorld: Sendable {
  let desk: EditionDesk
  let counters = CounterBoard()
  let passive = PassiveHealth()
  let server: ProxyServer
  let address: SocketAddress
  private let editionNumber = Mutex<UInt64>(1)

  /// A region with one endpoint, and each service has a pool of its own.
  convenience init(
    services: KeyValuePairs<String, SocketAddress>,
    edit: (inout ProxyListenerSettings) -> Void = { _ in }
  ) throws {
    var model = model(
      regions: [services.map(\.value)], serviceNames: services.map(\.key))
    model.pools = services.indices.map { index in
      var pool = model.pools[0]
      pool.endpoints = [[index]]
      return pool
    }
    for index in model.services.indices {
      model.services[index].pool = index
      model.endpoints[index].pool = index
    }
    try self.init(edition(number: 1, revision: 1, model), edit: edit)
  }

  convenience init(
    regions: [[SocketAddress]], weights: [Int]? = nil, balance: BalanceRules = BalanceRules(),
    header: ProxyVersion? = nil, threads: Int = 1, isReady: Bool = true,
    log: AccessLogWriter? = nil, heldByteLimit: Int = 256 << 20,
    endpointTLS: TLSClientContext? = nil,
    edit: (inout ProxyListenerSettings) -> Void = { _ in }
  ) throws {
    var model = model(regions: regions, weights: weights, balance: balance)
    model.pools[0].header = header
    model.pools[0].isSecured = endpointTLS != nil
    try self.init(
      edition(number: 1, revision: 1, model, isReady: isReady), threads: threads, log: log,
      heldByteLimit: heldByteLimit, endpointTLS: endpointTLS.map { ["pool": $0] } ?? [:],
      edit: edit)
  }

  init(
    _ edition: Edition, threads: Int = 1, log: AccessLogWriter? = nil,
    heldByteLimit: Int = 256 << 20, endpointTLS: [String: TLSClientContext] = [:],
    edit: (inout ProxyListenerSettings) -> Void
  ) throws {
    desk = EditionDesk(edition)
    var settings = ProxyListenerSettings(
      name: "web", addresses: [loopback(port: 0)], services: .init(other: "service"))
    // On a busy machine a connection within it may take long; tests of races say otherwise.
    settings.raceAfter = .never
    edit(&settings)
    server = ProxyServer(
      node: "here", listeners: [settings], threads: threads, desk: desk, counters: counters,
      passive: passive,
      heldByteLimit: heldByteLimit, endpointTLS: endpointTLS, log: log)
    try server.start()
    address = server.boundAddresses[0].address
  }

  deinit { server.stop() }

  /// Publishes another edition.
  func publish(
    regions: [[SocketAddress]], balance: BalanceRules = BalanceRules(),
    closing: ClosingRules = ClosingRules(), revision: UInt64 = 1,
    isReady: Bool = true, override: OverrideState = .auto,
    conditions: [EndpointCondition]? = nil, onAllDown: LastResort = .failOpen,
    serviceNames: [String] = ["service"]
  ) {
    var model = model(
      regions: regions, balance: balance, onAllDown: onAllDown, serviceNames: serviceNames)
    model.pools[0].closing = closing
    let number = editionNumber.withLock { number in
      number += 1
      return number
    }
    desk.publish(
      edition(
        number: number, revision: revision, model, isReady: isReady, override: override,
        conditions: conditions))
  }

  /// The sum of a counter over all labels that contain these values.
  func counter(_ name: String, _ values: String...) -> UInt64 {
    counters.sums().reduce(0) { sum, entry in
      let labels = entry.series.labels.map(\.value)
      guard entry.series.name == "azimuth_proxy_\(name)_total", values.allSatisfy(labels.contains)
      else { return sum }
      return sum + entry.value
    }
  }

  func closed(_ reason: CloseReason) -> UInt64 { counter("closed", reason.name) }
}

func loopback(port: UInt16) -> SocketAddress {
  SocketAddress(address: .ipv4(0x7F00_0001), port: port)
}

/// One pool over regions `r0`, `r1`, …, in that order for everybody.
func model(
  regions: [[SocketAddress]], weights: [Int]? = nil, balance: BalanceRules = BalanceRules(),
  onAllDown: LastResort = .failOpen,
  serviceNames: [String] = ["service"]
) -> RoutingModel {
  var endpoints: [RoutingModel.Endpoint] = []
  for (region, sockets) in regions.enumerated() {
    for socket in sockets {
      endpoints.append(
        RoutingModel.Endpoint(
          region: region, pool: 0, socket: socket, weight: weights?[endpoints.count] ?? 1,
          id: "pool/r\(region)/\(socket)"))
    }
  }
  let names = regions.indices.map { Region(name: "r\($0)", point: nil, tags: []) }
  let places = PlaceTable()
  let planner = Planner(
    regions: names, policy: .failover(names.indices.map { .region($0) }), fences: [])
  let pool = RoutingModel.Pool(
    name: "pool",
    endpoints: regions.indices.map { region in
      endpoints.indices.filter { endpoints[$0].region == region }
    }, panicThreshold: 0, minimumHealthy: 1, balance: balance)
  let services = serviceNames.map { name in
    RoutingModel.Service(
      name: name, map: 0, policyName: "in order", pool: 0, ttlSeconds: 30, onAllDown: onAllDown,
      maximumAddresses: 4, failoverSpreadMilliseconds: 0,
      drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
  }
  return RoutingModel(
    regions: names, pools: [pool], endpoints: endpoints, services: services,
    maps: [SteeringMap(planner: planner, places: places)], places: places)
}

func edition(
  number: UInt64, revision: UInt64, _ model: RoutingModel, isReady: Bool = true,
  override: OverrideState = .auto, conditions: [EndpointCondition]? = nil
) -> Edition {
  let condition = EndpointCondition(health: .healthy, override: override)
  return Edition(
    number: number, revision: revision, zones: .empty, maps: CohortMaps([AddressTable()]),
    model: model,
    board: HealthBoard(conditions: conditions ?? model.endpoints.map { _ in condition }),
    isReady: isReady)
}

/// Waits until something holds; false after ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
  let end = Date().addingTimeInterval(10)
  while !condition() {
    guard Date() < end else { return false }
    usleep(2000)
  }
  return true
}
