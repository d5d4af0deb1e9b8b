import Places
import Yams

/// Reads the policies, which name regions and one another.
struct PolicyReader {
  typealias Policy = Settings.Policy

  let regions: [Settings.Region]
  let regionNames: Names
  let policies: [Entry]
  let policyNames: Names

  init(regions: [Settings.Region], regionNames: Names, policies: [Entry]) {
    self.regions = regions
    self.regionNames = regionNames
    self.policies = policies
    policyNames = Names(kind: "policy", policies.map(\.name))
  }

  func read() -> [Policy] {
    let read = policies.map { entry in
      if regionNames[entry.name] != nil {
        entry.key.report("a region has this name already; regions and policies share their names")
      }
      return Policy(name: entry.name, kind: kind(entry.value, depth: 0) ?? .failover([]))
    }
    reportCircles(read)
    reportEnclosedPrimaries(read)
    reportEnclosedHomes(read)
    return read
  }

  /// The deepest nesting of policies written inside policies; whoever needs more names them.
  private static let deepestNesting = 16

  /// A name, a list of names (failover in that order), or a policy written in place.
  private func kind(_ value: Value, depth: Int) -> Policy.Kind? {
    guard depth <= Self.deepestNesting else {
      value.report("policies nest deeper than \(Self.deepestNesting)")
      return nil
    }
    switch value.node {
    case .sequence: return .failover(children(value, depth: depth))
    case .mapping: return value.section { inlineKind($0, depth: depth) } ?? nil
    default: return named(value)
    }
  }

  private func children(_ value: Value, depth: Int) -> [Policy.Kind] {
    let elements = value.elements()
    if elements.isEmpty { value.report("wants at least one region or policy") }
    return elements.compactMap { kind($0, depth: depth + 1) }
  }

  private func named(_ value: Value) -> Policy.Kind? {
    value.text("the name of a region or policy").flatMap { named($0, at: value) }
  }

  private func named(_ name: String, at value: Value) -> Policy.Kind? {
    if let region = regionNames[name] { return .region(region) }
    if let policy = policyNames[name] { return .named(policy) }
    value.report(
      "there is no region or policy \"\(name)\"",
      suggestion: didYouMean(name, regionNames.all + policyNames.all))
    return nil
  }

  private enum PolicyType {
    case proximity, latency, geo, failover, weighted, hash, all, primary, home
  }

  private func inlineKind(_ section: Section, depth: Int) -> Policy.Kind? {
    let types: KeyValuePairs<String, PolicyType> = [
      "proximity": .proximity, "latency": .latency, "geo": .geo, "failover": .failover,
      "weighted": .weighted, "hash": .hash, "all": .all, "primary": .primary, "home": .home,
    ]
    let wanted = types.map(\.key).joined(separator: ", ")
    let type = section.required("type", "one of \(wanted)")?.choice(types)
    switch type {
    case .proximity: return proximity(section)
    case .latency:
      guard case .proximity(let regions, let bias, let unknown) = proximity(section) else {
        return nil
      }
      return .latency(regions: regions, bias: bias, unknown: unknown)
    case .geo: return geo(section, depth: depth)
    case .failover:
      return section.required("order", "a list of regions and policies").map {
        .failover(children($0, depth: depth))
      }
    case .weighted:
      return section.required("shares", "a mapping from region or policy to weight").map {
        .weighted(shares($0))
      }
    case .hash: return hash(section)
    case .all:
      return section.required("of", "a list of regions and policies").map {
        .all(children($0, depth: depth))
      }
    case .primary: return primary(section, depth: depth)
    case .home: return home(section, depth: depth)
    case nil:
      // All keys count as known: the type is the one fault.
      for key in Self.allKeys { _ = section.optional(key) }
      return nil
    }
  }

  private static let allKeys =
    [
      "regions", "bias", "unknown", "rules", "default", "order", "shares", "among", "key", "of",
      "fail_hold", "failback", "failback_after", "lag",
    ] + homeKeys
}

// MARK: - proximity

extension PolicyReader {
  private func proximity(_ section: Section) -> Policy.Kind {
    let located = regions.indices.filter { regions[$0].location != nil }
    let list = section.optional("regions")
    let chosen = list.map { measurable($0) } ?? located
    if chosen.isEmpty && list?.elements().isEmpty != false {
      (list ?? section.value).report("wants at least one region with a location")
    }
    var bias: [Int: Int] = [:]
    for entry in section.optional("bias")?.entries() ?? [] {
      guard let region = regionNames.index(of: entry.name, at: entry.key) else { continue }
      bias[region] = entry.value.integer(-99...99)
      if list != nil && !chosen.contains(region) {
        entry.key.report("the policy does not name this region")
      }
    }
    let unknown = section.optional("unknown").map { regionIndices($0) } ?? chosen
    return .proximity(regions: chosen, bias: bias, unknown: unknown)
  }

  func regionIndices(_ value: Value) -> [Int] {
    let elements = value.elements()
    if elements.isEmpty { value.report("wants at least one region") }
    return distinct(elements) { $0.reference(to: regionNames) }.map(\.index)
  }

  private func measurable(_ value: Value) -> [Int] {
    distinct(value.elements()) { $0.reference(to: regionNames) }.compactMap { value, index in
      if regions[index].location != nil { return index }
      value.report("region \"\(regions[index].name)\" has no location, which proximity measures")
      return nil
    }
  }

  private func distinct(
    _ values: [Value], _ index: (Value) -> Int?
  ) -> [(value: Value, index: Int)] {
    var seen: Set<Int> = []
    return values.compactMap { value in
      guard let index = index(value) else { return nil }
      guard seen.insert(index).inserted else {
        value.report("\(value.found) stands twice in this list")
        return nil
      }
      return (value, index)
    }
  }
}

// MARK: - geo, weighted, hash

extension PolicyReader {
  private func geo(_ section: Section, depth: Int) -> Policy.Kind? {
    let rules = (section.optional("rules")?.elements() ?? []).compactMap { value in
      value.section { rule(value, $0, depth: depth) } ?? nil
    }
    let otherwise = section.required("default", "the region or policy of all other clients")
      .flatMap { kind($0, depth: depth + 1) }
    return otherwise.map { .geo(rules: rules, otherwise: $0) }
  }

  private func rule(_ value: Value, _ section: Section, depth: Int) -> Policy.Rule? {
    let match = Settings.ClientMatch(section)
    let policy = section.required("use", "the region or policy of these clients")
      .flatMap { kind($0, depth: depth + 1) }
    return policy.map { Policy.Rule(match: match, policy: $0) }
  }

  private func shares(_ value: Value) -> [Policy.Share] {
    let entries = value.entries() ?? []
    if value.isMapping, entries.isEmpty {
      value.report("wants at least one region or policy")
    }
    let weights = entries.map { $0.value.integer(0...1000) ?? 1 }
    if !weights.isEmpty && weights.allSatisfy({ $0 == 0 }) {
      value.report("wants at least one weight above 0; 0 is standby")
    }
    return zip(entries, weights).compactMap { entry, weight in
      named(entry.name, at: entry.key).map { Policy.Share(policy: $0, weight: weight) }
    }
  }

  /// The key's defaults are the prefixes that resolvers send (RFC 7871 §11.1), so that DNS and the
  /// proxy agree on a client.
  private func hash(_ section: Section) -> Policy.Kind? {
    let among = section.required("among", "a list of regions and policies, or their weights")
    var bits = (ipv4: 24, ipv6: 56)
    _ = section.optional("key")?.section { bits = $0.prefixLengths(else: bits) }
    guard let among else { return nil }
    guard among.isMapping else {
      let children = among.elements().compactMap { named($0) }
      if children.isEmpty { among.report("wants at least one region or policy") }
      let shares = children.map { Policy.Share(policy: $0, weight: 1) }
      return .hash(shares, keyBitsIPv4: bits.ipv4, keyBitsIPv6: bits.ipv6)
    }
    return .hash(shares(among), keyBitsIPv4: bits.ipv4, keyBitsIPv6: bits.ipv6)
  }
}

extension Section {
  /// The prefix lengths under `ipv4` and `ipv6`.
  func prefixLengths(else defaults: (ipv4: Int, ipv6: Int)) -> (ipv4: Int, ipv6: Int) {
    (
      optional("ipv4")?.integer(0...32) ?? defaults.ipv4,
      optional("ipv6")?.integer(0...128) ?? defaults.ipv6
    )
  }
}

// MARK: - circles

extension PolicyReader {
  /// Reports each circle once, at the first policy of the file that is on it.
  private func reportCircles(_ read: [Policy]) {
    let next = read.map { policy in
      var named: [Int] = []
      policy.kind.forEachLeaf { if case .named(let index) = $0 { named.append(index) } }
      return named
    }
    var isDone = Array(repeating: false, count: read.count)
    var road: [Int] = []

    func walk(_ policy: Int) {
      if let start = road.firstIndex(of: policy) {
        let circle = Array(road[start...])
        let first = circle.min() ?? policy
        let turn = circle.firstIndex(of: first) ?? 0
        let names = (circle[turn...] + circle[..<turn] + [first]).map { read[$0].name }
        policies[first].key.report("policies in a circle: \(names.joined(separator: " → "))")
        return
      }
      guard !isDone[policy] else { return }
      road.append(policy)
      next[policy].forEach(walk)
      road.removeLast()
      isDone[policy] = true
    }
    read.indices.forEach(walk)
  }
}

extension Settings.Policy.Kind {
  /// Every region and every named policy inside, and of `proximity` each of its regions.
  func forEachLeaf(_ body: (Settings.Policy.Kind) -> Void) {
    switch self {
    case .region, .named: body(self)
    case .proximity(let regions, _, let unknown), .latency(let regions, _, let unknown):
      for region in regions + unknown { body(.region(region)) }
    case .geo(let rules, let otherwise):
      for rule in rules { rule.policy.forEachLeaf(body) }
      otherwise.forEachLeaf(body)
    case .failover(let children), .all(let children):
      for child in children { child.forEachLeaf(body) }
    case .primary(let primary):
      for region in primary.order { body(.region(region)) }
    case .home(let homes):
      var regions = homes.homes.flatMap { [$0.region] + ($0.former.map { [$0] } ?? []) }
      if case .regions(let fallback) = homes.fallback { regions += fallback }
      for region in Set(regions).sorted() { body(.region(region)) }
    case .weighted(let shares), .hash(let shares, _, _):
      for share in shares { share.policy.forEachLeaf(body) }
    }
  }
}
