package import Places

extension Settings {
  /// The admin server: where it listens, and whom it lets in.
  package struct Admin: Sendable, Equatable {
    /// nil: there is none.
    package var listen: Listening?
    /// Where metrics and readiness are for everybody, and nothing else; nil: nowhere.
    package var metrics: SocketAddress?
    /// Whose names and secrets are all different. Empty: nothing may be changed over HTTP.
    package var tokens: [Token]
    /// Who only reads needs a token too.
    package var readsWantToken: Bool
    /// Under which it is asked, besides `localhost`, the node's id and addresses.
    package var names: [String]
    /// Of what was changed over HTTP.
    package var auditLog: Proxy.AccessLog

    package init(
      listen: Listening? = nil, metrics: SocketAddress? = nil, tokens: [Token] = [],
      readsWantToken: Bool = false,
      names: [String] = [], auditLog: Proxy.AccessLog = .off
    ) {
      self.listen = listen
      self.metrics = metrics
      self.tokens = tokens
      self.readsWantToken = readsWantToken
      self.names = names
      self.auditLog = auditLog
    }

    /// Whether all but files of certificates is the same in `listen`: those are read anew by a
    /// reload.
    package func listensLike(_ other: Admin) -> Bool {
      guard case .address(let address, let tls) = listen,
        case .address(let otherAddress, let otherTLS) = other.listen
      else { return listen == other.listen }
      return address == otherAddress && (tls == nil) == (otherTLS == nil)
    }

    /// A place to listen at.
    package enum Listening: Sendable, Equatable, CustomStringConvertible {
      /// nil: in the clear, as on loopback.
      case address(SocketAddress, TLS?)
      /// The absolute path of a unix socket, and the permissions of its file.
      case socket(path: String, mode: UInt16)

      /// What Linux has room for, which is 107, without the `.PID/s` that the path has more while
      /// the socket is made.
      package static let maximumPathByteCount = 97

      package var description: String {
        switch self {
        case .address(let address, _): address.description
        case .socket(let path, _): "unix:\(path)"
        }
      }
    }

    /// What the server shows, and whose certificates it asks for. Two are equal where the files
    /// are, wherever they are named.
    package struct TLS: Sendable, Equatable {
      package var files: CertificateFiles
      /// Of the certificates that clients must have; nil: they need none.
      package var clientRoots: RootsFile?

      package static func == (left: Self, right: Self) -> Bool {
        left.files.certificate == right.files.certificate && left.files.key == right.files.key
          && left.clientRoots?.path == right.clientRoots?.path
      }
    }

    /// What a person or a program shows to be let in.
    package struct Token: Sendable, Equatable {
      /// Who has it: for logs, and as the author of what is done with it.
      package var name: String
      package var hash: TokenHash
      package var scope: Scope

      package init(name: String, hash: TokenHash, scope: Scope) {
        self.name = name
        self.hash = hash
        self.scope = scope
      }

      /// Whether a token can have a name, which is shown in logs and to others.
      package static func canBeName(_ text: String) -> Bool { isName(text) }
    }

    /// What may be done with a token. Each includes those before it.
    package enum Scope: String, Sendable, CaseIterable, Comparable {
      /// Looks.
      case read
      /// Steers clients: overrides, primaries, stops of a rollout.
      case operate
      /// Changes the configuration.
      case admin

      private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

      package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    }
  }
}
