import HTTPTypes
import Settings
import Synchronization

/// Looks at tokens, and remembers which sources have shown wrong ones of late.
final class Doorkeeper: Sendable {
  private let now: @Sendable () -> Double
  private let failures = Mutex(FailureLimiter())

  /// - Parameter now: seconds since 1970.
  init(now: @escaping @Sendable () -> Double) { self.now = now }

  /// Looks at what a request shows (RFC 6750 §2.1), unless too much of it was wrong lately.
  ///
  /// - Parameters:
  ///   - authorization: the field of that name; nil: there is none.
  ///   - tokens: all that there are.
  func credentials(
    _ authorization: String?, from source: RequestSource, among tokens: [Settings.Admin.Token]
  ) -> Credentials {
    guard let authorization else { return .none }
    // Through the unix socket come those whom its mode lets in.
    guard case .address(let address) = source else { return Credentials(authorization, tokens) }
    let now = now()
    if let wait = failures.withLock({ $0.wait(of: address, now: now) }) {
      return .unseen(retryAfterSeconds: Int(wait.rounded(.up)))
    }
    let credentials = Credentials(authorization, tokens)
    if case .wrong = credentials { failures.withLock { $0.note(address, now: now) } }
    return credentials
  }
}

/// What a request shows of who asks.
enum Credentials: Sendable {
  /// Nothing.
  case none
  /// No token of ours.
  case wrong
  /// It was not looked at: too much of what came from there was wrong.
  case unseen(retryAfterSeconds: Int)
  case token(Settings.Admin.Token)

  fileprivate init(_ authorization: String, _ tokens: [Settings.Admin.Token]) {
    self = .wrong
    // RFC 9110 §11.1: the scheme's case does not matter.
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return }
    let shown = TokenHash(of: parts[1].utf8)
    // All of them, so that the time does not tell which it was.
    for token in tokens where token.hash == shown { self = .token(token) }
  }
}

/// Who may have something done.
enum Access: Sendable, Equatable {
  /// Everybody, whatever the settings say: it tells nothing about the node.
  case everyone
  /// Everybody, or whoever has a token, as `admin.reads` says.
  case readers
  /// Those with a token of this scope or a wider one.
  case holders(of: Settings.Admin.Scope)

  /// That a token must have; nil: none is needed.
  func scope(readsWantToken: Bool) -> Settings.Admin.Scope? {
    switch self {
    case .everyone: nil
    case .readers: readsWantToken ? .read : nil
    case .holders(let scope): scope
    }
  }
}

extension AdminContext {
  /// Lets those pass who may.
  ///
  /// - Returns: the name of who it is, of those who have shown who they are.
  /// - Throws: 401 for a token that is missing or wrong, 403 for one that is not enough, or where
  ///   there is none that is; 429 for those who have shown wrong ones too often.
  func admit(to access: Access) throws(Problem) -> String? {
    guard let scope = access.scope(readsWantToken: settings.readsWantToken) else {
      return if case .token(let token) = credentials { token.name } else { nil }
    }
    guard settings.tokens.contains(where: { $0.scope >= scope }) else {
      throw Problem(
        .forbidden,
        "no token configured that may do this: set admin.tokens to allow changes over HTTP",
        type: .noTokens)
    }
    switch credentials {
    case .none:
      throw Self.unauthorized(
        "a bearer token is needed", .tokenMissing, challenge: #"Bearer realm="azimuth""#)
    case .wrong:
      throw Self.unauthorized(
        "this is not the token", .tokenWrong,
        challenge: #"Bearer realm="azimuth", error="invalid_token""#)
    case .unseen(let seconds):
      throw Problem(
        .tooManyRequests, "too many wrong tokens came from there: ask again in \(seconds) s",
        type: .tooManyWrongTokens,
        headers: [.retryAfter: "\(seconds)"])
    case .token(let token):
      guard token.scope >= scope else {
        throw Problem(
          .forbidden, "\(token.name) may \(token.scope.rawValue); this wants \(scope.rawValue)",
          type: .scopeTooNarrow,
          headers: [
            .wwwAuthenticate:
              #"Bearer realm="azimuth", error="insufficient_scope", scope="\#(scope.rawValue)""#
          ])
      }
      return token.name
    }
  }

  private static func unauthorized(
    _ detail: String, _ type: ProblemType, challenge: String
  ) -> Problem {
    Problem(.unauthorized, detail, type: type, headers: [.wwwAuthenticate: challenge])
  }
}
