/// All keys of a zone, and which of them does what at a time.
package struct ZoneKeySet: Sendable {
  package let pairs: [ZoneKey]
  /// Keys that are told and do not sign here: of a roll's next step, or of others who sign too.
  package let published: [KeyRecord]

  package init(pairs: [ZoneKey], published: [KeyRecord]) {
    self.pairs = pairs
    self.published = published
  }

  /// What a zone's keys are at some time.
  package struct Roles: Sendable {
    /// The DNSKEY set.
    package var records: [KeyRecord]
    /// Sign all sets but DNSKEY.
    package var zoneKeys: [ZoneKey]
    /// Sign the DNSKEY set.
    package var keySigningKeys: [ZoneKey]
  }

  /// Why a zone cannot be signed: a sentence.
  package struct Refusal: Error, Equatable {
    package let message: String
  }

  /// For each algorithm: keys that are secure entry points sign the keys. The others sign
  /// everything else; without others the entry points sign that too.
  ///
  /// - Throws: nothing would sign some of it. Every algorithm of the DNSKEY set has to sign every
  ///   set (RFC 4035 §2.2).
  package func roles(at now: Int) throws(Refusal) -> Roles {
    var roles = Roles(records: [], zoneKeys: [], keySigningKeys: [])
    for key in pairs where key.schedule.isPublished(at: now) { add(key.record, to: &roles) }
    for record in published { add(record, to: &roles) }
    let active = pairs.filter { $0.schedule.isActive(at: now) }
    guard !active.isEmpty else {
      throw Refusal(message: "no key is active now\(next(after: now))")
    }
    for algorithm in Set(roles.records.map(\.algorithm)).sorted() {
      let keys = active.filter { $0.record.algorithm == algorithm }
      let entries = keys.filter(\.record.isSecureEntryPoint)
      let others = keys.filter { !$0.record.isSecureEntryPoint }
      if keys.isEmpty {
        throw Refusal(
          message: "of algorithm \(algorithm) there is a key, and none that is active now"
            + "\(next(after: now)): every algorithm has to sign (RFC 4035 §2.2)")
      }
      if entries.isEmpty {
        throw Refusal(
          message: "of algorithm \(algorithm) no key that is active now is an entry point "
            + "(flags 257), which signs the keys")
      }
      roles.keySigningKeys += entries
      roles.zoneKeys += others.isEmpty ? entries : others
    }
    return roles
  }

  /// When next a key changes its part.
  package func nextChange(after now: Int) -> Int? {
    pairs.compactMap { $0.schedule.nextChange(after: now) }.min()
  }

  private func add(_ record: KeyRecord, to roles: inout Roles) {
    if !roles.records.contains(record) { roles.records.append(record) }
  }

  private func next(after now: Int) -> String {
    let next = pairs.compactMap(\.schedule.activate).filter { $0 > now }.min()
    return next.map { " (the next one from \(KeyTime.render($0)) on)" } ?? ""
  }
}
