import HTTPTypes
package import Hummingbird
package import HummingbirdCore
package import Logging
package import ServiceLifecycle

/// What answers in place of the admin server while a node of a fleet waits for its first
/// configuration: the process lives, and takes no clients.
package struct WaitingServer: Sendable {
  private let logger: Logger

  package init(logger: Logger) { self.logger = logger }

  /// For a `ServiceGroup`, in this order; running them throws if nobody can listen there.
  package func services(door: AdminDoor) -> [any Service] {
    door.services(logger: logger, application)
  }

  /// The server alone.
  package func application(
    at address: BindAddress, identity: AdminIdentity? = nil,
    onListening: @escaping @Sendable () -> Void = {}
  ) -> Application<RouterResponder<AdminContext>> {
    Application(
      router: router(), server: .http1(.init(), identity),
      configuration: ApplicationConfiguration(address: address, serverName: "azimuth"),
      onServerRunning: { _ in onListening() }, logger: logger)
  }

  func router() -> Router<AdminContext> {
    let router = Router(context: AdminContext.self)
    router.add(middleware: ProblemWriter())
    router.get("/livez") { _, _ in Response.text("ok\n") }
    for path: RouterPath in ["/problems", "/problems/**"] {
      router.get(path) { request, _ in try ProblemType.pages(request) }
    }
    router.get("/readyz") { _, _ -> Response in
      throw Problem(
        .serviceUnavailable,
        "not ready: edition: waits for its first configuration from the fleet's store",
        type: .notReady,
        headers: [.retryAfter: "1"])
    }
    return router
  }
}
