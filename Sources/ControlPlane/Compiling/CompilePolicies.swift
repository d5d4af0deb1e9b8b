package import Places
import Routing
import Settings

/// The prefixes that rules, fences and access name, each with the index by which
/// `Place/prefixSet` and ``Routing/ClientMatch/prefixes`` speak of it.
package struct RulePrefixes: Sendable, Equatable {
  package private(set) var prefixes: [AddressPrefix] = []
  private var indices: [AddressPrefix: UInt32] = [:]

  package init() {}

  mutating func index(of prefix: AddressPrefix) -> UInt32 {
    if let index = indices[prefix] { return index }
    let index = UInt32(prefixes.count)
    prefixes.append(prefix)
    indices[prefix] = index
    return index
  }
}

/// Policies, fences and the access to listeners as the routing core has them.
struct CompiledPolicies {
  /// In the order of ``Settings/policies``.
  var policies: [Policy] = []
  /// In the order of ``Settings/fences``.
  var fences: [Fence] = []
  /// By listener of the proxy.
  var access: [String: AccessRules] = [:]
  var prefixes = RulePrefixes()

  init(_ settings: Settings) {
    for policy in settings.policies {
      policies.append(compiled(policy.kind, in: settings))
    }
    for fence in settings.fences {
      fences.append(
        Fence(
          name: fence.name, clients: compiled(fence.clients),
          isInside: settings.regions.map { region in
            region.tags.contains(where: fence.tags.contains)
          }, whenEmpty: Self.compiled(fence.whenEmpty)))
    }
    for listener in settings.proxy.listeners {
      guard let rules = listener.access else { continue }
      var compiledRules = AccessRules(allowed: nil, denied: nil)
      if let allowed = rules.allowed { compiledRules.allowed = compiled(allowed) }
      if let denied = rules.denied { compiledRules.denied = compiled(denied) }
      access[listener.name] = compiledRules
    }
  }

  private static func compiled(_ wish: Settings.Fence.WhenEmpty) -> Fence.WhenEmpty {
    switch wish {
    case .onAllDown: .onAllDown
    case .refuse: .refuse
    case .fixed(let regions): .fixed(regions)
    case .serveUnhealthyInside: .serveUnhealthyInside
    }
  }

  private mutating func compiled(_ kind: Settings.Policy.Kind, in settings: Settings) -> Policy {
    switch kind {
    case .region(let region): return .region(region)
    case .named(let index): return compiled(settings.policies[index].kind, in: settings)
    case .proximity(let regions, let bias, let unknown):
      return .proximity(
        Policy.Proximity(
          regions: regions, biases: regions.map { bias[$0] ?? 0 }, unknown: unknown))
    case .latency(let regions, let bias, let unknown):
      return .latency(
        Policy.Proximity(
          regions: regions, biases: regions.map { bias[$0] ?? 0 }, unknown: unknown))
    case .geo(let rules, let otherwise):
      var compiledRules: [Policy.Rule] = []
      for rule in rules {
        let match = compiled(rule.match)
        compiledRules.append(Policy.Rule(match: match, policy: compiled(rule.policy, in: settings)))
      }
      return .geo(compiledRules, otherwise: compiled(otherwise, in: settings))
    case .failover(let children): return .failover(compiled(children, in: settings))
    case .all(let children): return .all(compiled(children, in: settings))
    // Which of them it is, the board says.
    case .primary(let primary): return .failover(primary.order.map { .region($0) })
    case .home(let homes): return .home(fallback: Self.fallback(of: homes, in: settings))
    case .weighted(let shares): return .weighted(compiled(shares, in: settings))
    case .hash(let shares, let bitsIPv4, let bitsIPv6):
      return .hash(
        compiled(shares, in: settings),
        key: DrawKey(bitsIPv4: UInt8(bitsIPv4), bitsIPv6: UInt8(bitsIPv6)))
    }
  }

  private static func fallback(
    of homes: Settings.Policy.Homes, in settings: Settings
  ) -> Policy? {
    switch homes.fallback {
    case .nobody: return nil
    case .regions(let regions): return .failover(regions.map { .region($0) })
    case .latency:
      let regions = settings.regions.indices.filter { settings.regions[$0].location != nil }
      return .latency(
        Policy.Proximity(
          regions: regions, biases: regions.map { _ in 0 }, unknown: regions))
    }
  }

  private mutating func compiled(
    _ children: [Settings.Policy.Kind], in settings: Settings
  ) -> [Policy] {
    var policies: [Policy] = []
    for child in children { policies.append(compiled(child, in: settings)) }
    return policies
  }

  private mutating func compiled(
    _ shares: [Settings.Policy.Share], in settings: Settings
  ) -> [Policy.PolicyShare] {
    var compiledShares: [Policy.PolicyShare] = []
    for share in shares {
      let policy = compiled(share.policy, in: settings)
      compiledShares.append(Policy.PolicyShare(policy: policy, weight: share.weight))
    }
    return compiledShares
  }

  private mutating func compiled(_ match: Settings.ClientMatch) -> ClientMatch {
    var compiled = ClientMatch()
    for prefix in match.prefixes { compiled.prefixes.append(prefixes.index(of: prefix)) }
    compiled.prefixNames = match.prefixes.map(\.description)
    compiled.asns = match.asns
    compiled.countries = match.countries
    compiled.subdivisions = match.subdivisions
    compiled.continents = match.continents
    compiled.isInEuropeanUnion = match.isInEuropeanUnion
    compiled.isUnknown = match.isUnknown
    return compiled
  }
}
