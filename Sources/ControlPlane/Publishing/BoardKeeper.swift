import Admitting
package import Compiling
package import Routing
import Settings

/// What health, overrides and time come to: the pure part of publishing.
///
///     health, overrides, now ─▶ conditions ─▶ standings ─▶ a ReturnStateMachine by pool and region
///                                    └──────────── HealthBoard ◀──────── admissions
package struct BoardKeeper: Sendable {
  package private(set) var overrides: [Override] = []
  private(set) var model: RoutingModel
  var primaries: PrimaryDesk
  private var health: [String: EndpointCondition] = [:]
  private var unsettled: Set<String> = []
  /// Of endpoints that were lost.
  private var dampers: [String: FlapDamper] = [:]
  private var returns: [RegionOfPool: ReturnStateMachine] = [:]
  /// By region.
  private var rules: [ReturnStateMachine.Rules]
  private var dials: [Double]
  var capacities: [CapacityStateMachine.Rules]
  var load = CapacityStateMachine()
  var reports = ReportedLoads()
  let regions: [Settings.Region]
  private var flapping: FlapDamper.Rules

  /// A region as a pool sees it, by names, which stay the same over reloads.
  struct RegionOfPool: Hashable {
    var pool: String
    var region: String
  }

  package init(_ compiled: CompiledSettings) {
    model = compiled.model
    primaries = PrimaryDesk(compiled.settings)
    rules = compiled.settings.regions.map { ReturnStateMachine.Rules($0.stability) }
    dials = compiled.settings.regions.map(\.dial)
    regions = compiled.settings.regions
    capacities = regions.map { CapacityStateMachine.Rules($0.capacity) }
    flapping = FlapDamper.Rules(compiled.settings.stability.flapping)
    for (endpoint, condition) in zip(model.endpoints, compiled.initialBoard.conditions) {
      health[endpoint.id] = condition
    }
  }

  /// Takes the state of some endpoints, by id; ids that the configuration does not have are passed
  /// over. An operator's word in them counts for nothing.
  ///
  /// - Returns: whether anything is new.
  package mutating func apply(
    _ conditions: [String: EndpointCondition], now: Duration
  ) -> Bool {
    var isChanged = false
    for (id, condition) in conditions {
      guard let before = health[id], before != condition else { continue }
      let wasGood = before.health == .healthy || before.health == .degraded
      if wasGood && condition.health == .unhealthy {
        dampers[id, default: FlapDamper()].noteLoss(now: now, rules: flapping)
      }
      health[id] = condition
      isChanged = true
    }
    return isChanged
  }

  /// What there is to write down.
  func memory(now: Double) -> BoardMemory { BoardMemory(overrides, health, now: now) }

  /// Begins with what was written down, where it is not too old: health until the first checks
  /// speak, of endpoints that have any.
  mutating func restore(_ memory: BoardMemory, limits: Settings.Remembering, now: Double) {
    for (id, condition) in memory.conditions(limits, now: now)
    where health[id]?.health == .unknown {
      health[id] = condition
    }
    overrides = memory.overrides(limits, now: now).filter { isKnown($0.target) }
  }

  /// Takes the ids of all endpoints whose health is in doubt.
  ///
  /// - Returns: whether anything is new.
  package mutating func apply(unsettled: Set<String>) -> Bool {
    defer { self.unsettled = unsettled }
    return unsettled != self.unsettled
  }

  /// Replaces the configuration whole. What is known of what is still there carries over.
  ///
  /// - Parameter conditions: the state of its endpoints, by id; the others start anew.
  package mutating func replace(
    with next: CompiledSettings, conditions: [String: EndpointCondition]
  ) {
    let before = self
    self = BoardKeeper(next)
    for (id, condition) in conditions where health[id] != nil { health[id] = condition }
    unsettled = before.unsettled.filter { health[$0] != nil }
    dampers = before.dampers.filter { health[$0.key] != nil }
    returns = before.returns
    primaries.machines = before.primaries.machines
    primaries.lags = before.primaries.lags
    primaries.firstEpoch = before.primaries.firstEpoch
    primaries.changes = before.primaries.changes
    primaries.shared = before.primaries.shared
    load = before.load
    load.adopt(
      origins: regions.map { region in
        before.regions.firstIndex { $0.name == region.name }
      })
    reports = before.reports
    overrides = before.overrides.filter { isKnown($0.target) }
  }

  /// Sets an override; one that was there for the same target is replaced.
  ///
  /// - Returns: whether the configuration has its target.
  package mutating func set(_ override: Override) -> Bool {
    guard isKnown(override.target) else { return false }
    overrides.removeAll { $0.target == override.target }
    if override.state != .auto || override.dial != nil { overrides.append(override) }
    return true
  }

  /// Takes these in place of all that were set; those whose targets the configuration does not have
  /// are passed over.
  package mutating func replaceOverrides(with next: [Override]) {
    overrides = next.filter { isKnown($0.target) }
  }

  /// Takes an override back; false if there was none.
  package mutating func removeOverride(of target: Override.Target) -> Bool {
    guard overrides.contains(where: { $0.target == target }) else { return false }
    overrides.removeAll { $0.target == target }
    return true
  }

  /// Lets the region have its clients back, whatever holds it.
  ///
  /// - Returns: the pools in which it was held; nil: there is no such region.
  package mutating func failback(region name: String, now: Duration) -> [String]? {
    guard let region = model.regions.firstIndex(where: { $0.name == name }) else { return nil }
    return model.pools.map(\.name).filter { pool in
      let key = RegionOfPool(pool: pool, region: name)
      return returns[key]?.release(rules: rules[region], now: now) ?? false
    }
  }

  /// Lets time pass and says how everything stands. Overrides whose time has come are gone.
  package mutating func board(now: Duration) -> HealthBoard {
    overrides.removeAll { $0.expiresAt.map { Duration.seconds($0) <= now } ?? false }
    for id in dampers.keys { dampers[id]?.advance(now: now, rules: flapping) }
    dampers = dampers.filter { $0.value.penalty > 0 || $0.value.isFlapping }
    var board = HealthBoard(
      conditions: model.endpoints.map { condition(of: $0) },
      regionOverrides: model.regions.map { region in
        overrides.filter { $0.target.isRegion && $0.target.region == region.name }
          .reduce(.auto) { $0.safer($1.state) }
      })
    board.admissions.returns = advanceReturns(on: board, now: now)
    board.admissions.dials = zip(model.regions, dials).map { region, dial in
      overrides.first { $0.target.isRegion && $0.target.region == region.name }?.dial ?? dial
    }
    board.admissions.primaries = advancePrimaries(on: board, now: now)
    load.adjust(model: model, board: board, rules: capacities, now: now)
    board.admissions.openings = load.openings
    return board
  }

  /// When time alone will change the board; nil: never.
  package var due: Duration? {
    let returning = model.regions.indices.compactMap { region in
      model.pools.compactMap { pool in
        returns[RegionOfPool(pool: pool.name, region: model.regions[region].name)]?
          .due(rules: rules[region])
      }.min()
    }
    let steady = dampers.values.compactMap { $0.due(rules: flapping) }
    let expiries = overrides.compactMap { $0.expiresAt.map { Duration.seconds($0) } }
    return [returning.min(), steady.min(), expiries.min(), primariesDue].compactMap(\.self).min()
  }

  package func isKnown(_ target: Override.Target) -> Bool {
    if target.isRegion { return model.regions.contains { $0.name == target.region } }
    return model.endpoints.contains { target.covers($0) }
  }

  private func condition(of endpoint: RoutingModel.Endpoint) -> EndpointCondition {
    let id = endpoint.id
    var condition = health[id] ?? EndpointCondition(health: .unknown)
    condition.override = overrides.filter { $0.target.covers(endpoint) }
      .reduce(.auto) { $0.safer($1.state) }
    condition.isFlapping = dampers[id]?.isFlapping ?? false
    condition.isUnsettled = unsettled.contains(id)
    return condition
  }

  private mutating func advanceReturns(
    on board: HealthBoard, now: Duration
  ) -> [[RegionReturn]] {
    var used: [RegionOfPool: ReturnStateMachine] = [:]
    let found = model.pools.indices.map { pool in
      model.regions.indices.map { region in
        let key = RegionOfPool(
          pool: model.pools[pool].name, region: model.regions[region].name)
        var machine = returns[key] ?? ReturnStateMachine()
        machine.observe(
          model.healthStanding(ofRegion: region, inPool: pool, on: board).standing,
          isForced: isForcedUp(key), rules: rules[region], now: now)
        used[key] = machine
        return machine.regionReturn(rules: rules[region])
      }
    }
    returns = used
    return found
  }

  /// An operator's `up` on the region, or on its part of the pool.
  private func isForcedUp(_ key: RegionOfPool) -> Bool {
    overrides.contains { override in
      override.state == .up && override.target.region == key.region
        && override.target.socket == nil && override.target.availabilityZone == nil
        && [nil, key.pool].contains(override.target.pool)
    }
  }
}

extension FlapDamper.Rules {
  init(_ settings: Settings.Flapping) {
    self.init(
      suppressAt: settings.isOn ? settings.suppressAt : 0, reuseAt: settings.reuseAt,
      halfLife: settings.halfLife, longest: settings.longest)
  }
}

extension CapacityStateMachine.Rules {
  init(_ capacity: Settings.Capacity?) {
    self.init(
      capacity: capacity?.connectionsPerSecond, openConnections: capacity?.openConnections,
      isReporting: capacity?.reportedLoad != nil, spillAt: capacity?.spillAt ?? 1,
      returnAt: capacity?.returnAt ?? 1)
  }
}

extension ReturnStateMachine.Rules {
  init(_ settings: Settings.Stability) {
    let failback: ReturnStateMachine.Failback =
      switch settings.failback {
      case .auto: .auto
      case .gradual: .gradual
      case .manual: .manual
      }
    self.init(
      failback: failback, holdDown: settings.holdDown, ramp: settings.ramp,
      rampStart: settings.rampStart, flapping: FlapDamper.Rules(settings.flapping))
  }
}
