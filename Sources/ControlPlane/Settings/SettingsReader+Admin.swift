import Places
import Yams

extension SettingsReader {
  static func admin(_ value: Value?) -> Settings.Admin {
    let loopback = SocketAddress(address: .ipv4(0x7F00_0001), port: 8053)
    var admin = Settings.Admin(listen: .address(loopback, nil))
    _ = value?.section { section in
      admin.listen = listening(section, otherwise: loopback)
      admin.metrics = section.optional("metrics")?.listenAddress()
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

  private static func listening(
    _ section: Section, otherwise address: SocketAddress
  ) -> Settings.Admin.Listening? {
    let listen = section.optional("listen")
    let mode = section.optional("mode")
    let tls = section.optional("tls")
    let identity = tls?.adminTLS()
    guard let listen else {
      mode?.report("goes with a unix socket")
      return .address(address, identity)
    }
    let written: String? = if case .scalar(let scalar) = listen.node { scalar.string } else { nil }
    if written?.hasPrefix("unix:") == true {
      tls?.report("goes with an address; a unix socket has its mode")
      guard let text = listen.text("unix: and a path") else { return nil }
      let path = listen.document.absolutePath(String(text.dropFirst("unix:".count)))
      let limit = Settings.Admin.Listening.maximumPathByteCount
      if path.utf8.count > limit {
        listen.report(
          "the path has \(path.utf8.count) bytes, and a socket's may have \(limit): it is made "
            + "under a longer name, for which Linux has 107")
      }
      return .socket(path: path, mode: mode?.permissions() ?? 0o600)
    }
    mode?.report("goes with a unix socket")
    if written == "off" { return nil }
    return listen.listenAddress().map { .address($0, identity) }
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
        hash?.parsed("the SHA-256 of a token, 64 hexadecimal digits", isSecret: true) {
          TokenHash(hex: $0)
        } ?? plain?.tokenHash()
      guard let name, let scope, let read else { return nil }
      return Settings.Admin.Token(name: name, hash: read, scope: scope)
    }
    return read ?? nil
  }
}

extension Value {
  fileprivate func tokenHash() -> TokenHash? {
    parsed("a token of printable ASCII, no spaces", isSecret: true) { text in
      let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !text.isEmpty
      return isPlain ? TokenHash(of: text.utf8) : nil
    }
  }

  /// Of a file, in octal digits.
  fileprivate func permissions() -> UInt16? {
    parsed("permissions in octal digits, such as 0660") { text in
      let digits = text.utf8.allSatisfy { (0x30...0x37).contains($0) }
      return digits && (3...4).contains(text.utf8.count)
        ? UInt16(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil } : nil
    }
  }

  fileprivate func adminTLS() -> Settings.Admin.TLS? {
    let read = section { section -> Settings.Admin.TLS? in
      let files = SettingsReader.certificateFiles(
        section.required("certificate", "the path of a PEM file"),
        section.required("key", "the path of a PEM file"))
      let roots = section.optional("client_roots")?.rootsFile()
      return files.map { Settings.Admin.TLS(files: $0, clientRoots: roots) }
    }
    return read ?? nil
  }
}
