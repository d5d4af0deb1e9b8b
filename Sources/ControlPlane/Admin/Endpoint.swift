import HTTPTypes
import Hummingbird
import Settings

/// A path and what each method does there. HEAD does what GET does.
struct Endpoint: Sendable {
  var path: RouterPath
  var handlers: [HTTPRequest.Method: Action]

  /// Every method that is answered at all; others are not implemented.
  static let methods: [HTTPRequest.Method] = [
    .get, .head, .post, .put, .delete, .patch, .options,
  ]
  /// Methods that never change anything (RFC 9110 §9.2.1).
  static let safeMethods: Set<HTTPRequest.Method> = [.get, .head]

  /// Scrapers, load balancers and browsers, which put parameters of their own to what they ask,
  /// ask for other paths.
  var isOfAPI: Bool { path.description == "/v1" || path.description.hasPrefix("/v1/") }

  /// For the Allow header (RFC 9110 §10.2.1).
  var allowed: String {
    Self.methods.filter { handlers[$0 == .head ? .get : $0] != nil }
      .map(\.rawValue).joined(separator: ", ")
  }
}

/// What is done, and who may have it done.
struct Action: Sendable {
  /// - Parameter author: the name of who asks; empty for those who have shown no token, who get no
  ///   further than reading.
  typealias Handler = @Sendable (_ request: Request, _ author: String) async throws -> Response

  var access: @Sendable (Request) -> Access
  var handler: Handler
  /// Whether the handler reads the query, and refuses of it what it does not know.
  private(set) var readsQuery = false

  init(access: @escaping @Sendable (Request) -> Access, handler: @escaping Handler) {
    self.access = access
    self.handler = handler
  }

  /// The same, of a handler that reads the query.
  var withQuery: Action {
    var action = self
    action.readsQuery = true
    return action
  }

  /// For everybody, whatever the settings say.
  static func open(_ handler: @escaping @Sendable (Request) async throws -> Response) -> Action {
    Action(access: { _ in .everyone }) { request, _ in try await handler(request) }
  }

  static func read(_ handler: @escaping @Sendable (Request) async throws -> Response) -> Action {
    Action(access: { _ in .readers }) { request, _ in try await handler(request) }
  }

  /// Steers clients.
  static func operate(_ handler: @escaping Handler) -> Action {
    Action(access: { _ in .holders(of: .operate) }, handler: handler)
  }

  /// Changes the configuration.
  static func administer(_ handler: @escaping Handler) -> Action {
    Action(access: { _ in .holders(of: .admin) }, handler: handler)
  }
}
