import Admitting
import Clustering
import Compiling
import Publishing
import Routing
import TestSupport
import Voting

/// A node of a simulated fleet: the board keeper, the verdict keeper, the ledger of overrides and
/// the agreement on primaries, all of them the ones that serve.
struct SimulatedNode {
  let id: Int
  let region: String
  let compiled: CompiledSettings
  /// The region of each endpoint, by id.
  let homes: [String: String]
  private(set) var keeper: BoardKeeper
  private(set) var ledger: OverrideLedger
  private(set) var verdicts = VerdictKeeper(VotingRules(staleHold: .seconds(20)))
  private(set) var board: HealthBoard
  private var picture = SimulatedStore.Picture()
  /// Where in the store's history that is.
  private var position = 0
  private var isConnected = false
  private var known: (primary: SharedPrimary, revision: Int64)?
  /// What it watches, of the nodes that lived when this was settled.
  private var sampled: (nodes: Set<Int>, endpoints: Set<String>)?
  private var found: [String: Observation] = [:]
  private var against: [String: Int] = [:]

  /// - Parameter before: what a process before it has left on its disk.
  init(_ id: Int, _ compiled: CompiledSettings, second: Int, before: SimulatedNode? = nil) {
    self.id = id
    self.compiled = compiled
    region = FleetWorld.regions[id]
    homes = Dictionary(
      compiled.model.endpoints.map { ($0.id, compiled.model.regions[$0.region].name) },
      uniquingKeysWith: { first, _ in first })
    keeper = BoardKeeper(compiled)
    keeper.sharePrimaries()
    keeper.restorePrimaries(before?.keeper.primaryRecords ?? [], firstEpoch: 0)
    ledger = OverrideLedger(node: "edge-\(id)", entries: before?.ledger.entries ?? [:])
    keeper.replaceOverrides(with: ledger.overrides(at: Double(second)))
    board = keeper.board(now: .seconds(second))
  }

  /// One second of its life.
  ///
  /// - Parameter isLate: the store's words are on their way.
  mutating func advance(
    _ world: inout FleetWorld, isLate: Bool, using generator: inout SeededGenerator
  ) {
    isConnected = world.network.hasStore(id)
    if isConnected { hear(world.store, isLate: isLate, using: &generator) }
    check(world)
    settleHealth(&world)
    settleOverrides(&world)
    settlePrimary(&world, isAnswered: Int.random(in: 0..<8, using: &generator) != 0)
    board = keeper.board(now: .seconds(world.second))
  }

  /// Never back, and not always as far as the store is.
  private mutating func hear(
    _ store: SimulatedStore, isLate: Bool, using generator: inout SeededGenerator
  ) {
    let newest = store.history.count - 1
    position = isLate ? .random(in: min(position, newest)...newest, using: &generator) : newest
    picture = store.history[position]
  }

  // MARK: health

  private mutating func watched() -> Set<String> {
    guard verdicts.standing == .voting || verdicts.standing == .frozen else {
      return Set(homes.keys)
    }
    let nodes = Set(picture.reports.keys)
    if let sampled, sampled.nodes == nodes { return sampled.endpoints }
    let regions = picture.reports.map { ("edge-\($0)", $1.region) }
    let endpoints = Observers.endpoints(
      watchedBy: "edge-\(id)", in: region, nodes: Dictionary(uniqueKeysWithValues: regions),
      endpoints: homes, count: 1)
    sampled = (nodes, endpoints)
    return endpoints
  }

  /// Two results in a row change what it finds.
  private mutating func check(_ world: FleetWorld) {
    let watched = watched()
    found = found.filter { watched.contains($0.key) }
    for endpoint in watched.sorted() {
      let health: Health = world.isUp(endpoint, from: id) ? .healthy : .unhealthy
      guard let before = found[endpoint] else {
        found[endpoint] = Observation(
          health, since: UInt64(world.second), wasGood: health == .healthy)
        continue
      }
      against[endpoint] = before.health == health ? 0 : against[endpoint, default: 0] + 1
      if against[endpoint, default: 0] >= 2 {
        found[endpoint] = Observation(health, since: UInt64(world.second))
      }
    }
  }

  private mutating func settleHealth(_ world: inout FleetWorld) {
    var own = HealthReport(region: region, observations: found)
    var others: [String: HealthReport] = [:]
    for (node, report) in picture.reports where node != id { others["edge-\(node)"] = report }
    verdicts.settle(
      VerdictKeeper.Evidence(own: own, others: others, homes: homes, isConnected: isConnected),
      now: .seconds(world.second))
    _ = keeper.apply(
      verdicts.verdicts.mapValues {
        EndpointCondition(
          health: $0.opinion.health, lastGood: $0.opinion.lastGood,
          sharePercent: $0.opinion.sharePercent)
      }, now: .seconds(world.second))
    own.isIsolated = verdicts.isIsolated
    if isConnected { world.store.report(own, of: id, until: world.second + 15) }
  }

  // MARK: overrides

  private mutating func settleOverrides(_ world: inout FleetWorld) {
    if isConnected {
      ledger.take(picture.overrides, revision: picture.revision)
      for _ in 0..<8 {
        guard let (target, entry) = ledger.due.first else { break }
        _ = commit(entry, of: target, to: &world)
      }
    }
    keeper.replaceOverrides(with: ledger.overrides(at: Double(world.second)))
  }

  /// - Returns: whether the store has it.
  private mutating func commit(
    _ entry: OverrideLedger.Entry, of target: Override.Target, to world: inout FleetWorld
  ) -> Bool {
    guard world.store.swap(entry.record, of: target, expecting: entry.revision) else {
      ledger.take(world.store.now.overrides[target], of: target)
      return false
    }
    ledger.committed(entry.record, of: target, revision: world.store.now.revision)
    return true
  }

  /// An operator's word to this node.
  ///
  /// - Returns: what was said; nil: somebody else was first.
  mutating func say(_ override: Override, in world: inout FleetWorld) -> SharedOverride? {
    let proposal = ledger.proposal(for: override, now: Double(world.second))
    guard world.network.hasStore(id) else {
      ledger.keep(proposal, of: override.target)
      return proposal.record
    }
    return commit(proposal, of: override.target, to: &world) ? proposal.record : nil
  }

  // MARK: the primary

  var primary: (primary: SharedPrimary, isReplicated: Bool)? {
    keeper.sharedPrimaries[FleetWorld.ledger]
  }

  /// - Parameter isAnswered: false: what it writes may be written, and nobody says so.
  private mutating func settlePrimary(_ world: inout FleetWorld, isAnswered: Bool) {
    if isConnected { known = picture.primary }
    follow(second: world.second)
    guard isConnected else { return }
    for _ in 0..<8 {
      _ = keeper.board(now: .seconds(world.second))
      guard let own = primary else { return }
      let agreement = PrimaryAgreement(
        own: own.primary, isReplicated: own.isReplicated,
        wish: keeper.primaryProposals[FleetWorld.ledger], stored: known,
        firstEpoch: UInt64(world.second))
      switch agreement {
      case .agreed: return
      case .follow: break
      case .write(let next, let expected):
        _ = world.store.swap(next, expecting: expected)
        guard isAnswered else { return }
        known = world.store.now.primary
      }
      follow(second: world.second)
    }
  }

  private mutating func follow(second: Int) {
    let decided = known.map { [FleetWorld.ledger: $0.primary] } ?? [:]
    _ = keeper.follow(decided, isReachable: isConnected, now: .seconds(second))
  }

  /// An operator promotes a region, if the store and this node agree so far.
  mutating func promote(_ region: String, in world: inout FleetWorld) {
    guard world.network.hasStore(id), let known,
      let wish = try? keeper.proposal(
        promoting: region, ofService: FleetWorld.ledger, accepting: .nothing),
      known.primary.epoch + 1 == wish.epoch
    else { return }
    _ = world.store.swap(wish, expecting: known.revision)
  }
}
