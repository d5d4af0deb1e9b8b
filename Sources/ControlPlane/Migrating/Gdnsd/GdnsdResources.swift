import Places
import Settings

/// Where the clients of a resource of gdnsd go.
indirect enum GdnsdTarget {
  /// All of these addresses, or a name.
  case site(Site)
  case failover([GdnsdTarget])
  case weighted([(weight: Int, site: Site)])
  /// The lists of a map of the plugin geoip, over datacenters.
  case map(String, [String: GdnsdTarget])

  /// All of its regions; the same one may be among them more than once.
  var sites: [Site] {
    switch self {
    case .site(let site): [site]
    case .failover(let targets): targets.flatMap(\.sites)
    case .weighted(let shares): shares.map(\.site)
    case .map(_, let datacenters):
      datacenters.sorted { $0.key < $1.key }.flatMap(\.value.sites)
    }
  }
}

/// Reads the resources of gdnsd's plugins.
///
/// Regions are named for datacenters, or for the resource where it has none.
struct GdnsdResources {
  private let plugins: VSCFHash
  private let report: (Origin, String) -> Void
  private let regionName: (_ key: String, _ wanted: String) -> String

  /// What inner hashes have from the outer ones unless they say otherwise.
  private struct Inherited {
    var serviceTypes: [String] = []
    var threshold = 0.5
    var isMulti = false
    var plugin = "multifo"

    static let keys: Set = [
      "service_types", "up_thresh", "multi", "plugin", "ignore_health", "addrs_v4", "addrs_v6",
    ]

    func and(_ hash: VSCFHash) -> Inherited {
      var inherited = self
      if let types = hash["service_types"] { inherited.serviceTypes = types.texts }
      if let threshold = hash["up_thresh"]?.text.flatMap(Double.init), threshold > 0, threshold <= 1
      {
        inherited.threshold = threshold
      }
      if let multi = hash["multi"]?.text { inherited.isMulti = multi.lowercased() == "true" }
      if let plugin = hash["plugin"]?.text { inherited.plugin = plugin }
      return inherited
    }
  }

  /// The deepest chain of resources that refer to one another; gdnsd fails on circles, too.
  private static let longestChain = 8
  /// Chains of few resources can lead to very many datacenters.
  private final class Budget {
    /// Each name of a zone has its own, counted down.
    static let ofReference = 20_000
    var left = 0
    /// Of all that zones refer to.
    var leftInAll = 1_000_000
  }
  private let budget = Budget()
  /// What zones have referred to before.
  private final class Known {
    var targets: [String: GdnsdTarget] = [:]
  }
  private let known = Known()

  /// - Parameters:
  ///   - report: takes what cannot be carried over.
  ///   - regionName: the region of what a key stands for, near to the name that is wanted.
  init(
    _ plugins: VSCFHash, report: @escaping (Origin, String) -> Void,
    regionName: @escaping (_ key: String, _ wanted: String) -> String
  ) {
    self.plugins = plugins
    self.report = report
    self.regionName = regionName
  }

  /// What `plugin!resource` of a zone file stands for; nil, and a finding, if it is nothing that
  /// can be carried over.
  func target(_ reference: String, at origin: Origin) -> GdnsdTarget? {
    if let target = known.targets[reference] { return target }
    let parts = reference.split(separator: "!", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      report(origin, "\(reference): the plugin has no counterpart; its name is left out")
      return nil
    }
    budget.left = Budget.ofReference
    let found = target(plugin: parts[0], resource: parts[1], region: nil, depth: 0, at: origin)
    known.targets[reference] = found
    return found
  }

  private func target(
    plugin: String, resource: String, region: String?, depth: Int, at origin: Origin
  ) -> GdnsdTarget? {
    guard depth <= Self.longestChain else {
      report(origin, "\(plugin)!\(resource): resources refer to one another in a circle")
      return nil
    }
    guard let hash = plugins[plugin]?.hash else {
      report(origin, "\(plugin)!\(resource): the plugin is not configured, or has no counterpart")
      return nil
    }
    let inherited = Inherited().and(hash)
    let isMeta = ["geoip", "metafo"].contains(plugin)
    let resources = isMeta ? hash["resources"]?.hash : hash
    if let node = resources?[resource], isMeta || !Inherited.keys.contains(resource) {
      let region = region ?? regionName("\(plugin)!\(resource)", resource)
      return target(
        plugin, node, resource: resource, region: region, inherited, depth: depth + 1)
    }
    // `resource/datacenter` goes to that one alone.
    let parts = resource.split(separator: "/", maxSplits: 1).map(String.init)
    if isMeta, parts.count == 2, let outer = resources?[parts[0]]?.hash,
      let node = outer["dcmap"]?.hash?[parts[1]]
    {
      return datacenter(parts[1], node, inherited.and(outer), depth: depth + 1)
    }
    report(origin, "\(plugin)!\(resource): there is no such resource; its name is left out")
    return nil
  }

  private func target(
    _ plugin: String, _ node: VSCFNode, resource: String, region: String, _ outer: Inherited,
    depth: Int
  ) -> GdnsdTarget? {
    let inherited = node.hash.map { outer.and($0) } ?? outer
    switch plugin {
    case "multifo": return site(node, region, inherited).map { .site($0) }
    case "static":
      var unwatched = inherited
      unwatched.serviceTypes = []
      return site(node, region, unwatched).map { .site($0) }
    case "simplefo": return simpleFailover(node, region, inherited)
    case "weighted": return weighted(node, region, inherited)
    case "metafo", "geoip":
      guard let hash = node.hash else { break }
      return meta(plugin, hash, node.origin, inherited, depth: depth)
    default: break
    }
    report(node.origin, "plugin \(plugin) has no counterpart: \(resource) is left out")
    return nil
  }
}

// MARK: - plugins with addresses

extension GdnsdResources {
  /// Addresses by label, an array of them, one, or a name.
  private func site(
    _ node: VSCFNode, _ region: String, _ inherited: Inherited
  ) -> Site? {
    var site = Site(
      region: region, serviceTypes: inherited.serviceTypes, threshold: inherited.threshold,
      origin: node.origin)
    if let text = node.text, IPAddress(text) == nil {
      site.name = text
      return site
    }
    for leaf in leaves(node) { add(leaf.text ?? "", to: &site, at: leaf.origin) }
    return fitting(site)
  }

  /// The values of labels, of `addrs_v4` and of `addrs_v6`.
  private func leaves(_ node: VSCFNode) -> [VSCFNode] {
    guard let hash = node.hash else { return node.elements }
    let families = ["addrs_v4", "addrs_v6"].compactMap { hash[$0] }
    for family in families where family.hash?["service_types"] != nil {
      report(family.origin, "one family's own service_types: those around it are taken")
    }
    let direct = hash.entries.filter { !Inherited.keys.contains($0.key) }.map(\.node)
    return direct
      + families.flatMap { family -> [VSCFNode] in
        guard let hash = family.hash else { return family.elements }
        return hash.entries.filter { !Inherited.keys.contains($0.key) }.map(\.node)
      }
  }

  private func add(
    _ text: String, to site: inout Site, at origin: Origin
  ) {
    guard let address = IPAddress(text) else {
      report(origin, "\"\(text)\" is no address, and left out")
      return
    }
    guard !site.addresses.contains(address) else { return }
    site.addresses.append(address)
  }

  private func fitting(_ site: Site) -> Site? {
    if !site.addresses.isEmpty || site.name != nil { return site }
    report(site.origin, "there is no address here: it is left out")
    return nil
  }

  private func simpleFailover(
    _ node: VSCFNode, _ region: String, _ inherited: Inherited
  ) -> GdnsdTarget? {
    let hash = node.hash ?? VSCFHash()
    let families = [hash] + ["addrs_v4", "addrs_v6"].compactMap { hash[$0]?.hash }
    let sites = ["primary", "secondary"].compactMap { role -> GdnsdTarget? in
      var site = Site(
        region: regionName("\(region)/\(role)", "\(region)-\(role)"),
        serviceTypes: inherited.serviceTypes, threshold: inherited.threshold, origin: node.origin)
      for family in families {
        if let address = family[role] {
          add(address.text ?? "", to: &site, at: address.origin)
        }
      }
      return fitting(site).map { .site($0) }
    }
    return sites.isEmpty ? nil : .failover(sites)
  }

  /// Labels with `[address or name, weight]`, or groups of them. The weights of both families have
  /// to agree, since here one server is drawn, not an address of each family.
  private func weighted(
    _ node: VSCFNode, _ region: String, _ inherited: Inherited
  ) -> GdnsdTarget? {
    let hash = node.hash ?? VSCFHash()
    var shares: [(label: String, weight: Int, site: Site)] = []
    let families = [hash] + ["addrs_v4", "addrs_v6"].compactMap { hash[$0]?.hash }
    for (family, stanza) in families.enumerated() {
      for entry in stanza.entries where !Inherited.keys.contains(entry.key) {
        let isGroup = entry.node.hash != nil
        let members = entry.node.hash?.entries.map(\.node) ?? [entry.node]
        let weights = members.map { $0.elements.last?.text.flatMap { Int($0) } ?? 1 }
        guard weights.allSatisfy({ (1..<1 << 20).contains($0) }) else {
          report(entry.node.origin, "a weight is not from 1 to 1048575: \(entry.key) is left out")
          continue
        }
        let weight = weights.reduce(0, +)
        if isGroup, Set(weights).count > 1 {
          report(
            entry.node.origin,
            "weights inside the group \(entry.key): an answer has all of its addresses")
        }
        let known = shares.firstIndex { $0.label == entry.key }
        if family == 2, known == nil || known.map({ shares[$0].weight }) != weight {
          report(
            entry.node.origin,
            "\(entry.key) has another weight as IPv6 than as IPv4: it goes by the latter's")
        }
        var site =
          known.map { shares[$0].site }
          ?? Site(
            region: regionName("\(region)/\(entry.key)", "\(region)-\(entry.key)"),
            serviceTypes: inherited.serviceTypes, threshold: inherited.threshold,
            origin: entry.node.origin)
        for member in members {
          let text = member.elements.first?.text ?? ""
          if !isGroup, IPAddress(text) == nil, text.hasSuffix(".") {
            site.name = text
          } else {
            add(text, to: &site, at: member.origin)
          }
        }
        if let known {
          shares[known].site = site
        } else if let site = fitting(site) {
          shares.append((entry.key, weight, site))
        }
      }
    }
    guard !shares.isEmpty else { return nil }
    if let largest = shares.map(\.weight).max(), largest > 1000, !inherited.isMulti {
      report(node.origin, "weights up to \(largest) are scaled to 1000")
    }
    return inherited.isMulti
      ? allTogether(shares.map { ($0.weight, $0.site) }, region, node.origin)
      : .weighted(shares.map { ($0.weight, $0.site) })
  }

  /// `multi`: several answers at once, each with the odds of its weight.
  private func allTogether(
    _ shares: [(weight: Int, site: Site)], _ region: String, _ origin: Origin
  ) -> GdnsdTarget {
    guard var site = shares.first?.site, shares.allSatisfy({ $0.site.name == nil }) else {
      return .weighted(shares)
    }
    if Set(shares.map(\.weight)).count > 1 {
      report(origin, "multi with different weights: an answer has all addresses")
    }
    site.region = region
    site.origin = origin
    site.addresses = shares.flatMap(\.site.addresses)
    return .site(site)
  }
}

// MARK: - plugins over datacenters

extension GdnsdResources {
  private func meta(
    _ plugin: String, _ hash: VSCFHash, _ origin: Origin, _ inherited: Inherited, depth: Int
  ) -> GdnsdTarget? {
    var targets: [(name: String, target: GdnsdTarget)] = []
    for entry in hash["dcmap"]?.hash?.entries ?? [] {
      if let target = datacenter(entry.key, entry.node, inherited, depth: depth) {
        targets.append((entry.key, target))
      }
    }
    let byName = Dictionary(targets.map { ($0.name, $0.target) }, uniquingKeysWith: { $1 })
    if plugin == "geoip", let map = hash["map"]?.text { return .map(map, byName) }
    let order = (hash["datacenters"]?.texts ?? []).compactMap { byName[$0] }
    if !order.isEmpty { return .failover(order) }
    report(origin, "there is no datacenter here: it is left out")
    return nil
  }

  /// What one datacenter of a resource answers.
  private func datacenter(
    _ name: String, _ node: VSCFNode, _ inherited: Inherited, depth: Int
  ) -> GdnsdTarget? {
    budget.left -= 1
    budget.leftInAll -= 1
    guard budget.left > 0, budget.leftInAll > 0 else {
      report(node.origin, "there are more datacenters than anyone has: the rest is left out")
      return nil
    }
    let region = regionName("datacenter \(name)", name)
    guard let text = node.text else {
      guard let hash = node.hash else { return site(node, region, inherited).map { .site($0) } }
      let plugin = hash["plugin"]?.text ?? inherited.plugin
      return target(plugin, node, resource: name, region: region, inherited, depth: depth + 1)
    }
    guard let mark = text.firstIndex(of: "!"), text.first == "%" || text.first == "!" else {
      return site(node, region, inherited).map { .site($0) }
    }
    let plugin = text.first == "%" ? String(text[..<mark].dropFirst()) : inherited.plugin
    return target(
      plugin: plugin, resource: String(text[text.index(after: mark)...]), region: region,
      depth: depth + 1, at: node.origin)
  }
}
