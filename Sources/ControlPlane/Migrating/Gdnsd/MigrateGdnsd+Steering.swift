import Places
import Settings

// MARK: - zones and what they refer to

extension GdnsdMigration {
  mutating func zones(
    _ resources: GdnsdResources, timeToLive: Int
  ) throws(Faults) -> Mapping {
    var written = Mapping()
    for (name, file) in source.zones {
      var zone = try GdnsdZone(
        file, name: name, timeToLive: timeToLive, included: source.included,
        report: findings.report)
      var steered = Mapping()
      for dynamic in zone.dynamics {
        guard let target = resources.target(dynamic.reference, at: dynamic.origin) else { continue }
        if dynamic.reference.hasPrefix("static!"), case .site(let site) = target {
          if let target = site.name {
            zone.add(dynamic.owner, dynamic.timeToLive, "CNAME", target, dynamic.origin)
          }
          for address in site.addresses {
            let type = address.isIPv6 ? "AAAA" : "A"
            zone.add(dynamic.owner, dynamic.timeToLive, type, "\(address)", dynamic.origin)
          }
          continue
        }
        if let service = service(dynamic, target) {
          steered.add(dynamic.owner, .text(service), dynamic.origin)
        }
      }
      written.add(zone.name, zone.written(steered: steered), file.origin(1))
    }
    return written
  }

  /// The service of a name: one for each resource and TTL.
  private mutating func service(_ dynamic: GdnsdZone.Dynamic, _ target: GdnsdTarget) -> String? {
    let most = min(dynamic.timeToLive, 86_400)
    if most < dynamic.timeToLive {
      findings.report(dynamic.origin, "the TTL \(dynamic.timeToLive) becomes 86400")
    }
    let least = min(dynamic.leastTimeToLive, most)
    let made =
      known[dynamic.reference] ?? steering(dynamic.reference, target, at: dynamic.origin)
    known[dynamic.reference] = made
    guard let policy = made.policy else {
      findings.report(
        dynamic.origin,
        "\(dynamic.reference) has nothing left to answer: \(dynamic.owner) is left out")
      return nil
    }
    let name = serviceNames.name(
      "\(dynamic.reference) \(most) \(least)", wanted: plainName(dynamic.reference),
      suffix: "\(most)s")
    guard writtenServices.insert(name).inserted else { return name }
    var service: Mapping = ["policy": .text(policy)]
    if let pool = made.pool { service.add("pool", .text(pool)) }
    if !made.names.isEmpty { service.add("cname", .mapping(made.names)) }
    service.add("ttl", "\(most)s")
    service.add("ttl_changing", "\(least)s")
    if made.size > 8 { service.add("addresses", "\(min(made.size, 32))") }
    services.add(name, .mapping(service), dynamic.origin)
    return name
  }

  /// The pool, or the names, and the policy of a resource.
  private mutating func steering(
    _ reference: String, _ target: GdnsdTarget, at origin: Origin
  ) -> Steering {
    var sites: [Site] = []
    var known: [String: Site] = [:]
    for site in target.sites {
      guard let first = known[site.region] else {
        known[site.region] = site
        sites.append(site)
        continue
      }
      if first.addresses != site.addresses || first.name != site.name {
        findings.report(site.origin, "\(site.region) stands for two things: the first counts")
      }
    }
    let named = sites.filter { $0.name != nil }
    let addressed = uniformSites(sites.filter { $0.name == nil }, findings.report)
    let maps = maps
    guard !named.isEmpty || !addressed.isEmpty, let tree = target.policy(of: { maps[$0] }) else {
      return Steering()
    }
    let policy = policy(reference, tree, at: origin)
    if addressed.isEmpty {
      var names = Mapping()
      for site in named { names.add(site.region, .text(site.name ?? ""), site.origin) }
      return Steering(names: names, policy: policy)
    }
    for site in named {
      findings.report(
        site.origin, "\(site.name ?? ""): a service answers addresses or names; it is left out")
    }
    let size = addressed.map(\.addresses.count).max() ?? 0
    return Steering(pool: pool(reference, addressed), policy: policy, size: size)
  }

  private mutating func policy(_ reference: String, _ tree: Tree, at origin: Origin) -> String {
    if let name = policyNames[tree.flow] { return name }
    let name = regionNames.book.name(
      "policy \(reference)", wanted: plainName(reference), suffix: "policy")
    policyNames[tree.flow] = name
    switch tree {
    case .mapping: policies.add(name, tree, origin)
    case .list: policies.add(name, .mapping(["type": "failover", "order": tree]), origin)
    case .text:
      policies.add(name, .mapping(["type": "failover", "order": .list([tree])]), origin)
    }
    return name
  }

  private mutating func pool(_ reference: String, _ sites: [Site]) -> String {
    let origin = sites[0].origin
    for site in sites where site.serviceTypes != sites[0].serviceTypes {
      findings.report(
        site.origin, "a pool has one monitor: checked by \(sites[0].serviceTypes) as well")
    }
    let monitor = monitors.monitor(sites[0].serviceTypes, at: origin)
    var pool = Mapping()
    if let monitor { pool.add("monitor", .text(monitor.name)) }
    let least = Set(sites.map { Int(($0.threshold * Double($0.addresses.count)).rounded(.up)) })
    if least.count == 1, let needed = least.first, needed > 1 {
      pool.add("minimum_healthy", "\(needed)")
    } else if least.count > 1 {
      findings.report(
        origin, "up_thresh: a datacenter is used as long as one of its addresses is up")
    }
    var endpoints = Mapping()
    for site in sites {
      let addresses = site.addresses.map {
        "\(SocketAddress(address: $0, port: UInt16(monitor?.port ?? 80)))"
      }
      endpoints.add(site.region, .list(addresses.map { .text($0) }), site.origin)
    }
    pool.add("endpoints", .mapping(endpoints), origin)
    let name = poolNames.name(reference, wanted: plainName(reference))
    pools.add(name, .mapping(pool), origin)
    return name
  }

  /// Without the plugin.
  private func plainName(_ reference: String) -> String {
    reference.split(separator: "!").last.map(String.init) ?? reference
  }
}
