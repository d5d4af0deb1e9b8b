import Places
import Settings

/// A domain of PowerDNS's geoip backend, and what its services come to.
struct PowerDNSDomain {
  /// One record.
  struct Record {
    var type: String
    var content: String
    var timeToLive: Int
    var weight: Int?
    var origin: Origin
  }

  let name: String
  let timeToLive: Int
  let origin: Origin
  /// By owner, lower-case and without the final dot, in the order of the file.
  private(set) var records: [(owner: String, records: [Record])] = []
  private var recordsOfOwner: [String: [Record]] = [:]
  let services: [(owner: String, node: PowerDNSNode)]
  /// In the order in which they count: the clients of a key of `custom_mapping`, and its value.
  private let mapping: [(match: PowerDNSFormat.Match, value: String)]
  private let report: (Origin, String) -> Void

  /// - Parameter outer: the whole file, whose mapping counts where the domain has none.
  init(
    _ node: PowerDNSNode, outer: PowerDNSNode, report: @escaping (Origin, String) -> Void
  ) throws(Faults) {
    self.report = report
    origin = node.origin
    guard let name = node["domain"]?.text.map(Self.bare), !name.isEmpty else {
      throw Faults([Fault(origin: origin, message: "a domain has no name")])
    }
    self.name = name
    timeToLive = node["ttl"]?.text.flatMap { Migrating.timeToLive($0) } ?? 0
    services = (node["services"]?.entries ?? []).map { (Self.bare($0.key), $0.value) }
    mapping = Self.mapping(node, outer, report)
    for entry in node["records"]?.entries ?? [] {
      let found = entry.value.elements.flatMap { readRecords($0) }
      let owner = Self.bare(entry.key)
      records.append((owner, found))
      if recordsOfOwner[owner] == nil { recordsOfOwner[owner] = found }
    }
  }

  static func bare(_ name: String) -> String {
    let lowered = name.lowercased()
    return lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
  }

  private func readRecords(_ node: PowerDNSNode) -> [Record] {
    node.entries.compactMap { type, value in
      let content = value.isMapping ? value["content"]?.text : value.text
      let format = PowerDNSFormat(content ?? "")
      guard let plain = format.plain, !plain.isEmpty else {
        report(
          value.origin, "\(type): what the client is said to be has no counterpart in records")
        return nil
      }
      return Record(
        type: type.uppercased(), content: plain,
        timeToLive: value["ttl"]?.text.flatMap { Migrating.timeToLive($0) } ?? timeToLive,
        weight: value["weight"]?.text.flatMap { Int($0) }, origin: value.origin)
    }
  }

  /// Formats in their order, of each the keys that it makes.
  private static func mapping(
    _ node: PowerDNSNode, _ outer: PowerDNSNode, _ report: (Origin, String) -> Void
  ) -> [(match: PowerDNSFormat.Match, value: String)] {
    let formats = node["mapping_lookup_formats"] ?? outer["mapping_lookup_formats"]
    let table = node["custom_mapping"] ?? outer["custom_mapping"]
    let keys = table?.entries ?? []
    var known: Set<String> = []
    var found: [(match: PowerDNSFormat.Match, value: String)] = []
    for format in (formats?.elements ?? []).compactMap(\.text) {
      for entry in keys {
        let matches = PowerDNSFormat(format).matches(entry.key, mapped: { _ in [] }) ?? []
        guard let match = matches.first, known.insert(entry.key).inserted else { continue }
        found.append((match, entry.value.text?.lowercased() ?? ""))
      }
    }
    for entry in keys where !known.contains(entry.key) {
      report(entry.value.origin, "\(entry.key): no format that has a counterpart makes this key")
    }
    return found
  }

  func records(of owner: String) -> [Record]? { recordsOfOwner[owner] }
}

// MARK: - where clients go

extension PowerDNSDomain {
  /// Clients, and the owner of the records that they get.
  struct Rule {
    var match: PowerDNSFormat.Match
    var owner: String
  }

  /// What formats come to, the first that counts first: of each, the records that it makes.
  ///
  /// - Parameter node: a format or a list of them.
  func rules(_ node: PowerDNSNode, of service: String) -> [Rule] {
    node.elements.flatMap { element -> [Rule] in
      guard let text = element.text else { return [] }
      let format = PowerDNSFormat(text)
      if let plain = format.plain {
        return [Rule(match: PowerDNSFormat.Match(key: nil, value: ""), owner: Self.bare(plain))]
      }
      var rules: [Rule] = []
      for (owner, _) in records {
        guard let matches = format.matches(owner, mapped: clients(of:)) else { continue }
        if matches.isEmpty {
          report(element.origin, "\(owner): \(text) makes it of what no rule can tell")
        }
        rules += matches.map { Rule(match: $0, owner: owner) }
      }
      if rules.isEmpty { report(element.origin, "\(service): no record is made by \(text)") }
      guard format.places.contains("%mp") else { return rules }
      return rules.sorted { rank($0.match) < rank($1.match) }
    }
  }

  /// Of a value of `%mp`.
  private func clients(of value: String) -> [PowerDNSFormat.Match] {
    mapping.filter { $0.value == value }.map(\.match)
  }

  /// What is found by an earlier format of the mapping counts first, whichever record it is of.
  private func rank(_ match: PowerDNSFormat.Match) -> Int {
    mapping.firstIndex { $0.match == match } ?? 0
  }
}
