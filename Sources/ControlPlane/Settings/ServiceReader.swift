/// Reads the services, each of which joins a policy with a pool.
struct ServiceReader {
  let regions: Names
  let pools: [Settings.Pool]
  let policies: [Settings.Policy]
  private let poolNames: Names
  private let policyNames: Names

  init(regions: Names, pools: [Settings.Pool], policies: [Settings.Policy]) {
    self.regions = regions
    self.pools = pools
    self.policies = policies
    poolNames = Names(kind: "pool", pools.map(\.name))
    policyNames = Names(kind: "policy", policies.map(\.name))
  }

  func read(_ entry: Entry) -> Settings.Service {
    var service = Settings.Service(
      name: entry.name, policy: 0, pool: 0, ttlSeconds: 30, onAllDown: .failOpen,
      maximumAddresses: 8, failoverSpreadMilliseconds: 20, drawBitsIPv4: 20, drawBitsIPv6: 44)
    _ = entry.value.section { section in
      let poolValue = section.required("pool", "the name of a pool")
      let policy = section.required("policy", "the name of a policy").flatMap { self.policy($0) }
      let pool = poolValue?.reference(to: poolNames)
      service.ttlSeconds = section.optional("ttl")?.seconds(0...86_400) ?? 30
      service.onAllDown = section.optional("on_all_down")?.lastResort(regions) ?? .failOpen
      service.maximumAddresses = section.optional("addresses")?.integer(1...32) ?? 8
      service.failoverSpreadMilliseconds = section.optional("failover")?.spread() ?? 20
      _ = section.optional("draw")?.section { draw in
        let bits = draw.prefixLengths(else: (20, 44))
        (service.drawBitsIPv4, service.drawBitsIPv6) = bits
      }
      if let poolValue, let policy, let pool {
        service.policy = policy
        service.pool = pool
        checkEndpoints(service, poolValue, entry)
      }
    }
    return service
  }

  private func policy(_ value: Value) -> Int? {
    guard let name = value.text("the name of a policy") else { return nil }
    if policyNames[name] == nil && regions[name] != nil {
      value.report(
        "\"\(name)\" is a region, a policy is wanted",
        suggestion: "define one such as {type: failover, order: [\(name)]}")
      return nil
    }
    return policyNames.index(of: name, at: value)
  }

  private func checkEndpoints(_ service: Settings.Service, _ value: Value, _ entry: Entry) {
    let pool = pools[service.pool]
    let reachable = regions(of: service.policy)
    let served = Set(pool.endpoints.map(\.region))
    // A pool or policy that lost parts to faults of its own has been reported already.
    if !reachable.isEmpty && !served.isEmpty && reachable.isDisjoint(with: served) {
      let names = reachable.sorted().map { regions.all[$0] }.joined(separator: ", ")
      value.report(
        "pool \"\(pool.name)\" has no endpoint in any region of policy "
          + "\"\(policies[service.policy].name)\" (\(names))")
    }
    if case .backup(let region) = service.onAllDown, !served.isEmpty, !served.contains(region) {
      entry.value.document.report(
        line: entry.value.line, path: "\(entry.value.path).on_all_down",
        "pool \"\(pool.name)\" has no endpoint in the backup region \"\(regions.all[region])\"")
    }
  }

  /// Every region that a policy may choose.
  private func regions(of policy: Int) -> Set<Int> {
    var found: Set<Int> = []
    var seen: Set<Int> = [policy]
    var waiting = [policy]
    while let next = waiting.popLast() {
      policies[next].kind.forEachLeaf { leaf in
        switch leaf {
        case .region(let region): found.insert(region)
        case .named(let policy): if seen.insert(policy).inserted { waiting.append(policy) }
        default: break
        }
      }
    }
    return found
  }
}

extension Value {
  /// A word, or `{backup: region}`.
  fileprivate func lastResort(_ regions: Names) -> Settings.Service.LastResort? {
    guard isMapping else {
      let words: [String: Settings.Service.LastResort] = [
        "fail_open": .failOpen, "fail_closed": .failClosed, "last_good": .lastGood,
        "nodata": .noData,
      ]
      return parsed(
        "fail_open, fail_closed, last_good, nodata or {backup: region}",
        hint: { didYouMean($0, nearest: words.keys.sorted()) }, { words[$0] })
    }
    let region = section { $0.required("backup", "a region")?.reference(to: regions) }
    return (region ?? nil).map { .backup($0) }
  }

  /// `{spread: 20ms}`, in milliseconds.
  fileprivate func spread() -> Double? {
    let spread = section { $0.optional("spread")?.duration(.zero ... .seconds(10)) }
    return (spread ?? nil).map { Double(wholeMilliseconds($0)) }
  }
}

// MARK: - fences

extension SettingsReader {
  static func fences(
    _ value: Value?, regions: [Settings.Region], services: Names
  ) -> [Settings.Fence] {
    let tags = Names(kind: "tag", Set(regions.flatMap(\.tags)).sorted())
    return (value?.definitions() ?? []).compactMap { entry in
      entry.value.section { section in
        let match = section.required("clients", "whom the fence is for, such as {continent: EU}")?
          .section { Settings.ClientMatch($0) }
        let inside = section.required("regions", "{tags: […]}")?.section { regions in
          regions.required("tags", "the tags of the regions inside")
        }
        let list = section.optional("services")
        return Settings.Fence(
          name: entry.name, clients: match ?? .none, tags: fenceTags(inside ?? nil, tags),
          services: list.map { $0.elements().compactMap { $0.reference(to: services) } })
      }
    }
  }

  private static func fenceTags(_ value: Value?, _ tags: Names) -> [String] {
    guard let value else { return [] }
    let elements = value.elements()
    if elements.isEmpty { value.report("wants at least one tag") }
    return elements.compactMap { element in
      guard let tag = element.tag() else { return nil }
      if tags[tag] == nil {
        element.report(
          "no region carries the tag \"\(tag)\"", suggestion: didYouMean(tag, tags.all))
      }
      return tag
    }
  }
}

extension Settings.ClientMatch {
  /// Nobody: the stand-in for a match that has been reported.
  fileprivate static let none = Settings.ClientMatch(
    prefixes: [], asns: [], countries: [], subdivisions: [], continents: [],
    isInEuropeanUnion: false, isUnknown: false)
}
