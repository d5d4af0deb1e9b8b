import Counters
import HTTPTypes
import Settings
import Synchronization

/// Lets requests in or refuses them, counts what it refuses, and remembers which sources have shown
/// wrong tokens of late.
final class Doorkeeper: Sendable {
  private struct Book {
    var failures = FailureLimiter()
    /// One producer at a time: requests are answered on many threads.
    let shard: CounterShard
    let refused: [RefusalReason: CounterIndex]
  }

  private let now: @Sendable () -> Double
  private let book: Mutex<Book>

  /// - Parameter now: seconds since 1970.
  init(counters: CounterBoard, now: @escaping @Sendable () -> Double) {
    self.now = now
    let refused = RefusalReason.allCases.map {
      ($0, counters.index(of: Self.series($0)))
    }
    book = Mutex(
      Book(
        shard: counters.makeShard(),
        refused: Dictionary(refused) { first, _ in first }))
  }

  private static func series(_ reason: RefusalReason) -> CounterBoard.Series {
    .init("azimuth_admin_refused_total", labels: [.init("reason", reason.rawValue)])
  }

  /// Counts a refusal, and hands it on.
  func refused(_ reason: RefusalReason, _ problem: Problem) -> Problem {
    book.withLock { book in
      if let index = book.refused[reason] { book.shard.add(to: index) }
    }
    return problem
  }

  /// Lets those pass who may. A token counts only where one is needed: elsewhere nobody learns
  /// whether it is right.
  ///
  /// - Returns: the name of who it is, of those who have shown who they are.
  /// - Throws: 401 for a token that is missing or wrong, 403 for one that is not enough, or where
  ///   there is none that is; 429 for those who have shown wrong ones too often.
  func admit(_ context: AdminContext, to access: Access) throws(Problem) -> String? {
    let settings = context.settings
    guard let scope = access.scope(readsWantToken: settings.readsWantToken) else {
      return if case .token(let token) = context.credentials { token.name } else { nil }
    }
    guard settings.tokens.contains(where: { $0.scope >= scope }) else {
      throw refused(
        .scope,
        Problem(
          .forbidden,
          "no token configured that may do this: set admin.tokens to allow changes over HTTP",
          type: .noTokens))
    }
    if let seconds = wait(context) {
      throw refused(
        .limited,
        Problem(
          .tooManyRequests, "too many wrong tokens came from there: ask again in \(seconds) s",
          type: .tooManyWrongTokens,
          headers: [.retryAfter: "\(seconds)"]))
    }
    switch context.credentials {
    case .none:
      throw refused(
        .missing,
        Self.unauthorized(
          "a bearer token is needed", .tokenMissing, challenge: #"Bearer realm="azimuth""#))
    case .wrong(let hash):
      note(hash, context.source)
      throw refused(
        .wrong,
        Self.unauthorized(
          "this is not the token", .tokenWrong,
          challenge: #"Bearer realm="azimuth", error="invalid_token""#))
    case .token(let token):
      guard token.scope >= scope else {
        throw refused(.scope, Self.insufficient(token, scope))
      }
      return token.name
    }
  }

  /// Seconds until the token of a request is looked at; nil: it is now, or there is none. Through
  /// the unix socket come those whom its mode lets in: they do not wait.
  private func wait(_ context: AdminContext) -> Int? {
    if case .none = context.credentials { return nil }
    guard case .address(let address) = context.source else { return nil }
    let now = now()
    return book.withLock { $0.failures.wait(of: address, now: now) }.map { Int($0.rounded(.up)) }
  }

  private func note(_ token: TokenHash, _ source: RequestSource) {
    guard case .address(let address) = source else { return }
    let now = now()
    book.withLock { $0.failures.note(address, token: token, now: now) }
  }

  private static func unauthorized(
    _ detail: String, _ type: ProblemType, challenge: String
  ) -> Problem {
    Problem(.unauthorized, detail, type: type, headers: [.wwwAuthenticate: challenge])
  }

  private static func insufficient(
    _ token: Settings.Admin.Token, _ scope: Settings.Admin.Scope
  ) -> Problem {
    Problem(
      .forbidden, "\(token.name) may \(token.scope.rawValue); this wants \(scope.rawValue)",
      type: .scopeTooNarrow,
      headers: [
        .wwwAuthenticate:
          #"Bearer realm="azimuth", error="insufficient_scope", scope="\#(scope.rawValue)""#
      ])
  }
}

/// Why a request was refused before anything was done: a label, so there are few.
enum RefusalReason: String, Sendable, CaseIterable {
  /// It wants a token, and came without.
  case missing
  /// Its token is none of ours.
  case wrong
  /// Its token may not do that, or there is none that may.
  case scope
  /// Too many wrong tokens came from there.
  case limited
  /// It asks for a name that is none of this server.
  case host
  /// A page of another site would change something.
  case origin
}

/// What a request shows of who asks (RFC 6750 §2.1).
enum Credentials: Sendable {
  /// Nothing.
  case none
  /// No token of ours.
  case wrong(TokenHash)
  case token(Settings.Admin.Token)

  /// - Parameters:
  ///   - authorization: the field of that name; nil: there is none.
  ///   - tokens: all that there are.
  init(_ authorization: String?, among tokens: [Settings.Admin.Token]) {
    self = .none
    guard let authorization else { return }
    // RFC 9110 §11.1: the scheme's case does not matter.
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      self = .wrong(TokenHash(of: authorization.utf8))
      return
    }
    let shown = TokenHash(of: parts[1].utf8)
    self = .wrong(shown)
    // All of them, so that the time does not tell which it was.
    for token in tokens where token.hash == shown { self = .token(token) }
  }
}

/// Who may have something done.
enum Access: Sendable, Equatable {
  /// Everybody, whatever the settings say.
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
