package import Compiling
package import Editions
import Places
package import Routing
package import Settings

/// Asks the router for every client of a population, once as things are and once as a scenario has
/// them, and adds up what changes.
///
///     configuration ─▶ edition ──────────────────┐ the same clients, one by one ┌▶ shares, flows,
///       └ scenario ──▶ another edition or board ─┴──────── route ───────────────┴▶ latency, fences
package struct Simulation: Sendable {
  /// As things are.
  package var compiled: CompiledSettings
  package var board: HealthBoard
  let demands: [[Double]]?

  /// - Parameters:
  ///   - board: nil: everything is healthy.
  ///   - demands: new connections a second by service and cohort, as they are measured; nil:
  ///     nothing is.
  package init(
    _ compiled: CompiledSettings, board: HealthBoard? = nil, demands: [[Double]]? = nil
  ) {
    self.compiled = compiled
    self.board = board ?? compiled.healthyBoard
    self.demands = demands
  }

  /// What becomes of the clients.
  ///
  /// - Parameters:
  ///   - population: nil: people.
  ///   - services: by name; nil: all.
  ///   - load: of all clients together, what they ask of each service: new connections a second
  ///     where regions have capacities, so that loaded ones spill over. nil: their weights as they
  ///     are, and loads as they are measured.
  /// - Throws: the faults of a changed configuration or database.
  package func report(
    of scenario: Scenario, population: Population? = nil, services: [String]? = nil,
    load: Double? = nil, tellProgress: (Double) -> Void = { _ in }
  ) throws(Faults) -> SimulationReport {
    let population = population ?? Population(peopleOf: compiled.model.places)
    let sides = try sides(of: scenario, population: population, services: services, load: load)
    var report = Self.report(
      before: sides.before, after: sides.after, population: population, services: services,
      load: load, scenario: scenario.sentences, tellProgress: tellProgress)
    report.capacities = sides.capacities
    return report
  }

  /// As things are, and as the scenario has them.
  func sides(
    of scenario: Scenario, population: Population? = nil, services: [String]? = nil,
    load: Double? = nil
  ) throws(Faults) -> (
    before: Edition, after: Edition, capacities: [SimulationReport.Capacity]
  ) {
    var after = compiled
    if scenario.changesSettings {
      after = try CompiledSettings(
        scenario.settings(from: compiled.settings), previous: compiled, zoneHashSeed: 0)
    }
    var afterBoard = scenario.board(
      from: scenario.changesSettings ? carried(to: after) : board, model: after.model)
    afterBoard.forgetLostPrimaries(in: after.model)
    func spillOver(_ compiled: CompiledSettings, _ board: HealthBoard) -> SpillOver? {
      guard after.settings.hasCapacities || self.compiled.settings.hasCapacities else { return nil }
      if let load, let population {
        return SpillOver(
          compiled, board: board, population: population, services: services,
          scale: load / max(population.weight, .leastNonzeroMagnitude))
      }
      guard let demands, !scenario.changesSettings else { return nil }
      return SpillOver(compiled, board: board, demands: demands)
    }
    let spills = (spillOver(compiled, board), spillOver(after, afterBoard))
    var capacities: [SimulationReport.Capacity] = []
    if let before = spills.0, let after = spills.1 {
      capacities = before.capacities(after: after)
    }
    return (
      edition(compiled, board: spills.0?.board ?? board),
      edition(after, board: spills.1?.board ?? afterBoard), capacities
    )
  }

  /// What is known of the endpoints, regions and pools that another configuration has too.
  private func carried(to after: CompiledSettings) -> HealthBoard {
    var carried = after.healthyBoard
    let endpoints = Dictionary(
      zip(compiled.model.endpoints, board.conditions).map { ($0.id, $1) },
      uniquingKeysWith: { first, _ in first })
    for (index, endpoint) in after.model.endpoints.enumerated() {
      carried.conditions[index] = endpoints[endpoint.id] ?? carried.conditions[index]
    }
    let regions = after.model.regions.map { region in
      compiled.model.regions.firstIndex { $0.name == region.name }
    }
    carried.regionOverrides = regions.map { region in
      guard let region, region < board.regionOverrides.count else { return .auto }
      return board.regionOverrides[region]
    }
    carried.admissions.returns = after.model.pools.map { pool in
      let old = compiled.model.pools.firstIndex { $0.name == pool.name }
      return regions.map { region in
        guard let old, let region else { return .complete }
        return board.admissions.regionReturn(of: region, inPool: old)
      }
    }
    return carried
  }

  private func edition(_ compiled: CompiledSettings, board: HealthBoard) -> Edition {
    Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: board, isReady: true)
  }

  /// The same between any two editions.
  package static func report(
    before: Edition, after: Edition, population: Population, services: [String]? = nil,
    load: Double? = nil, scenario: [String], tellProgress: (Double) -> Void = { _ in }
  ) -> SimulationReport {
    let names = before.model.steeringServices.map { before.model.services[$0].name }.filter {
      name in
      after.model.services.contains { $0.name == name } && services?.contains(name) ?? true
    }
    let scale = load.map { $0 / max(population.weight, .leastNonzeroMagnitude) } ?? 1
    return SimulationReport(
      scenario: scenario, populationSource: population.source,
      clients: population.clients.count, weight: population.weight * scale,
      unplacedWeight: population.unplacedWeight * scale,
      services: names.enumerated().map { done, name in
        tellProgress(Double(done) / Double(names.count))
        return Comparison(service: name, before: before, after: after, population: population)
          .report(scale: scale)
      })
  }
}

/// One service in two editions.
private struct Comparison {
  let service: String
  /// Of both editions, by name; the number behind the last stands for "refused".
  let regions: [String]
  private var shares: [(before: Double, after: Double)]
  /// By from × (regions + 1) + to.
  private var flows: [Double]
  private var movedWeight = 0.0
  private var ignoredWeight = (before: 0.0, after: 0.0)
  private var latencies: (before: WeightedValues, after: WeightedValues) = (.init(), .init())
  private var fences: [String: SimulationReport.Fence] = [:]

  init(service: String, before: Edition, after: Edition, population: Population) {
    self.service = service
    var names = before.model.regions.map(\.name)
    names += after.model.regions.map(\.name).filter { !names.contains($0) }
    regions = names
    shares = Array(repeating: (0, 0), count: names.count + 1)
    flows = Array(repeating: 0, count: (names.count + 1) * (names.count + 1))
    guard let first = Side(before, service: service, regions: names),
      let second = Side(after, service: service, regions: names)
    else { return }
    for client in population.clients where client.weight > 0 {
      let address = client.address.client
      add(first.answer(address), second.answer(address), weight: client.weight)
    }
  }

  private mutating func add(_ before: Side.Answer, _ after: Side.Answer, weight: Double) {
    let one = weight / Double(before.regions.count)
    let other = weight / Double(after.regions.count)
    for region in before.regions { shares[region].before += one }
    for region in after.regions { shares[region].after += other }
    // What of the client is not where it was.
    let stays = before.regions.reduce(0) { $0 + (after.regions.contains($1) ? min(one, other) : 0) }
    let moved = max(0, weight - stays)
    if moved > weight * 1e-9 {
      movedWeight += moved
      for from in before.regions {
        for to in after.regions where to != from {
          flows[from * (regions.count + 1) + to] +=
            moved / Double(before.regions.count * after.regions.count)
        }
      }
    }
    if before.ignoresHealth { ignoredWeight.before += weight }
    if after.ignoresHealth { ignoredWeight.after += weight }
    if let latency = before.milliseconds { latencies.before.add(latency, weight: weight) }
    if let latency = after.milliseconds { latencies.after.add(latency, weight: weight) }
    for name in Set(before.fences + after.fences) {
      var fence = fences[name] ?? SimulationReport.Fence(name: name)
      fence.weight += weight
      fence.movedWeight += moved
      if before.isRefused { fence.refusedBefore += weight }
      if after.isRefused { fence.refusedAfter += weight }
      fences[name] = fence
    }
  }

  func report(scale: Double) -> SimulationReport.Service {
    let total = shares.reduce(0) { $0 + $1.before }
    let unit = total > 0 ? total : 1
    func row(_ index: Int, _ name: String) -> SimulationReport.Region {
      SimulationReport.Region(
        name: name, shareBefore: shares[index].before / unit,
        shareAfter: shares[index].after / unit, loadBefore: shares[index].before * scale,
        loadAfter: shares[index].after * scale)
    }
    return SimulationReport.Service(
      name: service, movedShare: movedWeight / unit, movedLoad: movedWeight * scale,
      regions: regions.enumerated().map { row($0.offset, $0.element) },
      refused: row(regions.count, "refused"),
      healthIgnoredBefore: ignoredWeight.before / unit,
      healthIgnoredAfter: ignoredWeight.after / unit,
      flows: flowRows(unit: unit, scale: scale),
      latencyBefore: latencies.before.summary, latencyAfter: latencies.after.summary,
      fences: fences.values.sorted { $0.name < $1.name }.map { $0.scaled(scale) })
  }

  private func flowRows(unit: Double, scale: Double) -> [SimulationReport.Flow] {
    let names = regions + ["refused"]
    return flows.enumerated().filter { $0.element > 0 }.map { index, weight in
      SimulationReport.Flow(
        from: names[index / names.count], to: names[index % names.count], share: weight / unit,
        load: weight * scale)
    }.sorted { ($1.share, $0.from, $0.to) < ($0.share, $1.from, $1.to) }
  }
}

/// A service in one edition.
private struct Side {
  struct Answer {
    /// Indices into the names of both editions; never empty: whoever is refused has the one behind.
    var regions: [Int]
    var isRefused: Bool
    var ignoresHealth: Bool
    /// Expected round trip to the first region; nil where no place is known.
    var milliseconds: Double?
    var fences: [String]
  }

  private let edition: Edition
  private let service: Int
  private let regionNumbers: [Int]
  private let refused: Int
  private let fencesOfCohort: [[String]]

  init?(_ edition: Edition, service name: String, regions: [String]) {
    guard let service = edition.model.services.firstIndex(where: { $0.name == name }) else {
      return nil
    }
    self.edition = edition
    self.service = service
    refused = regions.count
    regionNumbers = edition.model.regions.map {
      regions.firstIndex(of: $0.name) ?? regions.count
    }
    let cohorts = edition.model.maps[edition.model.services[service].map].cohorts
    fencesOfCohort = cohorts.indices.map {
      edition.model.fenceNames(service: service, cohort: $0)
    }
  }

  func answer(_ client: ClientAddress) -> Answer {
    var silent = SilentTrace()
    let decision = edition.steering.route(client, to: service, trace: &silent)
    let outcome = edition.targets.outcome(of: decision)
    let isRefused = outcome.kind != .serve || outcome.regions.isEmpty
    return Answer(
      regions: isRefused ? [refused] : outcome.regions.map { regionNumbers[$0] },
      isRefused: isRefused, ignoresHealth: !isRefused && outcome.basis.ignoresHealth,
      milliseconds: isRefused ? nil : milliseconds(client, to: outcome.regions[0]),
      fences: fencesOfCohort[Int(decision.cohort)])
  }

  private func milliseconds(_ client: ClientAddress, to region: Int) -> Double? {
    let place = edition.model.places.place(of: client).place
    return edition.model.expectedMilliseconds(fromPlace: place, to: region)
  }
}

/// Values with weights, and their quantiles.
private struct WeightedValues {
  private var values: [(value: Double, weight: Double)] = []

  mutating func add(_ value: Double, weight: Double) { values.append((value, weight)) }

  /// nil without values.
  var summary: SimulationReport.Latency? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted { $0.value < $1.value }
    let total = sorted.reduce(0) { $0 + $1.weight }
    func quantile(_ share: Double) -> Double {
      var passed = 0.0
      for entry in sorted {
        passed += entry.weight
        if passed >= total * share { return entry.value }
      }
      return sorted[sorted.count - 1].value
    }
    return SimulationReport.Latency(
      medianMilliseconds: quantile(0.5), p95Milliseconds: quantile(0.95),
      meanMilliseconds: sorted.reduce(0) { $0 + $1.value * $1.weight } / total)
  }
}

extension HealthBoard {
  /// What becomes of active-passive services once another region has taken over: a primary that is
  /// lost is none any more, and the first of the order that is usable has its clients.
  fileprivate mutating func forgetLostPrimaries(in model: RoutingModel) {
    for (service, primary) in admissions.primaries.enumerated() {
      guard let primary else { continue }
      let found = model.healthStanding(ofRegion: primary.region, forService: service, on: self)
      if found.standing >= .unhealthy { admissions.primaries[service] = nil }
    }
  }
}
