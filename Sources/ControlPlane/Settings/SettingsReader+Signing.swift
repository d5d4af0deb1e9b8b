extension SettingsReader {
  /// Reports what a signed zone cannot have beside it.
  static func reportUnsignable(_ zone: Settings.Zone, _ section: Section) {
    guard zone.dnssec != nil else { return }
    if zone.transfer != Settings.ZoneTransfer.nobody {
      section.optional("transfer")?.report(
        "cannot stand beside \"dnssec\": signatures are made for each answer, and a secondary would "
          + "serve the zone unsigned")
    }
    for record in zone.records where Settings.Signing.made.contains(record.type) {
      section.value.document.report(
        line: record.origin.line, path: record.origin.path,
        "\(record.type) of a zone with \"dnssec\" is made by the server",
        suggestion: record.type == "DNSKEY" ? "name the key's file in dnssec.publish" : nil)
    }
  }
}

extension Settings.Signing {
  /// The types whose records a signed zone makes itself. NSEC3 and NSEC3PARAM it never has.
  package static let made = ["DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM"]
}

extension Section {
  /// `dnssec` of a zone.
  ///
  /// Two weeks outlast a long weekend in which clocks are wrong or nothing can be deployed; a
  /// stolen answer is not good for longer.
  func signing() -> Settings.Signing? {
    optional("dnssec")?.section { section in
      let day = 86_400
      let keys = section.required(
        "keys", "the files of at least one key, such as [\(Self.example)]")
      let signing = Settings.Signing(
        keys: keys?.keyFiles() ?? [],
        published: section.optional("publish")?.keyFiles() ?? [],
        validitySeconds: section.optional("validity")?.seconds(day...(90 * day))
          ?? UInt32(14 * day),
        keyTTLSeconds: section.optional("dnskey_ttl")?.seconds(60...(7 * day)) ?? 3600)
      if let keys, keys.elements().isEmpty { keys.report("wants at least one key's file") }
      return signing
    }
  }

  private static let example = "Kexample.org.+013+12345"
}

extension Value {
  fileprivate func keyFiles() -> [Settings.Signing.KeyFile] {
    elements().compactMap { element in
      element.text("the path of a key's files, such as Kexample.org.+013+12345").map {
        Settings.Signing.KeyFile(
          path: element.document.absolutePath($0), origin: element.origin)
      }
    }
  }
}
