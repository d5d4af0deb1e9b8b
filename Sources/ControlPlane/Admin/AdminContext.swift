package import Hummingbird
import NIOCore
import Places
import Settings

/// What is known of a request besides what it says itself.
package struct AdminContext: RequestContext {
  package var coreContext: CoreRequestContextStorage
  let source: RequestSource
  /// By which it is judged. Until it is looked at: nobody may do anything.
  var settings = Settings.Admin()
  /// What it shows of who asks, once that was looked at.
  var credentials = Credentials.none

  package init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    self.source = RequestSource(source.channel.remoteAddress)
  }
}

/// Where a request comes from.
enum RequestSource: Sendable, Equatable, CustomStringConvertible {
  case address(IPAddress)
  /// This machine, without an address: a unix socket.
  case local

  init(_ address: NIOCore.SocketAddress?) {
    guard let text = address?.ipAddress else {
      self = .local
      return
    }
    // The interface of a link-local address stands behind a %. What cannot be read is one source.
    self = .address(IPAddress(text.prefix { $0 != "%" }) ?? .ipv6(0))
  }

  var description: String {
    switch self {
    case .address(let address): address.description
    case .local: "local"
    }
  }
}

/// Takes down what a request shows of who asks, by the settings of this moment. That is judged
/// where the request is let in.
struct CredentialReader: RouterMiddleware {
  typealias Context = AdminContext

  /// Waits for nothing: so that health is answered whatever the node is busy with.
  let settings: @Sendable () -> Settings.Admin

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var context = context
    context.settings = settings()
    context.credentials = Credentials(
      request.headers[.authorization], among: context.settings.tokens)
    return try await next(request, context)
  }
}
