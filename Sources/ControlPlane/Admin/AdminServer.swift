import HTTPTypes
package import Hummingbird
package import Logging
import NIOCore
package import Places
import Publishing

/// The admin API over HTTP.
///
///     request ─ AccessLog ─ ProblemWriter ─ router ─ token, if it may change something ─ endpoint
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

  package init(_ sources: AdminSources, logger: Logger) {
    self.sources = sources
    self.logger = logger
  }

  /// A service for a `ServiceGroup`; running it throws if the address cannot be bound.
  ///
  /// - Parameters:
  ///   - listen: port 0 lets the system choose one.
  ///   - onListening: gets the port once connections are taken.
  package func application(
    listen: Places.SocketAddress,
    onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
  ) -> Application<RouterResponder<BasicRequestContext>> {
    Application(
      router: router(),
      server: .http1(configuration: .init(idleTimeout: Self.idleTimeout)),
      configuration: ApplicationConfiguration(
        address: .hostname(listen.address.description, port: Int(listen.port)),
        serverName: "azimuth",
        availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: logger)),
      onServerRunning: { channel in
        if let port = channel.localAddress?.port { await onListening(port) }
      },
      logger: logger)
  }

  func router() -> Router<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: AccessLog(now: sources.now))
    router.add(middleware: ProblemWriter())
    for endpoint in endpoints {
      for method in Endpoint.methods {
        router.on(endpoint.path, method: method) { request, _ in
          try await answer(request, at: endpoint)
        }
      }
    }
    return router
  }

  private func answer(_ request: Request, at endpoint: Endpoint) async throws -> Response {
    let isHead = request.method == .head
    guard let handler = endpoint.handlers[isHead ? .get : request.method] else {
      throw Problem(
        .methodNotAllowed, "\(request.method) is not for this path",
        headers: [.allow: endpoint.allowed])
    }
    if !Endpoint.safeMethods.contains(request.method) {
      try BearerToken(await sources.token()).check(request)
      guard await !sources.publisher.isFrozen else { throw Problem.handingOver }
    }
    let response = try await handler(request)
    return isHead ? response.createHeadResponse() : response
  }
}

/// A path and what each method does there. HEAD does what GET does.
struct Endpoint: Sendable {
  typealias Handler = @Sendable (Request) async throws -> Response

  var path: RouterPath
  var handlers: [HTTPRequest.Method: Handler]

  /// Every method that is answered at all; others are not implemented.
  static let methods: [HTTPRequest.Method] = [
    .get, .head, .post, .put, .delete, .patch, .options,
  ]
  /// Methods that never change anything (RFC 9110 §9.2.1): they need no token.
  static let safeMethods: Set<HTTPRequest.Method> = [.get, .head]

  /// For the Allow header (RFC 9110 §10.2.1).
  var allowed: String {
    Self.methods.filter { handlers[$0 == .head ? .get : $0] != nil }
      .map(\.rawValue).joined(separator: ", ")
  }
}

extension AdminServer {
  var endpoints: [Endpoint] {
    [
      Endpoint(path: "/", handlers: [.get: dashboard]),
      Endpoint(path: "/dashboard/**", handlers: [.get: dashboard]),
      Endpoint(path: "/v1", handlers: [.get: index]),
      Endpoint(path: "/livez", handlers: [.get: live]),
      Endpoint(path: "/readyz", handlers: [.get: ready]),
      Endpoint(path: "/metrics", handlers: [.get: metrics]),
      Endpoint(path: "/v1/route", handlers: [.get: route]),
      Endpoint(path: "/v1/status", handlers: [.get: status]),
      Endpoint(path: "/v1/catchments", handlers: [.get: catchments]),
      Endpoint(path: "/v1/regions", handlers: [.get: regions]),
      Endpoint(path: "/v1/endpoints", handlers: [.get: endpointList]),
      Endpoint(path: "/v1/fleet/votes", handlers: [.get: fleetVotes]),
      Endpoint(path: "/v1/ecs-coverage", handlers: [.get: subnetCoverage]),
      Endpoint(path: "/v1/fleet", handlers: [.get: fleet]),
      Endpoint(path: "/v1/anycast", handlers: [.get: anycast]),
      Endpoint(path: "/v1/zones", handlers: [.get: zoneList]),
      Endpoint(path: "/v1/events", handlers: [.get: events]),
      Endpoint(path: "/v1/config", handlers: [.get: layerList]),
      Endpoint(
        path: "/v1/config/**", handlers: [.get: layer, .put: setLayer, .delete: removeLayer]),
      Endpoint(path: "/v1/rollout", handlers: [.get: rollout, .put: beginRollout]),
      Endpoint(path: "/v1/rollout/**", handlers: [.post: changeRollout]),
      Endpoint(path: "/v1/reload", handlers: [.post: reload]),
      Endpoint(path: "/v1/simulate", handlers: [.post: simulate]),
      Endpoint(path: "/v1/failback/**", handlers: [.post: failback]),
      Endpoint(path: "/v1/primaries", handlers: [.get: primaryList]),
      Endpoint(path: "/v1/primaries/**", handlers: [.post: changePrimary]),
      Endpoint(path: "/v1/latency", handlers: [.get: latency]),
      Endpoint(path: "/v1/latency-samples", handlers: [.post: postLatencies]),
      Endpoint(path: "/v1/overrides", handlers: [.get: overrideList]),
      Endpoint(
        path: "/v1/overrides/**",
        handlers: [.get: override, .put: setOverride, .delete: removeOverride]),
      Endpoint(path: "/v1/conflicts", handlers: [.get: conflictList]),
      Endpoint(path: "/v1/conflicts/**", handlers: [.post: acknowledgeConflict]),
    ]
  }
}
