import Clustering
import Compiling
import Engine
import Foundation
import Logging
import Probing
import Publishing
import Routing
import Settings
import Voting

/// What counts of the health of endpoints in a fleet: between the probes and the publisher.
///
///     Prober ─▶ own report ─▶ the store ─▶ reports of all ─▶ VerdictKeeper ─▶ EditionPublisher
///                   └────────────────────────────▲
///
/// Until the store has answered once, what the probes find goes straight through.
actor FleetHealth {
  /// Reports come no more often than this, whatever fails…
  static let shortestInterval = Duration.seconds(1)
  /// …and no less often than this.
  static let longestInterval = Duration.seconds(30)

  private let nodeID: String
  private let prefix: String
  private let observers: Int
  private let publisher: EditionPublisher
  private let logger: Logger
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  private var keeper: VerdictKeeper
  private var section: FleetSection<HealthReport>
  private var toldMalformed: Set<String> = []
  private var isConnected = false
  /// Every endpoint, watched by this node or not.
  private var targets: [ProbeTarget] = []
  private var homes: [String: String] = [:]
  private var unchecked: Set<String> = []
  private var health: Settings.HealthChecking
  private var region = ""
  private var availabilityZone: String?
  /// What the probes have found of those that are watched.
  private var found: [String: Observation] = [:]
  private var watched: Set<String>
  private var isFirstRoundComplete = false
  private var unsettled: Set<String> = []
  private var causes: [String: String] = [:]
  /// What the publisher has.
  private var applied: [String: EndpointCondition] = [:]
  private var isUnsettled = false
  private var isSettling = false

  // The report: what was written last, by which lease, and when.
  private var sequence: UInt64 = 0
  private var written: (report: HealthReport, lease: Int64, at: ContinuousClock.Instant)?
  private var isWriteRefused = false

  init(
    _ compiled: CompiledSettings, rules: Settings.Fleet.Health, nodeID: String, prefix: String,
    publisher: EditionPublisher, logger: Logger = Logger(label: "azimuth.fleet")
  ) {
    self.nodeID = nodeID
    self.prefix = prefix
    observers = rules.observers
    self.publisher = publisher
    self.logger = logger
    start = clock.now
    keeper = VerdictKeeper(
      VotingRules(
        quorum: rules.quorum, minimumObservers: rules.minimumObservers,
        staleHold: rules.staleHold))
    section = FleetSection(prefix: "\(prefix)health/") { HealthReport($0) }
    health = compiled.settings.health
    targets = probeTargets(compiled)
    watched = Set(targets.map(\.endpointID))
    homes = Self.homes(compiled)
    unchecked = Set(targets.filter { $0.monitor == nil }.map(\.endpointID))
    (region, availabilityZone) = Self.place(compiled.settings)
  }

  private static func homes(_ compiled: CompiledSettings) -> [String: String] {
    Dictionary(
      compiled.model.endpoints.map { ($0.id, compiled.model.regions[$0.region].name) },
      uniquingKeysWith: { first, _ in first })
  }

  private static func place(_ settings: Settings) -> (String, String?) {
    (settings.node.region.map { settings.regions[$0].name } ?? "", settings.node.availabilityZone)
  }

  // MARK: - what the probes find

  /// Takes what has changed, and what it comes to to the publisher.
  func take(_ update: HealthUpdate) async {
    for change in update.changes where watched.contains(change.endpointID) {
      found[change.endpointID] = Observation(
        change.state, since: change.transition.at,
        roundTrip: found[change.endpointID]?.roundTrip ?? 0)
      causes[change.endpointID] = change.transition.cause
    }
    unsettled = update.unsettled
    isFirstRoundComplete = update.isFirstRoundComplete
    await settle()
  }

  /// Has the node watch the endpoints of another configuration.
  ///
  /// - Returns: what counts of them, for its edition.
  func replace(with next: CompiledSettings, prober: Prober) async -> [String: EndpointCondition] {
    let known = homes
    targets = probeTargets(next)
    homes = Self.homes(next)
    unchecked = Set(targets.filter { $0.monitor == nil }.map(\.endpointID))
    health = next.settings.health
    (region, availabilityZone) = Self.place(next.settings)
    // Without the store nobody else may know of what is new.
    let new = keeper.standing == .frozen ? Set(homes.keys.filter { known[$0] == nil }) : []
    await watch(wanted.union(new), prober)
    keeper.settle(evidence, now: clock.now - start)
    return conditions
  }

  /// Says everything anew to the publisher, which has another configuration by now.
  func repeatAll() async {
    applied = [:]
    await settle()
  }

  var conditions: [String: EndpointCondition] {
    keeper.verdicts.mapValues { EndpointCondition($0.opinion) }
  }

  /// Those that this node is to watch now.
  private var wanted: Set<String> {
    // A start finds out about everything; and whoever is by himself has nobody to ask.
    guard isFirstRoundComplete, keeper.standing == .voting || keeper.standing == .frozen else {
      return Set(homes.keys)
    }
    // Without the store nobody knows who lives.
    if keeper.standing == .frozen { return watched.intersection(homes.keys) }
    let nodes = section.values.mapValues(\.value.region)
    let sampled = Observers.endpoints(
      watchedBy: nodeID, in: region, nodes: nodes, endpoints: homes, count: observers)
    // Those are watched by the traffic that they get.
    return sampled.union(unchecked)
  }

  private func watch(_ ids: Set<String>, _ prober: Prober) async {
    watched = ids
    let states = await prober.replaceTargets(
      targets.filter { ids.contains($0.endpointID) }, settings: health)
    // Newer ones may have come meanwhile; they come once more.
    found = Dictionary(
      states.map { id, state in
        let known = found[id]
        if let known, known.health == state.health, known.sharePercent == state.sharePercent {
          return (id, known)
        }
        return (id, Observation(state, since: nil, roundTrip: known?.roundTrip ?? 0))
      }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: - what the others say

  func take(_ picture: StorePicture) async {
    guard section.take(picture) else { return }
    for name in section.malformed.subtracting(toldMalformed) {
      logger.warning("a node's report is not understood", metadata: ["node": "\(name)"])
    }
    toldMalformed = section.malformed
    await settle()
  }

  private var others: [String: HealthReport] {
    section.values.filter { $0.key != nodeID }.mapValues(\.value)
  }

  private var own: HealthReport {
    HealthReport(
      region: region, availabilityZone: availabilityZone, sequence: sequence,
      isIsolated: keeper.isIsolated, observations: found.filter { !unchecked.contains($0.key) })
  }

  private var evidence: VerdictKeeper.Evidence {
    VerdictKeeper.Evidence(
      own: HealthReport(region: region, observations: found), others: others, homes: homes,
      unchecked: unchecked, isConnected: isConnected)
  }

  /// One at a time, so that the publisher hears the newest last.
  private func settle() async {
    isUnsettled = true
    guard !isSettling else { return }
    isSettling = true
    defer { isSettling = false }
    while isUnsettled {
      isUnsettled = false
      let wasIsolated = keeper.isIsolated
      let before = keeper.standing
      keeper.settle(evidence, now: clock.now - start)
      tell(wasIsolated: wasIsolated, before: before)
      let news = conditions.filter { applied[$0.key] != $0.value }
      applied.merge(news) { $1 }
      var words: [String: String] = [:]
      for id in news.keys { words[id] = cause(of: id) }
      causes = [:]
      await publisher.apply(news, unsettled: unsettled, causes: words)
    }
  }

  private func cause(of id: String) -> String {
    let verdict = keeper.verdicts[id]
    switch verdict?.basis {
    case .ownRegion?:
      return "\(verdict?.voicesDown ?? 0) of \(verdict?.voices ?? 0) nodes here find it down"
    case .regions?:
      return "\(verdict?.voicesDown ?? 0) of \(verdict?.voices ?? 0) regions find it down"
    case .local?, .kept?, nil: return causes[id] ?? "as this node finds it"
    }
  }

  private func tell(wasIsolated: Bool, before: VerdictKeeper.Standing) {
    if keeper.isIsolated != wasIsolated {
      logger.log(
        level: keeper.isIsolated ? .error : .notice,
        keeper.isIsolated
          ? "this node is cut off from the other regions: its checks of them count for nothing"
          : "this node reaches other regions again")
    }
    guard keeper.standing != before else { return }
    logger.notice("health by the fleet", metadata: ["standing": "\(keeper.standing.rawValue)"])
  }

  // MARK: - as time goes by

  /// Notices whether the store is there, and watches what is to be watched.
  func advance(isConnected: Bool, prober: Prober) async {
    let isNew = isConnected != self.isConnected
    self.isConnected = isConnected
    // A hold ends by time alone.
    if isNew || keeper.standing == .frozen { await settle() }
    let next = wanted
    guard next != watched else { return }
    await watch(next, prober)
    await settle()
  }

  /// The last report is not too young for another.
  var mayReport: Bool {
    written.map { clock.now - $0.at >= Self.shortestInterval } ?? true
  }

  /// Writes the node's report if that is due: when it says something new, a second after the last
  /// at the soonest, and every half minute.
  func report(to member: FleetMember, roundTrips: [String: Duration]) async {
    for (id, time) in roundTrips {
      found[id]?.roundTrip = Int(min(max(0, time / .microseconds(1)), 3_600_000_000))
    }
    guard isConnected, let lease = await member.lease else { return }
    let now = clock.now
    var next = own
    if let written {
      let age = now - written.at
      let isSame = written.lease == lease && written.report.saysTheSame(as: next)
      guard !isSame || age >= Self.longestInterval else { return }
    }
    sequence += 1
    next.sequence = sequence
    written = (next, lease, now)
    do throws(StoreFault) {
      _ = try await member.commit(
        StoreTransaction(writes: [.put("\(prefix)health/\(nodeID)", next.json, lease: lease)]))
      isWriteRefused = false
    } catch {
      // Once more in a second.
      written = (HealthReport(region: region), 0, now)
      if !isWriteRefused {
        logger.warning(
          "the node's health report cannot be written", metadata: ["fault": "\(error)"])
      }
      isWriteRefused = true
    }
  }
}

// MARK: - for people

extension FleetHealth {
  struct Figures {
    var standing: VerdictKeeper.Standing
    var isIsolated: Bool
    var reports: Int
    var malformed: Int
    var watched: Int
    var written: UInt64
  }

  var figures: Figures {
    Figures(
      standing: keeper.standing, isIsolated: keeper.isIsolated,
      reports: section.values.count, malformed: section.malformed.count, watched: watched.count,
      written: sequence)
  }

  /// Who says what of each endpoint, and what it comes to, by id.
  var votes: [(id: String, home: String, verdict: HealthVerdict?, says: [(String, HealthReport)])] {
    var reports = others
    reports[nodeID] = own
    let sorted = reports.sorted { $0.key < $1.key }
    return homes.sorted { $0.key < $1.key }.map { id, home in
      (
        id, home, keeper.verdicts[id],
        sorted.filter { $0.value.observations[id] != nil }.map { ($0.key, $0.value) }
      )
    }
  }
}

extension HealthReport {
  /// Whether others would judge the same by both. How long checks take changes all the time.
  fileprivate func saysTheSame(as other: HealthReport) -> Bool {
    func timeless(_ report: HealthReport) -> HealthReport {
      var report = report
      report.sequence = 0
      report.observations = report.observations.mapValues { observation in
        var observation = observation
        observation.roundTrip = 0
        return observation
      }
      return report
    }
    return timeless(self) == timeless(other)
  }
}

extension Observation {
  /// - Parameter since: since 1970; nil: not known.
  fileprivate init(_ state: EndpointState, since: Duration?, roundTrip: Int) {
    let milliseconds = (since ?? .zero) / .milliseconds(1)
    self.init(
      state.health, since: UInt64(min(max(0, milliseconds), 0x1p53)),
      wasGood: state.health != .unhealthy || state.lastGood > 0,
      sharePercent: min(max(0, state.sharePercent), 25_600), roundTrip: roundTrip)
  }
}

extension EndpointCondition {
  fileprivate init(_ opinion: Opinion) {
    self.init(
      health: opinion.health, lastGood: opinion.lastGood, sharePercent: opinion.sharePercent)
  }
}
