/// Reads the services, each of which joins a policy with a pool or with names.
struct ServiceReader {
  let regions: Names
  let pools: [Settings.Pool]
  let policies: [Settings.Policy]
  /// Known once the services are, whose names they use.
  var fences: [Settings.Fence] = []
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
      name: entry.name, policy: 0, pool: nil, ttlSeconds: 30, onAllDown: .failOpen,
      maximumAddresses: 8, failoverSpreadMilliseconds: 20, drawBitsIPv4: 20, drawBitsIPv6: 44)
    _ = entry.value.section { section in
      service.content = content(section)
      let poolValue =
        service.content == .endpoints
        ? section.required("pool", "the name of a pool") : section.optional("pool")
      let policy = section.required("policy", "the name of a policy").flatMap { self.policy($0) }
      service.pool = poolValue?.reference(to: poolNames)
      service.bindings = bindings(section, content: service.content)
      service.ttlSeconds = section.optional("ttl")?.seconds(0...86_400) ?? 30
      let changing = section.optional("ttl_changing")
      service.changingTTLSeconds =
        changing?.seconds(0...86_400) ?? min(service.changingTTLSeconds, service.ttlSeconds)
      if service.changingTTLSeconds > service.ttlSeconds {
        changing?.report("is longer than the ttl of \(service.ttlSeconds)s")
      }
      service.onAllDown = section.optional("on_all_down")?.lastResort(regions) ?? .failOpen
      service.maximumAddresses = section.optional("addresses")?.integer(1...32) ?? 8
      service.connectionsPerAnswer =
        section.optional("connections_per_answer")?.number(0...1_000_000, "connections") ?? 1
      service.failoverSpreadMilliseconds = section.optional("failover")?.spread() ?? 20
      _ = section.optional("draw")?.section { draw in
        let bits = draw.prefixLengths(else: (20, 44))
        (service.drawBitsIPv4, service.drawBitsIPv6) = bits
      }
      if let policy {
        service.policy = policy
        checkRegions(service, poolValue ?? entry.value, entry)
        checkHomes(&service, at: poolValue ?? entry.value)
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

  /// The regions that serve, in words for where they are missing: of the pool, of the names.
  func servedRegions(
    _ service: Settings.Service
  ) -> [(lack: String, regions: Set<Int>)] {
    var served: [(lack: String, regions: Set<Int>)] = []
    if let pool = service.pool.map({ pools[$0] }) {
      served.append(
        ("pool \"\(pool.name)\" has no endpoint in", Set(pool.endpoints.map(\.region))))
    }
    if service.content != .endpoints {
      served.append(("there is no name for", Set(service.content.targets.map(\.region))))
    }
    // A pool that lost its endpoints to faults of its own has been reported already.
    return served.filter { !$0.regions.isEmpty }
  }

  private func checkRegions(_ service: Settings.Service, _ value: Value, _ entry: Entry) {
    let reachable = regions(of: service.policy)
    for (lack, served) in servedRegions(service) {
      if !reachable.isEmpty && reachable.isDisjoint(with: served) {
        let names = reachable.sorted().map { regions.all[$0] }.joined(separator: ", ")
        value.report(
          "\(lack) any region of policy \"\(policies[service.policy].name)\" (\(names))")
      }
      if case .backup(let region) = service.onAllDown, !served.contains(region) {
        entry.value.document.report(
          line: entry.value.line, path: "\(entry.value.path).on_all_down",
          "\(lack) the backup region \"\(regions.all[region])\"")
      }
    }
  }

  /// Every region that a service may choose, whatever fails.
  ///
  /// - Parameter index: of the service.
  func reachableRegions(of service: Settings.Service, index: Int) -> Set<Int> {
    var reachable = regions(of: service.policy)
    if case .backup(let region) = service.onAllDown { reachable.insert(region) }
    for fence in fences where fence.services?.contains(index) ?? true {
      if case .fixed(let regions) = fence.whenEmpty { reachable.formUnion(regions) }
    }
    return reachable
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
