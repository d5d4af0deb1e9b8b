import Places
import Yams

extension SettingsReader {
  static func admin(_ value: Value?) -> Settings.Admin {
    var admin = Settings.Admin(listen: SocketAddress(address: .ipv4(0x7F00_0001), port: 8053))
    _ = value?.section { section in
      if let listen = section.optional("listen") { admin.listen = listen.adminAddress() }
      admin.tokens = tokens(section)
      admin.names = (section.optional("names")?.elements() ?? []).compactMap { $0.hostName() }
      admin.auditLog = section.optional("audit_log")?.accessLog() ?? .off
      let reads = section.optional("reads")
      admin.readsWantToken = reads?.choice(["open": false, "token": true]) ?? false
      if admin.readsWantToken, admin.tokens.isEmpty {
        reads?.report("nobody could read: there are no tokens", suggestion: "azimuth token new")
      }
    }
    return admin
  }

  /// Those of `tokens`, and `token`, which stands for one that may do everything.
  private static func tokens(_ section: Section) -> [Settings.Admin.Token] {
    var tokens: [Settings.Admin.Token] = []
    if let value = section.optional("token"), let hash = value.tokenHash() {
      tokens.append(Settings.Admin.Token(name: "admin", hash: hash, scope: .admin))
    }
    for element in section.optional("tokens")?.elements() ?? [] {
      guard let token = token(element) else { continue }
      if let other = tokens.first(where: { $0.name == token.name }) {
        element.report("there is a token \(other.name) already")
      } else if let other = tokens.first(where: { $0.hash == token.hash }) {
        element.report("is the same token as that of \(other.name)")
      } else {
        tokens.append(token)
      }
    }
    return tokens
  }

  private static func token(_ value: Value) -> Settings.Admin.Token? {
    let read = value.section { section -> Settings.Admin.Token? in
      let name = section.required("name", "who has it")?
        .parsed("a name of letters, digits, '-', '_' and '.'") { isName($0) ? $0 : nil }
      let scope = section.required("scope", "one of read, operate, admin")?
        .choice(["read": Settings.Admin.Scope.read, "operate": .operate, "admin": .admin])
      let hash = section.optional("sha256")
      let plain = section.optional("token")
      if hash == nil, plain == nil {
        value.report("wants sha256, or token", suggestion: "azimuth token new makes both")
      } else if hash != nil {
        plain?.report("goes without sha256: give one of them")
      }
      let read =
        hash?.parsed("the SHA-256 of a token, 64 hexadecimal digits") { TokenHash(hex: $0) }
        ?? plain?.tokenHash()
      guard let name, let scope, let read else { return nil }
      return Settings.Admin.Token(name: name, hash: read, scope: scope)
    }
    return read ?? nil
  }
}

extension Value {
  fileprivate func tokenHash() -> TokenHash? {
    parsed("a token of printable ASCII, no spaces") { text in
      let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !text.isEmpty
      return isPlain ? TokenHash(of: text.utf8) : nil
    }
  }

  /// nil for `off`.
  fileprivate func adminAddress() -> SocketAddress? {
    if case .scalar(let scalar) = node, scalar.string == "off" { return nil }
    return listenAddress()
  }
}
