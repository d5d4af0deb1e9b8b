import Places

extension Settings.Answers {
  /// Cookies and limits on, names untold: what can stand on the open Internet.
  static let standard = Settings.Answers(
    usesClientSubnet: true, identity: nil, version: nil, cookies: .ownSecret,
    rateLimit: Settings.RateLimit(
      answers: 1_000, nameErrors: 500, errors: 200, slip: 2, isDryRun: false,
      exempt: [
        AddressPrefix(ipv4: 0x7F00_0000, length: 8), AddressPrefix(ipv6: 1, length: 128),
      ]), signatureCount: 65_536)

  mutating func read(_ section: Section, node: Settings.Node) {
    usesClientSubnet = section.optional("client_subnet")?.flag() ?? usesClientSubnet
    identity = section.optional("identity").flatMap { value in
      value.shortText().flatMap { ["off": nil, "node": node.id][$0] ?? $0 }
    }
    version = section.optional("version").flatMap { value in
      value.shortText().flatMap { $0 == "off" ? nil : $0 }
    }
    signatureCount = section.optional("signatures")?.integer(256...16_777_216) ?? signatureCount
    if let value = section.optional("cookies") {
      cookies = value.isMapping ? value.section { $0.sharedCookies() } ?? cookies : value.cookies()
    }
  }
}

extension Settings.RateLimit {
  mutating func read(_ section: Section) {
    let rates = 0...1_000_000
    answers = section.optional("answers")?.integer(rates) ?? answers
    nameErrors = section.optional("nxdomain")?.integer(rates) ?? nameErrors
    errors = section.optional("errors")?.integer(rates) ?? errors
    slip = section.optional("slip")?.integer(0...100) ?? slip
    isDryRun = section.optional("dry_run")?.flag() ?? isDryRun
    if let value = section.optional("exempt") {
      exempt = value.elements().compactMap { $0.addressPrefix() }
    }
  }
}

extension Section {
  fileprivate func sharedCookies() -> Settings.Cookies {
    let wanted = "the cookie secret that all servers of a name share, 32 hexadecimal digits"
    let secret = required("secret", wanted)?.cookieSecret()
    let accepted = optional("accept")?.cookieSecret()
    return secret.map { .shared(secret: $0, accepted: accepted) } ?? .ownSecret
  }
}

extension Value {
  /// The word `off`, where a mapping could stand; anything else is a fault.
  func isOff() -> Bool {
    parsed("a mapping, or off") { $0 == "off" ? true : nil } ?? false
  }

  fileprivate func cookies() -> Settings.Cookies {
    isOff() ? .off : .ownSecret
  }

  /// What fits into one character string of DNS.
  fileprivate func shortText() -> String? {
    parsed("off, or a text of 1 to 255 printable bytes") { text in
      let isPrintable = text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
      return isPrintable && (1...255).contains(text.utf8.count) ? text : nil
    }
  }

  fileprivate func cookieSecret() -> [UInt8]? {
    parsed(
      "32 hexadecimal digits (128 bits), such as openssl rand -hex 16 gives", isSecret: true
    ) { text in
      let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
      guard digits.count == 32, text.utf8.count == 32 else { return nil }
      return stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
  }
}
