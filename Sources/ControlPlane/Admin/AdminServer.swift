import HTTPTypes
package import Hummingbird
package import HummingbirdCore
package import Logging
import NIOCore
package import Places
import Publishing
package import ServiceLifecycle

/// The admin API over HTTP.
///
///     request ─ AccessLog ─ CredentialReader ─ AuditTrail ─ ProblemWriter ─ HostCheck ─ router
///                                                                  endpoint ─ may it? ─┘
///
/// Reads come from the current edition and never wait for serving; what changes state goes through
/// the publisher.
package struct AdminServer: Sendable {
  /// Connections at one time; more wait in the backlog.
  static let maximumConnections = 256
  /// After so long without a request a connection is closed.
  static let idleTimeout = TimeAmount.seconds(60)

  let sources: AdminSources
  let logger: Logger
  private let doorkeeper: Doorkeeper

  package init(_ sources: AdminSources, logger: Logger) {
    self.sources = sources
    self.logger = logger
    doorkeeper = Doorkeeper(counters: sources.counters, now: sources.now)
  }

  /// For a `ServiceGroup`, in this order; running them throws if nobody can listen there.
  ///
  /// - Parameter door: port 0 lets the system choose one.
  package func services(door: AdminDoor) -> [any Service] {
    door.services(logger: logger, application)
  }

  /// The server alone.
  package func application(
    at address: BindAddress, identity: AdminIdentity? = nil,
    onListening: @escaping @Sendable () -> Void = {}
  ) -> Application<RouterResponder<AdminContext>> {
    Application(
      router: router(),
      server: .http1(.init(idleTimeout: Self.idleTimeout), identity),
      configuration: configuration(address),
      onServerRunning: { _ in onListening() }, logger: logger)
  }

  /// The same for metrics and readiness alone: for networks where nothing else is to be reached.
  /// They ask for no token, and whatever name they are asked by.
  package func metricsApplication(
    listen: Places.SocketAddress
  ) -> Application<RouterResponder<AdminContext>> {
    let router = Router(context: AdminContext.self)
    router.add(middleware: AccessLog(now: sources.now))
    router.add(middleware: ProblemWriter())
    add(
      [
        Endpoint(path: "/metrics", handlers: [.get: .open(metrics)]),
        Endpoint(path: "/livez", handlers: [.get: .open(live)]),
        Endpoint(path: "/readyz", handlers: [.get: .open(ready)]),
        Endpoint(path: "/problems/**", handlers: [.get: .open(ProblemType.pages)]),
      ], to: router)
    return Application(
      router: router, server: .http1(configuration: .init(idleTimeout: Self.idleTimeout)),
      configuration: configuration(BindAddress(listen)), logger: logger)
  }

  private func configuration(_ address: BindAddress) -> ApplicationConfiguration {
    ApplicationConfiguration(
      address: address, serverName: "azimuth",
      availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: logger))
  }

  func router() -> Router<AdminContext> {
    let router = Router(context: AdminContext.self)
    router.add(middleware: AccessLog(now: sources.now))
    router.add(middleware: CredentialReader(settings: sources.settings))
    router.add(middleware: AuditTrail(now: sources.now, note: sources.audit))
    router.add(middleware: ProblemWriter())
    router.add(middleware: HostCheck(id: sources.node.id, doorkeeper: doorkeeper))
    add(endpoints, to: router)
    return router
  }

  private func add(_ endpoints: [Endpoint], to router: Router<AdminContext>) {
    for endpoint in endpoints {
      for method in Endpoint.methods {
        router.on(endpoint.path, method: method) { request, context in
          try await answer(request, context, at: endpoint)
        }
      }
    }
  }

  private func answer(
    _ request: Request, _ context: AdminContext, at endpoint: Endpoint
  ) async throws -> Response {
    let isHead = request.method == .head
    guard let action = endpoint.handlers[isHead ? .get : request.method] else {
      throw Problem(
        .methodNotAllowed, "\(request.method) is not for this path",
        headers: [.allow: endpoint.allowed])
    }
    let author = try doorkeeper.admit(context, to: action.access(request))
    if !action.readsQuery, endpoint.isOfAPI {
      let query = QueryReader(request)
      guard query.errors.isEmpty else { throw query.problem }
    }
    if !Endpoint.safeMethods.contains(request.method), await sources.publisher.isFrozen {
      throw Problem.handingOver
    }
    let response = try await action.handler(request, author ?? "")
    return isHead ? response.createHeadResponse() : response
  }
}

extension AdminServer {
  /// Every path with its methods, HEAD aside, as the OpenAPI document has to list them; `**` stands
  /// for one or more segments.
  package var routes: [(path: String, methods: Set<String>)] {
    endpoints.map { ($0.path.description, Set($0.handlers.keys.map(\.rawValue))) }
  }

  var endpoints: [Endpoint] {
    [
      Endpoint(path: "/", handlers: [.get: .open(dashboard)]),
      Endpoint(path: "/dashboard/**", handlers: [.get: .open(dashboard)]),
      Endpoint(path: "/problems", handlers: [.get: .open(ProblemType.pages)]),
      Endpoint(path: "/problems/**", handlers: [.get: .open(ProblemType.pages)]),
      Endpoint(path: "/v1", handlers: [.get: .read(index)]),
      Endpoint(path: "/v1/openapi.json", handlers: [.get: .read(apiDocument)]),
      Endpoint(path: "/livez", handlers: [.get: .open(live)]),
      Endpoint(path: "/readyz", handlers: [.get: .open(ready)]),
      Endpoint(path: "/metrics", handlers: [.get: .read(metrics)]),
      Endpoint(path: "/v1/route", handlers: [.get: .read(route).withQuery]),
      Endpoint(path: "/v1/status", handlers: [.get: .read(status)]),
      Endpoint(path: "/v1/catchments", handlers: [.get: .read(catchments).withQuery]),
      Endpoint(path: "/v1/regions", handlers: [.get: .read(regions).withQuery]),
      Endpoint(path: "/v1/endpoints", handlers: [.get: .read(endpointList).withQuery]),
      Endpoint(path: "/v1/fleet/votes", handlers: [.get: .read(fleetVotes).withQuery]),
      Endpoint(path: "/v1/ecs-coverage", handlers: [.get: .read(subnetCoverage).withQuery]),
      Endpoint(path: "/v1/fleet", handlers: [.get: .read(fleet).withQuery]),
      Endpoint(path: "/v1/anycast", handlers: [.get: .open(anycast)]),
      Endpoint(path: "/v1/zones", handlers: [.get: .read(zoneList).withQuery]),
      Endpoint(path: "/v1/events", handlers: [.get: .read(events).withQuery]),
      Endpoint(path: "/v1/config", handlers: [.get: .read(layerList).withQuery]),
      Endpoint(
        path: "/v1/config/**",
        handlers: [
          .get: .read(layer), .put: .administer(setLayer).withQuery,
          .delete: .administer(removeLayer).withQuery,
        ]),
      Endpoint(
        path: "/v1/rollout",
        handlers: [.get: .read(rollout), .put: .administer(beginRollout).withQuery]),
      Endpoint(
        path: "/v1/rollout/**",
        handlers: [.post: Action(access: rolloutAccess, handler: changeRollout).withQuery]),
      Endpoint(path: "/v1/reload", handlers: [.post: .administer(reload).withQuery]),
      Endpoint(path: "/v1/simulate", handlers: [.post: .operate(simulate)]),
      Endpoint(path: "/v1/failback/**", handlers: [.post: .operate(failback)]),
      Endpoint(path: "/v1/primaries", handlers: [.get: .read(primaryList).withQuery]),
      Endpoint(path: "/v1/primaries/**", handlers: [.post: .operate(changePrimary)]),
      Endpoint(path: "/v1/latency", handlers: [.get: .read(latency).withQuery]),
      Endpoint(path: "/v1/latency-samples", handlers: [.post: .operate(postLatencies)]),
      Endpoint(path: "/v1/overrides", handlers: [.get: .read(overrideList).withQuery]),
      Endpoint(
        path: "/v1/overrides/**",
        handlers: [
          .get: .read(override), .put: .operate(setOverride).withQuery,
          .delete: .operate(removeOverride),
        ]),
      Endpoint(path: "/v1/conflicts", handlers: [.get: .read(conflictList).withQuery]),
      Endpoint(path: "/v1/conflicts/**", handlers: [.post: .operate(acknowledgeConflict)]),
    ]
  }
}
