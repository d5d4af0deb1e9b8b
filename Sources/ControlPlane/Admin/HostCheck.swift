import HTTPTypes
import Hummingbird
import Places
import Settings

/// Refuses what a browser asks without its user's knowing: for a page whose name was made to lead
/// here (DNS rebinding), and for one of another site that would have something changed (cross-site
/// request forgery). Other programs may write into these fields what they like, and gain nothing.
struct HostCheck: RouterMiddleware {
  typealias Context = AdminContext

  /// Of the node, which is one of its names.
  let id: String
  let doorkeeper: Doorkeeper

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let hosts = KnownHosts(context.settings.names + [id])
    let authority = request.head.authority
    if let authority, !hosts.contain(authority) {
      throw doorkeeper.refused(
        .host,
        Problem(
          .misdirectedRequest,
          "\(authority) is no name of this server; if it is one, add it to admin.names",
          type: .unknownHost))
    }
    if !Endpoint.safeMethods.contains(request.method), let origin = request.headers[.origin],
      !KnownHosts.isSame(origin, authority)
    {
      throw doorkeeper.refused(
        .origin,
        Problem(
          .forbidden, "pages of \(origin) may change nothing here", type: .foreignOrigin))
    }
    return try await next(request, context)
  }
}

/// The names under which the admin server is asked.
package struct KnownHosts: Sendable {
  /// In lower case.
  private let names: Set<String>

  /// - Parameter names: besides `localhost` and addresses, which nobody can make lead elsewhere.
  package init(_ names: [String]) {
    self.names = Set(names.map { $0.lowercased() } + ["localhost"])
  }

  /// - Parameter authority: of a request: a host, and a port that may be missing (RFC 9110 §7.2).
  package func contain(_ authority: String) -> Bool {
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return false }
      let address = authority[authority.index(after: authority.startIndex)..<end]
      return IPAddress(address)?.isIPv6 == true
        && Self.isPort(authority[authority.index(after: end)...])
    }
    let host = authority.prefix { $0 != ":" }
    guard Self.isPort(authority.dropFirst(host.count)) else { return false }
    if let address = IPAddress(host) { return !address.isIPv6 }
    // The name with the root's dot is the same one.
    return names.contains((host.hasSuffix(".") ? host.dropLast() : host).lowercased())
  }

  /// Nothing, or a colon and digits.
  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty
      || text.hasPrefix(":") && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Whether a page is one of the server that it asks.
  ///
  /// - Parameters:
  ///   - origin: of the page (RFC 6454 §7), which browsers put to all that may change something;
  ///     `null` where they will not say.
  ///   - authority: that is asked.
  package static func isSame(_ origin: String, _ authority: String?) -> Bool {
    let origin = origin.lowercased()
    let scheme = ["http://", "https://"].first { origin.hasPrefix($0) }
    guard let scheme, let authority else { return false }
    return origin.dropFirst(scheme.count) == authority.lowercased()[...]
  }
}
