extension SettingsReader {
  static func listenerTLS(_ value: Value?) -> Settings.ListenerTLS? {
    let read = value?.section { section -> Settings.ListenerTLS? in
      let certificates = section.required(
        "certificates", "a list such as [{certificate: web.pem, key: web.key}]")
      let elements = certificates?.elements() ?? []
      if let certificates, elements.isEmpty { certificates.report("wants at least one") }
      let clients = section.optional("client_certificates")
      let roots = section.optional("client_roots")
      let words: KeyValuePairs<String, Settings.ListenerTLS.Clients> = [
        "off": .off, "optional": .optional, "required": .required,
      ]
      let tls = Settings.ListenerTLS(
        certificates: elements.compactMap { $0.certificateFiles() },
        minimumVersion: version(section), protocols: protocols(section),
        clients: clients?.choice(words) ?? (roots == nil ? .off : .required),
        clientRoots: roots?.rootsFile(), origin: section.value.origin)
      switch (tls.clients, roots) {
      case (.off, let roots?):
        roots.report("nobody is asked for a certificate: client_certificates is off")
      case (.optional, nil), (.required, nil):
        clients?.report(
          "wants client_roots: whose certificates are good",
          suggestion: "client_roots: clients.pem")
      default: break
      }
      return tls
    }
    return read ?? nil
  }

  static func endpointTLS(_ value: Value?) -> Settings.EndpointTLS? {
    value?.section { section in
      let verify = section.optional("verify")
      let roots = section.optional("roots")
      let isVerified = verify?.flag() ?? true
      if !isVerified { roots?.report("nothing is verified") }
      return Settings.EndpointTLS(
        serverName: section.optional("server_name")?.hostName(),
        isVerified: isVerified, roots: roots?.rootsFile(),
        certificate: ownCertificate(section), minimumVersion: version(section),
        protocols: protocols(section), origin: section.value.origin)
    }
  }

  /// `certificate` and `key` of who may have both; nil: neither, or after a fault.
  static func ownCertificate(_ section: Section) -> Settings.CertificateFiles? {
    let certificate = section.optional("certificate")
    let key = section.optional("key")
    if let one = certificate ?? key, certificate == nil || key == nil {
      one.report("certificate and key go together")
    }
    return certificateFiles(certificate, key)
  }

  /// nil, after a fault, unless both files can be read.
  static func certificateFiles(_ certificate: Value?, _ key: Value?) -> Settings
    .CertificateFiles?
  {
    guard let certificate, let key, let certificateFile = certificate.filePath(),
      let keyFile = key.filePath()
    else { return nil }
    return Settings.CertificateFiles(
      certificate: certificateFile, key: keyFile, certificateOrigin: certificate.origin,
      keyOrigin: key.origin)
  }

  private static func version(_ section: Section) -> Settings.TLSVersion {
    section.optional("minimum_version")?.choice(["1.2": .tls12, "1.3": .tls13]) ?? .tls12
  }

  private static func protocols(_ section: Section) -> [String] {
    (section.optional("alpn")?.elements() ?? []).compactMap { element in
      element.parsed("the name of a protocol, such as h2") { text in
        let isName =
          (1...255).contains(text.utf8.count)
          && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isName ? text : nil
      }
    }
  }
}

extension Value {
  /// `{certificate, key}`.
  fileprivate func certificateFiles() -> Settings.CertificateFiles? {
    let read = section { section in
      SettingsReader.certificateFiles(
        section.required("certificate", "the path of a PEM file"),
        section.required("key", "the path of a PEM file"))
    }
    return read ?? nil
  }

  func rootsFile() -> Settings.RootsFile? {
    filePath().map { Settings.RootsFile(path: $0, origin: origin) }
  }

  /// A name as TLS asks for it (RFC 6066 §3): without the last dot.
  func hostName() -> String? {
    absoluteName().map { String($0.text.hasSuffix(".") ? $0.text.dropLast() : $0.text[...]) }
  }
}
