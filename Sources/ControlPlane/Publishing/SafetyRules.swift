import Compiling
package import Routing
package import Settings

/// A rule that an operator's word may not break unless it says so: with too little left on, what is
/// meant as maintenance is an outage.
package enum SafetyRule: String, Sendable, CaseIterable {
  /// So many regions of every service stay on.
  case minimumRegions = "minimum_regions"
  /// So much of what every service's regions can take stays on.
  case minimumCapacity = "minimum_capacity"
}

/// What a word would leave of a service.
package struct BrokenRule: Sendable, Equatable, CustomStringConvertible {
  package var rule: SafetyRule
  package var service: String
  package var left: Double
  package var minimum: Double

  package var description: String {
    switch rule {
    case .minimumRegions:
      "\(Int(left)) of at least \(Int(minimum)) regions of \(service) would be on"
    case .minimumCapacity:
      "\(Int((left * 100).rounded(.down)))% of at least \(Int((minimum * 100).rounded()))% of the "
        + "capacity of \(service) would be on"
    }
  }
}

/// How much operators leave on, whatever checks find.
package struct SafetyCheck: Sendable {
  let settings: Settings
  let model: RoutingModel

  package init(_ settings: Settings, model: RoutingModel) {
    self.settings = settings
    self.model = model
  }

  /// The rules that these overrides break, and the ones before did not as much.
  package func broken(by after: [Override], before: [Override]) -> [BrokenRule] {
    // Services of keys have one home each: no region could ever be drained.
    model.steeringServices.flatMap { service -> [BrokenRule] in
      let (regions, share) = left(of: service, under: after)
      let (regionsBefore, shareBefore) = left(of: service, under: before)
      let name = model.services[service].name
      let safety = settings.safety
      var broken: [BrokenRule] = []
      if regions < min(safety.minimumRegions, regionsBefore) {
        broken.append(
          BrokenRule(
            rule: .minimumRegions, service: name, left: Double(regions),
            minimum: Double(safety.minimumRegions)))
      }
      if share < min(safety.minimumCapacity, shareBefore) {
        broken.append(
          BrokenRule(
            rule: .minimumCapacity, service: name, left: share, minimum: safety.minimumCapacity))
      }
      return broken
    }
  }

  /// Regions that are on, and their share of what all regions of the service can take.
  private func left(of service: Int, under overrides: [Override]) -> (Int, share: Double) {
    var regions = 0
    var sum = 0.0
    var whole = 0.0
    let parts = model.regions.indices.compactMap { region in
      part(of: region, service: service, under: overrides).map { (region, $0) }
    }
    let capacities = parts.map { settings.regions[$0.0].capacity?.connectionsPerSecond }
    let areKnown = capacities.allSatisfy { $0 != nil }
    for ((region, part), capacity) in zip(parts, capacities) {
      let size = areKnown ? capacity ?? 0 : part.size
      let dial = dial(of: region, under: overrides)
      if part.on > 0, dial > 0 { regions += 1 }
      sum += size * part.on * dial
      whole += size
    }
    return (regions, whole > 0 ? sum / whole : 1)
  }

  /// - Returns: the share of the region's endpoints that no word takes out, and how many there are;
  ///   nil: the service has nothing there.
  private func part(
    of region: Int, service: Int, under overrides: [Override]
  ) -> (on: Double, size: Double)? {
    let service = model.services[service]
    if let targets = service.content.targets, targets[region] == nil { return nil }
    guard let pool = service.pool else {
      let name = model.regions[region].name
      let isOff = overrides.contains {
        $0.isOff && $0.target.isRegion && $0.target.region == name
      }
      return (isOff ? 0 : 1, 1)
    }
    let endpoints = model.pools[pool].endpoints[region].map { model.endpoints[$0] }
    guard !endpoints.isEmpty else { return nil }
    let on = endpoints.filter { endpoint in
      !overrides.contains { $0.isOff && $0.target.covers(endpoint) }
    }
    return (Double(on.count) / Double(endpoints.count), Double(endpoints.count))
  }

  private func dial(of region: Int, under overrides: [Override]) -> Double {
    let name = model.regions[region].name
    return overrides.first { $0.target.isRegion && $0.target.region == name }?.dial
      ?? settings.regions[region].dial
  }
}

extension Override {
  fileprivate var isOff: Bool { state == .down || state == .drain }
}

extension EditionPublisher {
  /// The safety rules that a word on a target would break.
  package func brokenRules(by override: Override) -> [BrokenRule] {
    let others = keeper.overrides.filter { $0.target != override.target }
    return SafetyCheck(compiled.settings, model: compiled.model)
      .broken(by: others + [override], before: keeper.overrides)
  }
}
