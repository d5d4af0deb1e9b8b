extension SettingsReader {
  static func zones(_ value: Value?, services: Names, keys: Names) -> [Settings.Zone] {
    var lines: [[[UInt8]]: Int] = [:]
    return (value?.entries() ?? []).compactMap { entry in
      guard let name = entry.key.absoluteName() else { return nil }
      if let line = lines.updateValue(entry.key.line ?? 0, forKey: name.labels) {
        entry.key.report("the zone is already on line \(line)")
      }
      return entry.value.section { section in
        var reader = ZoneReader(name: name, services: services)
        let transfer = section.zoneTransfer(keys: keys)
        let primary = section.optional("primary")?.section { $0.primary(keys: keys) }
        var zone =
          primary == nil
          ? reader.read(section, origin: entry.value.origin)
          : reader.readSecondary(section, origin: entry.value.origin)
        zone.transfer = transfer ?? Settings.ZoneTransfer.nobody
        zone.primary = primary
        zone.dnssec = section.signing()
        reportUnsignable(zone, section)
        return zone
      }
    }
  }
}

/// Reads one zone: settles owners, TTLs and types, and leaves the records' data to the zone
/// compiler.
struct ZoneReader {
  typealias Zone = Settings.Zone

  let name: OwnerName
  let services: Names
  /// What stands at each owner so far.
  private var owners: [[[UInt8]]: Owner] = [:]

  /// What was said of one owner, for the rules on what may stand beside what.
  private struct Owner {
    var steeredLine: Int?
    var aliasLine: Int?
    var recordLine: Int?
    var records: Set<String> = []
  }

  /// RFC 2181 §8 allows 2³¹ − 1 seconds; these are the whole days in it.
  private static let longestTTLSeconds = 24_855 * 86_400

  init(name: OwnerName, services: Names) {
    self.name = name
    self.services = services
  }

  mutating func read(_ section: Section, origin: Origin) -> Zone {
    let ttl = section.optional("ttl")?.seconds(0...Self.longestTTLSeconds) ?? 3600
    let file = section.optional("file")
    let soaValue =
      file == nil
      ? section.required("soa", "at least {primary: ns1.example.org.}") : section.optional("soa")
    let soa = file == nil ? startOfAuthority(soaValue, ttl: ttl) : nil
    let serverValue = section.optional("ns")
    let nameServers = serverValue.map { value in
      let elements = value.elements()
      if elements.isEmpty { value.report("wants at least one name server") }
      return elements.compactMap { $0.name(in: name)?.text }
    }
    if file != nil {
      for value in [soaValue, serverValue] { value?.report("stands in the zone file") }
    }
    owners[name.labels] = Owner(recordLine: soaValue?.line ?? origin.line)
    let steered = steered(section.optional("steered"))
    let records = (section.optional("records")?.elements() ?? []).compactMap {
      record($0, zoneTTL: ttl)
    }
    return Zone(
      name: name.text, file: file.flatMap { zoneFile($0) }, soa: soa,
      nameServers: nameServers ?? soa.map { [$0.primary] } ?? [], nameServerTTLSeconds: ttl,
      records: records, steered: steered, origin: origin)
  }

  private func zoneFile(_ value: Value) -> Zone.File? {
    value.filePath().map { Zone.File(path: $0, folder: value.document.folder) }
  }

  /// A zone whose records come from a primary: nothing but steered names can be said of it here.
  mutating func readSecondary(_ section: Section, origin: Origin) -> Zone {
    for key in ["soa", "ns", "records", "ttl", "file"] {
      section.optional(key)?.report(
        "cannot stand beside \"primary\": what is in the zone comes from there")
    }
    return Zone(
      name: name.text, file: nil, soa: nil, nameServers: [], nameServerTTLSeconds: 0, records: [],
      steered: steered(section.optional("steered")), origin: origin)
  }

  /// The timers default to what RIPE-203 advises less its long refresh; the negative TTL is short,
  /// since steered names come and go with the configuration.
  private func startOfAuthority(_ value: Value?, ttl: UInt32) -> Zone.StartOfAuthority {
    let zone = name.labels.isEmpty ? "" : name.text
    var soa = Zone.StartOfAuthority(
      primary: ".", mailbox: "hostmaster.\(zone)", serial: 1, refreshSeconds: 7200,
      retrySeconds: 3600, expireSeconds: 1_209_600, minimumSeconds: 60, ttlSeconds: ttl)
    let limits = 1...Self.longestTTLSeconds
    _ = value?.section { section in
      soa.primary =
        section.required("primary", "the name of the primary server")?
        .name(in: name)?.text ?? "."
      soa.mailbox = section.optional("mailbox")?.mailbox(in: name)?.text ?? soa.mailbox
      soa.serial =
        section.optional("serial")?.integer(0...Int(UInt32.max))
        .map { UInt32($0) } ?? soa.serial
      soa.refreshSeconds = section.optional("refresh")?.seconds(limits) ?? soa.refreshSeconds
      soa.retrySeconds = section.optional("retry")?.seconds(limits) ?? soa.retrySeconds
      soa.expireSeconds = section.optional("expire")?.seconds(limits) ?? soa.expireSeconds
      soa.minimumSeconds =
        section.optional("minimum")?.seconds(0...Self.longestTTLSeconds) ?? soa.minimumSeconds
    }
    return soa
  }

  private mutating func steered(_ value: Value?) -> [Zone.Steered] {
    var steered: [Zone.Steered] = []
    for entry in value?.entries() ?? [] {
      let service = entry.value.reference(to: services)
      guard let owner = owner(entry.name, at: entry.key) else { continue }
      if let line = owners[owner.labels]?.steeredLine {
        entry.key.report("\(owner.text) is steered already on line \(line)")
      }
      owners[owner.labels, default: Owner()].steeredLine = entry.key.line ?? 0
      steered.append(
        Zone.Steered(owner: owner.text, service: service ?? 0, origin: entry.key.origin))
    }
    return steered
  }

  private func owner(_ text: String, at value: Value) -> OwnerName? {
    guard let owner = value.name(text, in: name) else { return nil }
    if owner.isInside(name) { return owner }
    value.report("\(owner.text) is outside the zone \(name.text)")
    return nil
  }
}

// MARK: - records

extension ZoneReader {
  /// A record as it was split, before its owner is settled.
  private struct Line {
    var owner: String
    var ttlSeconds: UInt32?
    var type: String
    var data: String
  }

  private mutating func record(_ value: Value, zoneTTL: UInt32) -> Zone.Record? {
    let line: Line? =
      if value.isMapping {
        value.section { fields($0) } ?? nil
      } else {
        value.text("a record such as \"www 300 A 192.0.2.1\"").flatMap { split($0, at: value) }
      }
    guard let line, let owner = owner(line.owner, at: value) else { return nil }
    let record = Zone.Record(
      owner: owner.text, ttlSeconds: line.ttlSeconds ?? zoneTTL, type: line.type.uppercased(),
      data: line.data, origin: value.origin)
    checkNeighbours(record, owner, value)
    return record
  }

  private func fields(_ section: Section) -> Line? {
    let owner = section.required("name", "the owner, such as www or @")?.text("the owner")
    let type = section.required("type", "a type such as A")?
      .parsed("a type such as A, TXT or TYPE65280") { isType($0) ? $0 : nil }
    let data = section.required("data", "the record's data")?.text("the record's data")
    let ttl = section.optional("ttl")?.seconds(0...Self.longestTTLSeconds)
    guard let owner, let type, let data else { return nil }
    return Line(owner: owner, ttlSeconds: ttl, type: type, data: data)
  }

  /// Splits `owner [ttl] [IN] type data` (RFC 1035 §5.1).
  private func split(_ text: String, at value: Value) -> Line? {
    var rest = text[...]
    func word() -> String {
      rest = rest.drop { $0.isWhitespace }
      let word = rest.prefix { !$0.isWhitespace }
      rest = rest[word.endIndex...]
      return String(word)
    }
    let owner = word()
    var type = word()
    var ttl: UInt32?
    while let first = type.utf8.first {
      if isDigit(first), ttl == nil {
        guard let seconds = masterFileTTL(type) else {
          value.report("\"\(type)\" is no TTL; wants seconds or units such as 300, 5m, 1h")
          return nil
        }
        ttl = seconds
      } else if type.uppercased() != "IN" {
        break
      }
      type = word()
    }
    guard isType(type) else {
      let found = type.isEmpty ? "" : "; \"\(type.prefix(40))\" is no type"
      value.report("wants owner [ttl] type data, such as \"www 300 A 192.0.2.1\"\(found)")
      return nil
    }
    let data = rest.drop { $0.isWhitespace }
    if data.isEmpty {
      value.report("wants data behind the type \(type)")
      return nil
    }
    return Line(owner: owner, ttlSeconds: ttl, type: type, data: String(data))
  }

  /// Seconds, or numbers with units as in `1h30m`, as master files have them.
  private func masterFileTTL(_ text: String) -> UInt32? {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    if let seconds = UInt32(text) { return seconds <= Self.longestTTLSeconds ? seconds : nil }
    var total = 0
    var rest = text.lowercased()[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isNumber }
      guard digits.utf8.count <= 10, let number = Int(digits),
        let unit = rest.dropFirst(digits.count).first.flatMap({ units[$0] })
      else { return nil }
      total += number * unit
      guard total <= Self.longestTTLSeconds else { return nil }
      rest = rest.dropFirst(digits.count + 1)
    }
    return UInt32(total)
  }

  /// A mnemonic or TYPEnnn (RFC 3597 §5); whether it is known is the zone compiler's matter.
  private func isType(_ text: String) -> Bool {
    guard let first = text.utf8.first, !isDigit(first) else { return false }
    return text.utf8.allSatisfy {
      isDigit($0) || $0 == UInt8(ascii: "-")
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
    }
  }

  /// What may not stand beside one another at one owner.
  private mutating func checkNeighbours(_ record: Zone.Record, _ owner: OwnerName, _ value: Value) {
    let line = value.line ?? 0
    var here = owners[owner.labels] ?? Owner()
    defer { owners[owner.labels] = here }
    let isApex = owner.labels == name.labels
    guard !isApex || !["SOA", "NS"].contains(record.type) else {
      return value.report("the zone's \(record.type) stands under \"\(record.type.lowercased())\"")
    }
    if !here.records.insert("\(record.type) \(record.data)").inserted {
      value.report("the record stands here twice")
    }
    if record.type == "CNAME" {
      // RFC 1034 §3.6.2: no other data beside a CNAME. RFC 2181 §10.1: only one CNAME.
      if let steered = here.steeredLine {
        value.report("no CNAME may stand at a steered name (line \(steered))")
      } else if isApex {
        value.report("no CNAME may stand at the zone's own name")
      } else if let other = here.aliasLine ?? here.recordLine {
        value.report("no CNAME may stand beside another record (line \(other))")
      }
      here.aliasLine = here.aliasLine ?? line
    } else {
      if let alias = here.aliasLine {
        value.report("no record may stand beside a CNAME (line \(alias))")
      }
      if ["A", "AAAA"].contains(record.type), let steered = here.steeredLine {
        value.report("\(owner.text) is steered (line \(steered)); its addresses are its service's")
      }
      here.recordLine = here.recordLine ?? line
    }
  }
}

extension Value {
  /// The mailbox of a SOA as a domain name (RFC 1035 §3.3.13).
  fileprivate func mailbox(in zone: OwnerName) -> OwnerName? {
    guard let text = text("a mailbox such as hostmaster.example.org.") else { return nil }
    if let at = text.firstIndex(of: "@") {
      let user = text[..<at].split(separator: ".").joined(separator: "\\.")
      report(
        "wants the mailbox as a domain name, found \(found)",
        suggestion: "write \(user).\(text[text.index(after: at)...]).")
      return nil
    }
    return name(text, in: zone)
  }
}
