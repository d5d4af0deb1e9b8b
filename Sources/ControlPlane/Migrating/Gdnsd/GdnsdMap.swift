import Places
import Settings

/// A map of gdnsd's plugin geoip: which datacenters are for whom, in which order.
struct GdnsdMap {
  /// Where clients of one place go.
  enum List: Equatable {
    case datacenters([String])
    /// By distance.
    case automatic
  }

  /// Whom a rule is about: one key of a rule of ours.
  struct Rule {
    var key: String
    var values: [String]
    var list: List
    var origin: Origin
  }

  var datacenters: [String]
  var coordinates: [(datacenter: String, latitude: String, longitude: String, origin: Origin)] = []
  /// The first that matches counts.
  var rules: [Rule] = []
  var otherwise: List
  let origin: Origin

  private let isLegacy: Bool
  private let report: (Origin, String) -> Void

  /// - Parameters:
  ///   - nets: what is in a file that `nets` names.
  ///   - report: takes what cannot be carried over.
  init(
    _ hash: VSCFHash, origin: Origin, nets: (VSCFNode) throws(Faults) -> VSCFHash?,
    report: @escaping (Origin, String) -> Void
  ) throws(Faults) {
    self.report = report
    self.origin = origin
    isLegacy = hash["geoip_db"] != nil
    datacenters = hash["datacenters"]?.texts ?? []
    otherwise = .datacenters(datacenters)
    if let places = hash["auto_dc_coords"]?.hash {
      otherwise = .automatic
      for entry in places.entries where entry.node.texts.count == 2 {
        coordinates.append(
          (entry.key, entry.node.texts[0], entry.node.texts[1], entry.node.origin))
      }
      let limit = hash["auto_dc_limit"]?.text.flatMap { Int($0) } ?? 3
      if limit > 0, limit < coordinates.count {
        report(
          origin,
          "auto_dc_limit \(limit): where the nearest are all down, clients go to the next ones here"
        )
      }
    }
    if let node = hash["nets"], let nets = try nets(node) { addNets(nets) }
    guard let map = hash["map"]?.hash else { return }
    if let list = map["default"].flatMap({ list($0) }) { otherwise = list }
    addLevel(map, .continent)
  }

  /// The longest network counts, so that comes first.
  private mutating func addNets(_ nets: VSCFHash) {
    var found: [(prefix: AddressPrefix, list: List, origin: Origin)] = []
    for entry in nets.entries {
      guard let prefix = AddressPrefix(entry.key), let list = list(entry.node) else {
        report(entry.node.origin, "\(entry.key) is no network with datacenters: it is left out")
        continue
      }
      found.append((prefix, list, entry.node.origin))
    }
    let lengths = Set(found.map(\.prefix.length)).sorted(by: >)
    for length in lengths {
      for net in found where net.prefix.length == length {
        add("prefix", "\(net.prefix)", net.list, net.origin)
      }
    }
  }

  private mutating func add(_ key: String, _ value: String, _ list: List, _ origin: Origin) {
    if let last = rules.indices.last, rules[last].key == key, rules[last].list == list {
      rules[last].values.append(value)
    } else {
      rules.append(Rule(key: key, values: [value], list: list, origin: origin))
    }
  }

  private enum Level {
    case continent, country
    case subdivision(country: String)
  }

  /// What is finer comes before its level's default, since the first rule that matches counts.
  private mutating func addLevel(_ hash: VSCFHash, _ level: Level) {
    let isSkipping = ["true", "1"].contains(hash["skip_level"]?.text?.lowercased())
    let level = isSkipping ? skipped(level) : level
    for entry in hash.entries where !["default", "skip_level"].contains(entry.key) {
      guard let level, let (key, value) = place(entry.key, level) else {
        report(
          entry.node.origin,
          "\(entry.key): cities, and places that are no ISO codes, have no counterpart; its clients "
            + "go by what is around it")
        continue
      }
      guard let inner = entry.node.hash else {
        if let list = list(entry.node) { add(key, value, list, entry.node.origin) }
        continue
      }
      switch level {
      case .continent: addLevel(inner, .country)
      case .country: addLevel(inner, .subdivision(country: entry.key.uppercased()))
      case .subdivision:
        report(entry.node.origin, "\(entry.key): cities inside of it have no counterpart")
      }
      if let list = inner["default"].flatMap({ list($0) }) {
        add(key, value, list, entry.node.origin)
      }
    }
  }

  private func skipped(_ level: Level) -> Level? {
    if case .continent = level { .country } else { nil }
  }

  /// The key of a rule and its value.
  private func place(_ name: String, _ level: Level) -> (key: String, value: String)? {
    let code = name.uppercased()
    switch level {
    case .continent:
      if name == "--" { return ("unknown", "true") }
      return ContinentCode(code).map { _ in ("continent", code) }
    case .country: return CountryCode(code).map { _ in ("country", code) }
    case .subdivision(let country):
      // Legacy databases have FIPS codes there, but for these two.
      guard !isLegacy || ["US", "CA"].contains(country), code.utf8.count <= 3,
        Subdivision("\(country)-\(code)") != nil
      else { return nil }
      return ("subdivision", "\(country)-\(code)")
    }
  }

  private func list(_ node: VSCFNode) -> List? {
    if node.text == "auto" { return .automatic }
    let names = node.texts
    guard !names.isEmpty else {
      report(
        node.origin, "no datacenters: nobody is sent nowhere here; clients go by what is around")
      return nil
    }
    for name in names where !datacenters.contains(name) {
      report(node.origin, "\(name) is not among the map's datacenters")
    }
    return .datacenters(names)
  }
}

extension GdnsdMap {
  /// The policy of a resource; nil, if it has none of the map's datacenters.
  ///
  /// - Parameter target: what a datacenter comes to for it; nil: the resource does not have it.
  func policy(_ target: (String) -> GdnsdTarget?) -> Tree? {
    func tree(_ list: List) -> Tree? {
      switch list {
      case .datacenters(let names):
        let trees = names.compactMap { target($0)?.policy(of: { _ in nil }) }
        return trees.isEmpty ? nil : .list(trees)
      case .automatic: return automatic(target)
      }
    }
    let own = tree(otherwise)
    guard let otherwise = own ?? tree(.datacenters(datacenters)) else { return nil }
    if own == nil {
      report(origin, "a resource has none of the default's datacenters: it is all of its own here")
    }
    let written = rules.compactMap { rule -> Tree.Element? in
      guard let use = tree(rule.list) else {
        report(rule.origin, "\(rule.values[0]): the resource has none of these datacenters")
        return nil
      }
      let values = Tree.list(rule.values.map { .text($0) })
      let value = rule.values.count == 1 ? .text(rule.values[0]) : values
      return Tree.Element(tree: .mapping([rule.key: value, "use": use]), origin: rule.origin)
    }
    guard !written.isEmpty else { return otherwise }
    return .mapping(["type": "geo", "rules": .list(written), "default": otherwise])
  }

  private func automatic(_ target: (String) -> GdnsdTarget?) -> Tree? {
    func region(_ name: String) -> Tree? {
      let sites = target(name)?.sites ?? []
      if sites.count > 1 {
        report(origin, "\(name): distance leads to one of its \(sites.count) parts alone")
      }
      return sites.first.map { .text($0.region) }
    }
    let near = coordinates.compactMap { region($0.datacenter) }
    guard !near.isEmpty else { return nil }
    let known = datacenters.compactMap { region($0) }
    return .mapping([
      "type": "proximity", "regions": .list(near),
      "unknown": .list(known.isEmpty ? near : known),
    ])
  }
}

extension GdnsdTarget {
  /// A region's name, a list of failover, or a policy in place; nil: it leads nowhere.
  ///
  /// - Parameter map: of a name.
  func policy(of map: (String) -> GdnsdMap?) -> Tree? {
    func failover(_ targets: [GdnsdTarget]) -> Tree? {
      let trees = targets.compactMap { $0.policy(of: map) }
      return trees.isEmpty ? nil : .list(trees)
    }
    switch self {
    case .site(let site): return .text(site.region)
    case .failover(let targets): return failover(targets)
    case .weighted(let shares):
      // Ours go up to 1000.
      let largest = max(shares.map(\.weight).max() ?? 1, 1)
      var mapping = Mapping()
      for share in shares {
        let weight = largest <= 1000 ? share.weight : max(1, share.weight * 1000 / largest)
        mapping.add(share.site.region, .text(String(weight)), share.site.origin)
      }
      return .mapping(["type": "weighted", "shares": .mapping(mapping)])
    case .map(let name, let datacenters):
      guard let map = map(name) else {
        return failover(datacenters.sorted { $0.key < $1.key }.map(\.value))
      }
      return map.policy { datacenters[$0] }
    }
  }
}
