import Places
package import Settings

extension Migration {
  /// The configuration that answers as PowerDNS's geoip backend did.
  ///
  /// - Parameters:
  ///   - databases: .mmdb files; relative to `folder`.
  ///   - folder: where relative paths of the result start.
  /// - Throws: what is wrong in the file, by its lines.
  package static func powerDNS(
    _ source: SourceText, databases: [String] = [], folder: String = "/"
  ) throws(Faults) -> Migration {
    var migrating = PowerDNSMigration()
    let file = try PowerDNSNode(source)
    var sections = Mapping()
    if databases.isEmpty {
      migrating.findings.report(
        source.origin(1), "say with --database which .mmdb files are to be asked")
    } else {
      sections.add("geo", .mapping(["databases": .list(databases.map { .text($0) })]))
    }
    try migrating.read(file)
    migrating.addSections(to: &sections)
    return try Migration(
      of: "powerdns", sections, findings: migrating.findings.all, folder: folder,
      origin: source.origin(1))
  }
}

/// One migration from PowerDNS under way.
struct PowerDNSMigration {
  let findings = Findings()
  private var regions = Mapping()
  private var regionNames: Set<String> = []
  private var pools = Mapping()
  private var policies = Mapping()
  private var services = Mapping()
  private var zones = Mapping()
  private var names = NameBook()
  private var serviceNames = NameBook()

  mutating func read(_ file: PowerDNSNode) throws(Faults) {
    guard let domains = file["domains"] else {
      throw Faults([Fault(origin: file.origin, message: "wants domains")])
    }
    for node in domains.elements {
      let domain = try PowerDNSDomain(node, outer: file, report: findings.report)
      try refuseExhausted(file)
      var steered = Mapping()
      for service in domain.services {
        if let name = readService(service.owner, service.node, of: domain) {
          steered.add(relative(service.owner, domain), .text(name), service.node.origin)
        }
      }
      try refuseExhausted(file)
      try addZone(domain, steered: steered)
    }
    try refuseExhausted(file)
  }

  /// What was not read any more would be left out without a word.
  private func refuseExhausted(_ file: PowerDNSNode) throws(Faults) {
    guard file.isExhausted else { return }
    throw Faults([Fault(origin: file.origin, message: "stands for more values than anyone has")])
  }

  func addSections(to sections: inout Mapping) {
    sections.add("regions", .mapping(regions))
    sections.add("pools", .mapping(pools))
    sections.add("policies", .mapping(policies))
    sections.add("services", .mapping(services))
    sections.add("zones", .mapping(zones))
  }

  private func relative(_ owner: String, _ domain: PowerDNSDomain) -> String {
    if owner == domain.name { return "@" }
    return owner.hasSuffix(".\(domain.name)")
      ? String(owner.dropLast(domain.name.count + 1)) : "\(owner)."
  }
}

// MARK: - services

extension PowerDNSMigration {
  /// - Returns: the service's name; nil if nobody would get anything.
  private mutating func readService(
    _ owner: String, _ node: PowerDNSNode, of domain: PowerDNSDomain
  ) -> String? {
    // By network, where it is a mapping; the longest comes first.
    var networks: [(prefix: AddressPrefix, rules: [PowerDNSDomain.Rule])] = []
    var rules: [PowerDNSDomain.Rule] = []
    if node.isMapping {
      for entry in node.entries {
        if entry.key == "default" {
          rules = domain.rules(entry.value, of: owner)
        } else if let prefix = AddressPrefix(entry.key) {
          guard !entry.value.isNothing else {
            findings.report(
              entry.value.origin,
              "\(owner) answers nothing to \(prefix), which has no counterpart: it is left out")
            return nil
          }
          networks.append((prefix, domain.rules(entry.value, of: owner)))
        } else {
          findings.report(entry.value.origin, "\(entry.key) is no network: it is left out")
        }
      }
    } else {
      rules = domain.rules(node, of: owner)
    }
    guard networks.isEmpty || !rules.isEmpty else {
      findings.report(
        node.origin,
        "\(owner) answers some networks only, which has no counterpart: it is left out; with a "
          + "default it would not be")
      return nil
    }
    networks.sort { $0.prefix.length > $1.prefix.length }
    let all = networks.flatMap(\.rules) + rules
    var targets: [String: (sites: [Site], tree: Tree)] = [:]
    for rule in all where targets[rule.owner] == nil {
      targets[rule.owner] = target(rule.owner, domain, node.origin)
    }
    let sites = all.flatMap { targets[$0.owner]?.sites ?? [] }
    let addressed = uniformSites(distinct(sites.filter { $0.name == nil }), findings.report)
    let named = distinct(sites.filter { $0.name != nil })
    guard !addressed.isEmpty || !named.isEmpty else {
      findings.report(node.origin, "\(owner) answers nothing that there is: it is left out")
      return nil
    }
    let isByName = addressed.isEmpty
    let trees = targets.compactMapValues { target in
      target.sites.contains { ($0.name != nil) == isByName } ? target.tree : nil
    }
    if !isByName {
      for site in named {
        findings.report(
          site.origin, "\(site.name ?? ""): a service answers addresses or names; it is left out")
      }
    }
    guard let policy = policy(owner, networks, rules, trees, at: node.origin) else {
      findings.report(
        node.origin, "\(owner): its default answers nothing that there is: it is left out")
      return nil
    }
    return addService(owner, domain, policy, isByName ? named : addressed, at: node.origin)
  }

  private func distinct(_ sites: [Site]) -> [Site] {
    var seen: Set<String> = []
    return sites.filter { seen.insert($0.region).inserted }
  }

  /// The regions of an owner's records, and the policy among them.
  private mutating func target(
    _ owner: String, _ domain: PowerDNSDomain, _ origin: Origin
  ) -> (sites: [Site], tree: Tree) {
    let short = relative(owner, domain)
    func site(_ part: String, _ origin: Origin) -> Site {
      let wanted = "\(short == "@" ? domain.name : short)\(part)"
      return Site(
        region: names.name("region \(owner)\(part)", wanted: wanted, suffix: "region"),
        origin: origin)
    }
    let records = domain.records(of: owner)
    let addresses = (records ?? []).filter { ["A", "AAAA"].contains($0.type) }
    guard let first = addresses.first else {
      var one = site("", records?.first?.origin ?? origin)
      let target = records?.first { $0.type == "CNAME" }?.content ?? owner
      one.name = target.hasSuffix(".") ? target : "\(target)."
      if records != nil, records?.contains(where: { $0.type == "CNAME" }) == false {
        findings.report(one.origin, "\(owner): of its records a service could answer none")
        return ([], .text(one.region))
      }
      add(one)
      return ([one], .text(one.region))
    }
    guard addresses.contains(where: { $0.weight != nil }) else {
      var one = site("", first.origin)
      for record in addresses { add(record, to: &one) }
      add(one)
      return ([one], .text(one.region))
    }
    // One of each type is drawn there; here, one server.
    var sites: [Site] = []
    var shares = Mapping()
    // 100 is what a record has that says none.
    let weights = addresses.map { max($0.weight ?? 100, 0) }
    let largest = weights.max() ?? 100
    if largest > 1000 {
      findings.report(first.origin, "\(owner): weights up to \(largest) are scaled to 1000")
    }
    let others = addresses.filter { $0.type != first.type }
    for (index, record) in addresses.filter({ $0.type == first.type }).enumerated() {
      var part = site("-\(index + 1)", record.origin)
      add(record, to: &part)
      if others.indices.contains(index) { add(others[index], to: &part) }
      if part.addresses.isEmpty { continue }
      sites.append(part)
      add(part)
      if let weight = record.weight, weight < 0 {
        findings.report(record.origin, "weight \(weight) becomes 0")
      }
      let weight = scaled(max(record.weight ?? 100, 0), largest: largest)
      shares.add(part.region, "\(weight)", record.origin)
    }
    return (sites, .mapping(["type": "weighted", "shares": .mapping(shares)]))
  }

  /// Ours go up to 1000; what had a share keeps one.
  private func scaled(_ weight: Int, largest: Int) -> Int {
    guard largest > 1000, weight > 0 else { return weight }
    return max(1, Int((Double(weight) / Double(largest) * 1000).rounded()))
  }

  private mutating func add(_ site: Site) {
    guard regionNames.insert(site.region).inserted else { return }
    regions.add(site.region, .mapping([:]), site.origin)
  }

  private func add(_ record: PowerDNSDomain.Record, to site: inout Site) {
    guard let address = IPAddress(record.content) else {
      findings.report(record.origin, "\"\(record.content)\" is no address: it is left out")
      return
    }
    if !site.addresses.contains(address) { site.addresses.append(address) }
  }

  /// - Parameter trees: by owner, of those that have something to answer.
  private mutating func policy(
    _ owner: String, _ networks: [(prefix: AddressPrefix, rules: [PowerDNSDomain.Rule])],
    _ rules: [PowerDNSDomain.Rule], _ trees: [String: Tree], at origin: Origin
  ) -> String? {
    func tree(_ rules: [PowerDNSDomain.Rule]) -> (rules: [Tree], otherwise: Tree)? {
      let found = rules.filter { trees[$0.owner] != nil }
      let end = found.firstIndex { $0.match.key == nil }
      let matches = found[..<(end ?? found.endIndex)]
      guard let otherwise = (end.map { found[$0] } ?? found.first).flatMap({ trees[$0.owner] })
      else { return nil }
      if end == nil {
        findings.report(
          origin, "\(owner): clients that no record is for go where those of the first rule go")
      }
      let written = matches.compactMap { rule -> Tree? in
        guard let key = rule.match.key, let use = trees[rule.owner] else { return nil }
        return .mapping([key: .text(rule.match.value), "use": use])
      }
      return (written, otherwise)
    }
    func policy(_ found: (rules: [Tree], otherwise: Tree)) -> Tree {
      found.rules.isEmpty
        ? found.otherwise
        : .mapping(["type": "geo", "rules": .list(found.rules), "default": found.otherwise])
    }
    let byNetwork = networks.compactMap { network in
      tree(network.rules).map { found -> Tree in
        .mapping(["prefix": "\(network.prefix)", "use": policy(found)])
      }
    }
    guard let last = tree(rules) else { return nil }
    let whole = policy((byNetwork + last.rules, last.otherwise))
    let name = names.name("policy \(owner)", wanted: owner, suffix: "policy")
    if case .mapping = whole {
      policies.add(name, whole, origin)
    } else {
      policies.add(name, .mapping(["type": "failover", "order": .list([whole])]), origin)
    }
    return name
  }

  private mutating func addService(
    _ owner: String, _ domain: PowerDNSDomain, _ policy: String, _ sites: [Site], at origin: Origin
  ) -> String {
    let name = serviceNames.name(owner, wanted: owner)
    var service: Mapping = ["policy": .text(policy)]
    var content = Mapping()
    for site in sites {
      let addresses = site.addresses.map { "\(SocketAddress(address: $0, port: 80))" }
      content.add(
        site.region, site.name.map { .text($0) } ?? .list(addresses.map { .text($0) }), site.origin)
    }
    if sites.contains(where: { $0.name != nil }) {
      // No CNAME may stand at the zone's own name.
      service.add(owner == domain.name ? "alias" : "cname", .mapping(content), origin)
    } else {
      pools.add(name, .mapping(["endpoints": .mapping(content)]), origin)
      service.add("pool", .text(name))
      let size = sites.map(\.addresses.count).max() ?? 0
      if size > 8 { service.add("addresses", "\(min(size, 32))") }
    }
    service.add("ttl", "\(min(domain.timeToLive, 86_400))s", domain.origin)
    services.add(name, .mapping(service), origin)
    return name
  }
}

// MARK: - zones

extension PowerDNSMigration {
  private mutating func addZone(_ domain: PowerDNSDomain, steered: Mapping) throws(Faults) {
    var zone: Mapping = ["ttl": "\(domain.timeToLive)s"]
    var servers: [Tree.Element] = []
    var written: [Tree.Element] = []
    var hasStart = false
    let steeredOwners = Set(steered.entries.map(\.key))
    for (owner, records) in domain.records {
      let short = relative(owner, domain)
      for record in records {
        switch record.type {
        case "SOA" where short == "@":
          zone.add("soa", try start(record), record.origin)
          hasStart = true
        case "NS" where short == "@":
          servers.append(Tree.Element(tree: .text(absolute(record.content)), origin: record.origin))
        case "A", "AAAA", "CNAME":
          guard !steeredOwners.contains(short) else {
            findings.report(
              record.origin, "\(owner) is steered: its own \(record.type) is left out")
            continue
          }
          fallthrough
        default:
          let text = "\(short) \(record.timeToLive) \(record.type) \(data(record))"
          written.append(Tree.Element(tree: .text(text), origin: record.origin))
        }
      }
    }
    guard hasStart else {
      throw Faults([
        Fault(origin: domain.origin, message: "\(domain.name) has no soa at its own name")
      ])
    }
    if !servers.isEmpty { zone.add("ns", .list(servers), servers[0].origin) }
    if !steered.isEmpty { zone.add("steered", .mapping(steered)) }
    if !written.isEmpty { zone.add("records", .list(written)) }
    zones.add(domain.name, .mapping(zone), domain.origin)
  }

  /// Names are written without the final dot there.
  private func absolute(_ name: String) -> String { name.hasSuffix(".") ? name : "\(name)." }

  private func start(_ record: PowerDNSDomain.Record) throws(Faults) -> Tree {
    let fields = record.content.split(separator: " ").map(String.init)
    guard fields.count == 7, let serial = UInt32(fields[2]),
      fields[3...].allSatisfy({ timeToLive($0) != nil })
    else {
      throw Faults([
        Fault(origin: record.origin, message: "soa wants two names and five numbers")
      ])
    }
    var start: Mapping = [
      "primary": .text(absolute(fields[0])), "mailbox": .text(absolute(fields[1])),
      "serial": "\(serial)",
    ]
    for (key, field) in zip(["refresh", "retry", "expire", "minimum"], fields[3...]) {
      start.add(key, "\(timeToLive(field) ?? 0)s", record.origin)
    }
    return .mapping(start)
  }

  /// As a master file has it.
  private func data(_ record: PowerDNSDomain.Record) -> String {
    switch record.type {
    case "CNAME", "NS", "PTR": return absolute(record.content)
    case "MX", "SRV":
      let words = record.content.split(separator: " ").map(String.init)
      return (words.dropLast() + words.suffix(1).map(absolute)).joined(separator: " ")
    case "TXT" where !record.content.hasPrefix("\""):
      let quoted = record.content.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      return "\"\(quoted)\""
    default: return record.content
    }
  }
}
