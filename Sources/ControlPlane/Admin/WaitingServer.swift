import HTTPTypes
package import Hummingbird
package import Logging
package import Places

/// What answers in place of the admin server while a node of a fleet waits for its first
/// configuration: the process lives, and takes no clients.
package struct WaitingServer: Sendable {
  private let logger: Logger

  package init(logger: Logger) { self.logger = logger }

  /// A service for a `ServiceGroup`; running it throws if the address cannot be bound.
  package func application(
    listen: Places.SocketAddress
  ) -> Application<RouterResponder<AdminContext>> {
    Application(
      router: router(),
      configuration: ApplicationConfiguration(
        address: .hostname(listen.address.description, port: Int(listen.port)),
        serverName: "azimuth"),
      logger: logger)
  }

  func router() -> Router<AdminContext> {
    let router = Router(context: AdminContext.self)
    router.add(middleware: ProblemWriter())
    router.get("/livez") { _, _ in Response.text("ok\n") }
    router.get("/readyz") { _, _ -> Response in
      throw Problem(
        .serviceUnavailable,
        "not ready: edition: waits for its first configuration from the fleet's store",
        headers: [.retryAfter: "1"])
    }
    return router
  }
}
