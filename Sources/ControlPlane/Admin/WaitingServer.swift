import HTTPTypes
package import Hummingbird
import HummingbirdCore
package import Logging

/// What answers in place of the admin server while a node of a fleet waits for its first
/// configuration: the process lives, and takes no clients.
package struct WaitingServer: Sendable {
  private let logger: Logger

  package init(logger: Logger) { self.logger = logger }

  /// A service for a `ServiceGroup`; running it throws if the address cannot be bound.
  ///
  /// - Throws: what NIOSSL says of the certificate, which was read before.
  package func application(
    door: AdminDoor
  ) throws -> Application<RouterResponder<AdminContext>> {
    Application(
      router: router(), server: try door.server(.http1()),
      configuration: ApplicationConfiguration(address: door.bindAddress, serverName: "azimuth"),
      onServerRunning: { _ in _ = door.open() }, logger: logger)
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
