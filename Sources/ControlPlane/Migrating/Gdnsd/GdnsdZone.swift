import Settings

/// A zone file of gdnsd: records stay, DYNA and DYNC become steered names.
struct GdnsdZone {
  /// A name that a plugin answers.
  struct Dynamic {
    /// As a zone of ours has it, relative.
    var owner: String
    /// Such as `geoip!www`.
    var reference: String
    var timeToLive: Int
    var leastTimeToLive: Int
    /// A record of its own, or at the type's mercy: DYNC may answer a CNAME.
    var mayBeName: Bool
    var origin: Origin
  }

  /// Without the final dot.
  let name: String
  private(set) var records: [Tree.Element] = []
  private(set) var dynamics: [Dynamic] = []
  private var startOfAuthority: (fields: Mapping, timeToLive: Int, origin: Origin)?
  private var nameServers: [Tree.Element] = []
  private var nameServerTimeToLive: Int?
  private let report: (Origin, String) -> Void
  private let included: (String) -> SourceText?

  private struct Place {
    var origin: String
    /// The origin with which the file began.
    let start: String
    var timeToLive: Int
    var owner: String
  }

  /// - Parameters:
  ///   - name: of the zone.
  ///   - timeToLive: of records that state none.
  ///   - included: the file of a name behind `$INCLUDE`.
  init(
    _ source: SourceText, name: String, timeToLive: Int,
    included: @escaping (String) -> SourceText?, report: @escaping (Origin, String) -> Void
  ) throws(Faults) {
    self.name = name.hasSuffix(".") ? String(name.dropLast()) : name
    self.report = report
    self.included = included
    let absolute = "\(self.name)."
    try read(
      source,
      Place(origin: absolute, start: absolute, timeToLive: timeToLive, owner: absolute), depth: 0)
    if startOfAuthority == nil {
      throw Faults([Fault(origin: source.origin(1), message: "zone \(name) has no SOA record")])
    }
  }

  private mutating func read(_ source: SourceText, _ start: Place, depth: Int) throws(Faults) {
    var file = MasterFile(source)
    var place = start
    while let entry = try file.next() {
      let origin = source.origin(entry.line)
      func fault(_ message: String) -> Faults { Faults([Fault(origin: origin, message: message)]) }
      let first = entry.fields[0].uppercased()
      let word = entry.fields.count > 1 ? entry.fields[1] : ""
      switch first {
      case _ where !first.hasPrefix("$"): try read(entry, &place, origin)
      case "$TTL":
        guard let ttl = timeToLive(word) else { throw fault("\"\(word)\" is no TTL") }
        place.timeToLive = ttl
      case "$ORIGIN": place.origin = absolute(word, place)
      case "$INCLUDE":
        guard depth < 8 else { throw fault("files include each other more than 8 deep") }
        guard let inner = included(word) else { throw fault(VSCFReader.unread(word)) }
        let origin = entry.fields.count > 2 ? absolute(entry.fields[2], place) : place.origin
        try read(
          inner,
          Place(origin: origin, start: origin, timeToLive: place.timeToLive, owner: place.owner),
          depth: depth + 1)
      default: report(origin, "\(entry.fields[0]) has no counterpart: it is left out")
      }
    }
  }

  private mutating func read(
    _ entry: MasterFile.Entry, _ place: inout Place, _ origin: Origin
  ) throws(Faults) {
    var fields = entry.fields[...]
    if !entry.beginsWithSpace, let owner = fields.popFirst() {
      place.owner = absolute(owner, place)
    }
    var ttlField: String?
    while let field = fields.first,
      field.uppercased() == "IN" || field.utf8.first.map({ (0x30...0x39).contains($0) }) == true
    {
      if field.uppercased() != "IN" { ttlField = field }
      fields.removeFirst()
    }
    guard let type = fields.popFirst()?.uppercased(), !fields.isEmpty else {
      throw Faults([Fault(origin: origin, message: "wants owner, type and data")])
    }
    let times = ttlField?.split(separator: "/", maxSplits: 1).map { timeToLive($0) }
    guard times?.contains(nil) != true else {
      throw Faults([Fault(origin: origin, message: "\"\(ttlField ?? "")\" is no TTL")])
    }
    let most = times?.first.flatMap(\.self) ?? place.timeToLive
    let owner = relative(place.owner)
    switch type {
    case "DYNA", "DYNC":
      let least = times.flatMap { $0.count == 2 ? $0[1] : nil } ?? most / 2
      dynamics.append(
        Dynamic(
          owner: owner, reference: fields.joined(), timeToLive: most, leastTimeToLive: least,
          mayBeName: type == "DYNC", origin: origin))
    case "SOA" where owner == "@": try readStart(Array(fields), place, most, origin)
    case "NS" where owner == "@":
      nameServers.append(
        Tree.Element(tree: .text(absolute(fields.joined(), place)), origin: origin))
      nameServerTimeToLive = nameServerTimeToLive ?? most
    default:
      let data = qualified(Array(fields), type: type, place).joined(separator: " ")
      add(owner, most, type, data, origin)
    }
  }

  /// Adds a record, as a plugin that always says the same comes to one.
  mutating func add(
    _ owner: String, _ timeToLive: Int, _ type: String, _ data: String, _ origin: Origin
  ) {
    records.append(
      Tree.Element(tree: .text("\(owner) \(timeToLive) \(type) \(data)"), origin: origin))
  }

  private mutating func readStart(
    _ fields: [String], _ place: Place, _ timeToLive: Int, _ origin: Origin
  ) throws(Faults) {
    let numbers = fields.dropFirst(2).map { Migrating.timeToLive($0) }
    guard fields.count == 7, let serial = UInt32(fields[2]) else {
      throw Faults([Fault(origin: origin, message: "SOA wants two names and five numbers")])
    }
    var start: Mapping = [
      "primary": .text(absolute(fields[0], place)), "mailbox": .text(absolute(fields[1], place)),
      "serial": "\(serial)",
    ]
    for (key, number) in zip(["refresh", "retry", "expire", "minimum"], numbers.dropFirst()) {
      guard let number else {
        throw Faults([Fault(origin: origin, message: "SOA: \(key) is no number of seconds")])
      }
      start.add(key, "\(number)s", origin)
    }
    startOfAuthority = (start, timeToLive, origin)
  }

  /// The zone, as ours are written.
  ///
  /// - Parameter steered: owners and their services.
  func written(steered: Mapping) -> Tree {
    var zone = Mapping()
    let ttl = nameServerTimeToLive ?? startOfAuthority?.timeToLive ?? 0
    zone.add("ttl", "\(ttl)s", startOfAuthority?.origin)
    if let start = startOfAuthority { zone.add("soa", .mapping(start.fields), start.origin) }
    if !nameServers.isEmpty { zone.add("ns", .list(nameServers), nameServers[0].origin) }
    if !steered.isEmpty { zone.add("steered", .mapping(steered)) }
    if !records.isEmpty { zone.add("records", .list(records)) }
    return .mapping(zone)
  }
}

// MARK: - names

extension GdnsdZone {
  /// With `@`, `@Z` (the zone) and `@F` (the file's first origin) replaced, and the final dot.
  private func absolute(_ text: String, _ place: Place) -> String {
    switch text {
    case "@": return place.origin
    case "@Z", "@z": return "\(name)."
    case "@F", "@f": return place.start
    default: break
    }
    for (mark, origin) in [(".@Z", "\(name)."), (".@F", place.start)]
    where text.uppercased().hasSuffix(mark) {
      return "\(text.dropLast(mark.count)).\(origin)"
    }
    if text.hasSuffix("."), !text.hasSuffix("\\.") { return text }
    return place.origin == "." ? "\(text)." : "\(text).\(place.origin)"
  }

  /// Without the zone's name.
  private func relative(_ absolute: String) -> String {
    let zone = "\(name).".lowercased()
    let lowered = absolute.lowercased()
    if lowered == zone { return "@" }
    guard lowered.hasSuffix(".\(zone)"), lowered.utf8.count == absolute.utf8.count else {
      return absolute
    }
    let owner = String(absolute.utf8.dropLast(zone.utf8.count + 1)) ?? absolute
    return owner.isEmpty || owner.hasSuffix("\\") ? absolute : owner
  }

  /// Data of a record, names in it absolute.
  private func qualified(_ fields: [String], type: String, _ place: Place) -> [String] {
    let index = ["NS": 0, "CNAME": 0, "PTR": 0, "MX": 1, "SRV": 3, "NAPTR": 5][type]
    guard let index, index < fields.count else { return fields }
    var fields = fields
    fields[index] = absolute(fields[index], place)
    return fields
  }
}
