import Places

/// What a steered name answers beside or in place of the addresses of endpoints.
extension ServiceReader {
  typealias Service = Settings.Service

  func content(_ section: Section) -> Service.Content {
    let cname = section.optional("cname")
    let alias = section.optional("alias")
    if let alias, cname != nil { alias.report("goes without cname: give one of them") }
    if let cname { return .names(targets(cname)) }
    if let alias { return .resolved(targets(alias)) }
    return .endpoints
  }

  /// `{tokyo: a.cdn.example.net., …}`
  private func targets(_ value: Value) -> [Service.Target] {
    let entries = value.entries() ?? []
    if value.isMapping, entries.isEmpty { value.report("wants at least one region") }
    return entries.compactMap { entry in
      let region = regions.index(of: entry.name, at: entry.key)
      guard let name = entry.value.absoluteName() else { return nil }
      if name.labels.isEmpty { entry.value.report("the root cannot serve") }
      return Service.Target(region: region ?? 0, name: name.text, origin: entry.value.origin)
    }
  }

  /// More would not fit into an answer with the hints of all of them.
  private static let mostBindings = 16

  func bindings(_ section: Section, content: Service.Content) -> [Service.Binding] {
    ["https", "svcb"].flatMap { key -> [Service.Binding] in
      guard let value = section.optional(key) else { return [] }
      // RFC 1034 §3.6.2: no other data beside a CNAME.
      if case .names = content { value.report("cannot stand beside cname") }
      let elements = value.elements()
      if elements.isEmpty { value.report("wants at least one record such as '1 . alpn=h2'") }
      if elements.count > Self.mostBindings {
        value.report("has \(elements.count) records, more than \(Self.mostBindings)")
      }
      return elements.compactMap { element in
        element.line("a record's data such as '1 . alpn=\"h2,h3\"'").map {
          Service.Binding(isHTTPS: key == "https", text: $0, origin: element.origin)
        }
      }
    }
  }
}

// MARK: - what goes with steered names and listeners

extension ServiceReader {
  /// Resolvers take negative answers for everyone (RFC 7871 §7.4): a type that only some outcomes
  /// of a steered name have would be hidden by the no data of the others. So every region that a
  /// service may choose has the same kinds of addresses.
  func reportUnevenFamilies(_ service: Service, index: Int, at value: Value) {
    guard service.content == .endpoints, let pool = service.pool.map({ pools[$0] }) else { return }
    let reachable = reachableRegions(of: service, index: index)
    var families: [Int: Set<Bool>] = [:]
    for endpoint in pool.endpoints where reachable.contains(endpoint.region) {
      families[endpoint.region, default: []].insert(endpoint.address.isIPv6)
    }
    guard Set(families.values).count > 1 else { return }
    let lists = [("A", false), ("AAAA", true)].map { type, isIPv6 in
      let names = families.filter { !$0.value.contains(isIPv6) }.keys.sorted()
      return (type: type, without: names.map { regions.all[$0] }.joined(separator: ", "))
    }.filter { !$0.without.isEmpty }
    let lacks = lists.map { "no \($0.type) in \($0.without)" }.joined(separator: " and ")
    value.report(
      "pool \"\(pool.name)\" gives steered names other types in some regions than in others: "
        + "\(lacks); resolvers would take that \"no data\" for all clients",
      suggestion: "give every region that policy \"\(policies[service.policy].name)\" may choose "
        + "both IPv4 and IPv6 endpoints or only the one that all have")
  }

  /// RFC 2181 §10.1: one CNAME at a name, so that a policy must come to one region.
  func reportSeveralNames(_ service: Service, at value: Value) {
    guard case .names = service.content, mayChooseSeveral(service.policy) else { return }
    value.report(
      "policy \"\(policies[service.policy].name)\" answers several regions at once, and a name has "
        + "one CNAME", suggestion: "use alias in place of cname, or a policy without \"all\"")
  }

  private func mayChooseSeveral(_ policy: Int) -> Bool {
    var seen: Set<Int> = []
    var waiting = [policies[policy].kind]
    while let next = waiting.popLast() {
      switch next {
      case .all: return true
      case .region, .proximity, .latency, .primary, .home: break
      case .named(let index):
        if seen.insert(index).inserted { waiting.append(policies[index].kind) }
      case .geo(let rules, let otherwise): waiting += rules.map(\.policy) + [otherwise]
      case .failover(let children): waiting += children
      case .weighted(let shares), .hash(let shares, _, _): waiting += shares.map(\.policy)
      }
    }
    return false
  }
}

extension SettingsReader {
  /// What services and zones may not be to one another.
  static func reportUnfitSteering(
    _ zones: [Settings.Zone], services: [Settings.Service], entries: [Entry],
    reader: ServiceReader, document: Document
  ) {
    let steered = zones.flatMap { zone in zone.steered.map { (zone: zone, steered: $0) } }
    for (zone, name) in steered where services.indices.contains(name.service) {
      guard case .names = services[name.service].content, name.owner == zone.name else { continue }
      // RFC 1034 §3.6.2: SOA and NS stand there.
      document.report(
        line: name.origin.line, path: name.origin.path,
        "service \"\(services[name.service].name)\" answers a CNAME, and none may stand at the "
          + "zone's own name", suggestion: "use alias in place of cname in the service")
    }
    let used = Set(steered.map(\.steered.service))
    for (index, (service, entry)) in zip(services, entries).enumerated() {
      // There may be no policy that a service without one could stand for.
      guard reader.policies.indices.contains(service.policy) else { continue }
      reader.reportSeveralNames(service, at: entry.value)
      if used.contains(index) {
        reader.reportUnevenFamilies(service, index: index, at: entry.value)
      }
    }
  }
}
