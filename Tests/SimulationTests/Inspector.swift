import Compiling
import Places
import Probing
import Publishing
import Routing
import Settings
import TestSupport

/// Looks at every step of a simulation for what must never be, by its own reckoning: from what
/// probes found and operators said, not from what the board made of it.
struct Inspector {
  private(set) var failures: [String] = []
  private(set) var boardCount = 0
  private let seed: UInt64
  private var compiled: CompiledSettings
  private var board: HealthBoard?
  private var set: VerdictSet?
  private var served: Served?
  /// By endpoint: since when it has been down; nil: it is up.
  private var downSince: [Double?]
  /// By region: how often it came back into use, and what may have brought it back otherwise.
  private var returnCounts: [Int]
  private var wasUsed: [Bool]
  private var actionCount = 0
  private var deadlines: [Double] = []
  /// Of the service with one primary.
  private var primaries = PrimaryWatch()

  /// A steering table in a box, as it cannot be copied.
  private final class Served: Sendable {
    let table: SteeringTable
    init(_ table: consuming SteeringTable) { self.table = table }
  }

  init(seed: UInt64, compiled: CompiledSettings) {
    self.seed = seed
    self.compiled = compiled
    downSince = compiled.model.endpoints.map { _ in nil }
    returnCounts = compiled.model.regions.map { _ in 0 }
    wasUsed = compiled.model.regions.map { _ in false }
  }

  mutating func noteTruth(endpoint: Int, isUp: Bool, now: Double) {
    downSince[endpoint] = isUp ? nil : downSince[endpoint] ?? now
    if !isUp { deadlines.append(now + Landscape.detectionBound + 0.002) }
  }

  mutating func noteAction() { actionCount += 1 }

  mutating func noteReload(_ next: CompiledSettings) {
    compiled = next
    board = nil
    set = nil
    actionCount += 1
  }

  /// When the next endpoint that is down must have been found out.
  var nextDeadline: Double? { deadlines.min() }

  func regions(ofRandomClient generator: inout SeededGenerator) -> [Int] {
    guard let place = Landscape.places.randomElement(using: &generator) else { return [] }
    let host = UInt32.random(in: 0..<65_536, using: &generator)
    return outcome(ClientAddress(ipv4: place.prefix | host))?.outcome.regions ?? []
  }

  mutating func inspect(
    _ board: HealthBoard, states: [String: EndpointState], overrides: [Override], now: Double,
    due: Double?, demands: [[Double]], using generator: inout SeededGenerator
  ) {
    if let due, due <= now - 1e-6 { fail("the board is due at \(due) s, which is past", now) }
    guard board != self.board else { return }
    self.board = board
    boardCount += 1
    let verdicts = VerdictCompiler(model: compiled.model, service: 0, board: board)
      .compile(reusing: set)
    set = verdicts
    served = Served(
      SteeringTable(maps: compiled.maps, services: [compiled.model.services[0]], sets: [verdicts]))
    let plain = plainBoard(states, overrides: overrides)
    for place in Landscape.places {
      let host = UInt32.random(in: 0..<65_536, using: &generator)
      check(place.prefix | host, isFenced: place.isFenced, plain: plain, now, using: &generator)
    }
    countReturns(board, now: now)
    if let demands = demands.first { checkCapacity(board, demands: demands, now: now) }
  }

  mutating func noteLag(region: String, seconds: Double, now: Double) {
    primaries.lags[region] = (seconds, now)
  }

  /// One primary for an epoch, epochs that grow one by one, and nothing by itself that costs data.
  mutating func inspect(
    _ changes: [PrimaryChange], report: PrimaryReport?, states: [String: EndpointState],
    overrides: [Override], now: Double
  ) {
    let plain = plainBoard(states, overrides: overrides)
    let model = compiled.model
    func standing(_ name: String) -> Standing {
      model.regions.firstIndex { $0.name == name }.map {
        model.healthStanding(ofRegion: $0, inPool: 0, on: plain).standing
      } ?? .absent
    }
    let isGated = compiled.settings.primary(of: compiled.settings.services[0])?.lag != nil
    for failure in primaries.take(changes, report, isGated: isGated, now: now, standing: standing) {
      fail(failure, now)
    }
  }

  private mutating func fail(_ text: String, _ now: Double) {
    failures.append("at \(now) s: \(text)")
  }

  /// Bounded detection: an endpoint that has been down for the promised time is known to be.
  mutating func checkDetection(_ scheduler: ProbeScheduler, now: Double) {
    guard let deadline = nextDeadline, deadline <= now else { return }
    deadlines.removeAll { $0 <= now }
    let states = scheduler.states
    for (endpoint, since) in downSince.enumerated() {
      guard let since, now > since + Landscape.detectionBound + 0.001 else { continue }
      let id = compiled.model.endpoints[endpoint].id
      if states[id]?.health != .unhealthy {
        fail("\(id) has been down since \(since) s and is not known to be", now)
      }
    }
  }

  /// Only what probes found and operators said.
  private func plainBoard(
    _ states: [String: EndpointState], overrides: [Override]
  ) -> HealthBoard {
    HealthBoard(
      conditions: compiled.model.endpoints.map { endpoint in
        let state = states[endpoint.id]
        let region = compiled.model.regions[endpoint.region].name
        let said = overrides.first { $0.target.region == region }?.state ?? .auto
        return EndpointCondition(
          health: state?.health ?? .unknown, override: said, lastGood: state?.lastGood ?? 0)
      })
  }

  private func outcome(_ client: ClientAddress) -> (outcome: Outcome, decision: Decision)? {
    guard let served, let set else { return nil }
    var silent = SilentTrace()
    let decision = served.table.route(client, to: 0, trace: &silent)
    return (set.outcomes[decision.outcome], decision)
  }

  private mutating func check(
    _ address: UInt32, isFenced: Bool, plain: HealthBoard, _ now: Double,
    using generator: inout SeededGenerator
  ) {
    guard let (outcome, decision) = outcome(ClientAddress(ipv4: address)) else { return }
    let model = compiled.model
    let name = IPAddress.ipv4(address)
    let retries = set.map { $0.retryOrders[$0.retryOrderOfCohort[Int(decision.cohort)]] } ?? []
    let permitted = model.regions.indices.filter {
      !isFenced || Landscape.fencedIn.contains(model.regions[$0].name)
    }
    if let outside = (outcome.regions + retries).first(where: { !permitted.contains($0) }) {
      fail("\(name) may leave its fence for \(model.regions[outside].name)", now)
    }
    if model.services[0].primaryOrder != nil {
      let outside = (outcome.regions + retries).first {
        !primaries.used.contains(model.regions[$0].name)
      }
      if let outside { fail("\(name) is sent to \(model.regions[outside].name), a standby", now) }
      return checkScope(address, outcome: outcome, decision: decision, now, using: &generator)
    }
    func standing(_ region: Int) -> Standing {
      model.healthStanding(ofRegion: region, inPool: 0, on: plain).standing
    }
    let best = permitted.map(standing).min() ?? .absent
    for region in outcome.regions {
      let found = standing(region)
      let isWorse = found == .removed || found == .unhealthy && best <= .degraded
      if isWorse { fail("\(name) is sent to \(model.regions[region].name), \(found)", now) }
    }
    if best <= .unknown && outcome.regions.isEmpty { fail("\(name) is refused", now) }
    checkScope(address, outcome: outcome, decision: decision, now, using: &generator)
  }

  /// Every client inside the scope gets the same.
  private mutating func checkScope(
    _ address: UInt32, outcome: Outcome, decision: Decision, _ now: Double,
    using generator: inout SeededGenerator
  ) {
    let name = IPAddress.ipv4(address)
    let size = decision.scopeBits == 32 ? 0 : ~UInt32(0) >> UInt32(decision.scopeBits)
    let neighbour = (address & ~size) | .random(in: 0...size, using: &generator)
    if let other = self.outcome(ClientAddress(ipv4: neighbour)), other.outcome != outcome {
      fail("\(name) and \(IPAddress.ipv4(neighbour)) share /\(decision.scopeBits)", now)
    }
  }

  /// No region has more than its capacity while those that are used have room for all clients,
  /// and those inside the fence for the fenced ones.
  private mutating func checkCapacity(_ board: HealthBoard, demands: [Double], now: Double) {
    guard let set, demands.count == set.verdicts.count else { return }
    let model = compiled.model
    let standings = model.regions.indices.map {
      model.standing(ofRegion: $0, inPool: 0, on: board)
    }
    let used = standings.indices.filter { standings[$0].standing == .healthy }
    // A dial or a ramp keeps clients away from a region that has room: then it may not suffice.
    guard used.allSatisfy({ standings[$0].admission.dial * standings[$0].admission.ramp == 1 })
    else { return }
    let room = Double(used.count) * Landscape.capacity * 0.9
    let inside = used.count { Landscape.fencedIn.contains(model.regions[$0].name) }
    let fenced = zip(model.maps[0].cohorts, demands).reduce(0) {
      $0 + ($1.0.fences.isEmpty ? 0 : $1.1)
    }
    guard inside > 0, demands.reduce(0, +) < 0.98 * room,
      fenced < 0.98 * Double(inside) * Landscape.capacity * 0.9
    else { return }
    for (region, load) in loads(set, demands: demands).enumerated() where load > Landscape.capacity
    {
      fail("\(model.regions[region].name) has \(load), more than its capacity", now)
    }
  }

  /// New connections a second by region, counted from the slots that serve.
  private func loads(_ set: VerdictSet, demands: [Double]) -> [Double] {
    var loads = compiled.model.regions.map { _ in 0.0 }
    for (verdict, demand) in zip(set.verdicts, demands) {
      let outcomes = verdict.isDrawn ? set.slotTables[verdict.index] : [UInt16(verdict.index)]
      for outcome in outcomes {
        let regions = set.outcomes[Int(outcome)].regions
        for region in regions {
          loads[region] += demand / Double(outcomes.count * regions.count)
        }
      }
    }
    return loads
  }

  /// Bounded transitions: a region comes into use once, and again after each loss that flap damping
  /// allows, and for each thing that an operator did.
  private mutating func countReturns(_ board: HealthBoard, now: Double) {
    let limit = 1 + Int(Landscape.lossLimit(by: now)) + actionCount
    for region in compiled.model.regions.indices {
      let standing = compiled.model.standing(ofRegion: region, inPool: 0, on: board)
      let isUsed = standing.standing == .healthy
      if isUsed && !wasUsed[region] {
        returnCounts[region] += 1
        if returnCounts[region] > limit {
          fail(
            "\(compiled.model.regions[region].name) came back \(returnCounts[region]) times", now)
        }
      }
      wasUsed[region] = isUsed
    }
  }
}
