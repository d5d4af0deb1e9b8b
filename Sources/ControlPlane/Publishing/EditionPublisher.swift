package import Admitting
package import Announcing
package import Compiling
package import DNSWire
package import Editions
package import Routing
package import Settings
import Synchronization
import Zones

/// What an operator asked for that cannot be.
package enum PublishingError: Error, Sendable, Equatable {
  /// No region, availability zone, pool or endpoint of that name in the current configuration.
  case unknownTarget(String)
  /// Another process is about to take over: what is said to this one now would be lost.
  case handingOver
}

/// The one owner of what editions are made from: the compiled configuration, health and overrides.
/// Every change makes a new edition and lays it on the desk.
package actor EditionPublisher {
  package nonisolated let desk: EditionDesk
  /// What every edition has changed, and every word of an operator.
  package nonisolated let events: EventLog
  package private(set) var compiled: CompiledSettings {
    didSet {
      let admin = compiled.settings.admin
      admission.withLock { $0 = admin }
    }
  }
  /// Of ``compiled``, for those who must not wait for this actor.
  private nonisolated let admission: Mutex<Settings.Admin>
  package var overrides: [Override] { keeper.overrides }

  private let now: @Sendable () -> Double
  var keeper: BoardKeeper
  let primaryStore: PrimaryStore?
  /// As they are on the disk.
  var keptPrimaries: [PrimaryStore.Record] = []
  /// Another process decides: no edition follows the present one.
  package internal(set) var isFrozen = false
  let tell: @Sendable (PrimaryNotice) -> Void
  private var meter = DemandMeter()
  private var resolved = ResolvedNames.none
  var zones: ZoneTable
  var transferred: [DomainName: TransferredZone] = [:]
  private var isReady: Bool
  private var timer: Task<Void, Never>?
  /// Why endpoints have changed since the last edition, by id.
  private var causes: [String: String] = [:]

  /// - Parameters:
  ///   - isReady: whether serving may begin at once (nothing is monitored).
  ///   - memory: what was known when the process before ended.
  ///   - handed: what a process knows that this one takes over from; nil: there is none. It counts
  ///     for more than what is on the disk.
  ///   - primaryStore: keeps the primaries of active-passive services; nil: nothing is kept.
  ///   - sharesPrimaries: the nodes of a fleet agree on them: this one proposes, and follows.
  ///   - tell: hears what becomes of them.
  ///   - now: seconds since 1970.
  package init(
    _ compiled: CompiledSettings, isReady: Bool, events: EventLog = EventLog(),
    memory: BoardMemory? = nil, handed: HandedMemory? = nil, primaryStore: PrimaryStore? = nil,
    sharesPrimaries: Bool = false,
    tell: @escaping @Sendable (PrimaryNotice) -> Void = { _ in },
    now: @escaping @Sendable () -> Double
  ) {
    self.compiled = compiled
    admission = Mutex(compiled.settings.admin)
    self.events = events
    zones = compiled.zones
    self.isReady = isReady
    self.now = now
    self.primaryStore = primaryStore
    self.tell = tell
    var keeper = BoardKeeper(compiled)
    if let handed {
      keeper.restore(handed.board, limits: HandedMemory.limits, now: now())
    } else if let memory {
      keeper.restore(memory, limits: compiled.settings.stability.remembering, now: now())
    }
    if sharesPrimaries { keeper.sharePrimaries() }
    let restored = keeper.restorePrimaries(handed: handed, from: primaryStore, now: now())
    if let notice = restored.notice { tell(notice) }
    let board = keeper.board(now: .seconds(now()))
    desk = EditionDesk(
      Edition(
        number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps,
        model: compiled.model, board: board, rules: compiled.rules,
        isReady: isReady))
    self.keeper = keeper
    keptPrimaries = keeper.settlePrimaries(kept: restored.records, store: primaryStore, tell: tell)
  }

  package var edition: Edition { desk.take() }

  /// Whom the admin server of the configuration in force lets in; answered at once, whatever is
  /// being made.
  package nonisolated var adminSettings: Settings.Admin { admission.withLock { $0 } }

  /// What a next start should know.
  package var memory: BoardMemory { keeper.memory(now: now()) }

  /// Serving begins: the first round of checks is complete, or its deadline has passed.
  package func markReady() {
    guard !isReady else { return }
    isReady = true
    publish()
  }

  /// Takes the state of some endpoints, by id (`region/pool/address:port`). Ids that the current
  /// configuration does not have are passed over. An operator's word in them counts for nothing.
  ///
  /// - Parameters:
  ///   - unsettled: the ids of all whose health is in doubt; nil: as before.
  ///   - causes: why their health has changed, by id, in words.
  package func apply(
    _ conditions: [String: EndpointCondition], unsettled: Set<String>? = nil,
    causes: [String: String] = [:]
  ) {
    self.causes.merge(causes) { $1 }
    let isHealthNew = keeper.apply(conditions, now: moment)
    let isDoubtNew = unsettled.map { keeper.apply(unsettled: $0) } ?? false
    if isHealthNew || isDoubtNew { publish() }
  }

  /// Takes the sums of what the data plane has counted by cohort, and lets loaded regions spill
  /// over or take clients back.
  ///
  /// - Parameter openConnections: that the proxy has, by the id of their endpoints.
  package func apply(_ sums: DemandMeter.Sums, openConnections: [String: Int] = [:]) {
    guard keeper.hasCapacities else { return }
    let edition = edition
    let services = compiled.settings.services
    let rates = meter.read(
      sums, cohortCounts: edition.verdicts.map(\.verdicts.count),
      connectionsPerAnswer: edition.model.services.enumerated().map { index, service in
        let index = service.home?.service ?? index
        return services.indices.contains(index) ? services[index].connectionsPerAnswer : 0
      }, revision: edition.revision,
      now: moment)
    guard let rates else { return }
    keeper.apply(demands: rates, openConnections: openConnections, now: moment)
    advance()
  }

  /// Takes the load that a region reports; openings follow with the next demand.
  package func apply(_ reading: LoadReading) { keeper.apply(reading, now: moment) }

  /// New connections a second of each region, as they were reckoned with last; empty where no
  /// region has a capacity.
  package var loads: [Double] { keeper.loads }

  /// By region: how full it is, and what it may take because of it.
  package var uses: [RegionUse] { keeper.uses }

  /// Takes what the names that serve in place of endpoints were found to be, all of them.
  package func apply(_ resolved: ResolvedNames) {
    guard resolved != self.resolved else { return }
    self.resolved = resolved
    publish()
  }

  /// Replaces the configuration whole. Overrides of what is still there carry over.
  ///
  /// - Parameter conditions: the state of its endpoints, by id; the others start anew.
  /// - Returns: zones that came from primaries and do not go with the new configuration.
  @discardableResult
  package func replace(
    with next: CompiledSettings, conditions: [String: EndpointCondition]
  ) -> [DomainName] {
    let before = keeper.overrides
    keeper.replace(with: next, conditions: conditions)
    compiled = next
    let lost = layOverTransferred()
    let gone = before.filter { !keeper.overrides.contains($0) }
    publish(
      revision: edition.revision + 1, saying: gone.map { $0.removal(.overrideRemoved) })
    return lost
  }

  /// Takes the configuration in force with other homes of keys, whatever else has become of it.
  package func replace(homes: CompiledHomes, conditions: [String: EndpointCondition]) {
    replace(with: compiled.placing(homes), conditions: conditions)
  }

  /// Lets the keys of signed zones do what their times say.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: nil: nothing has changed. Otherwise the zones that keep keys whose time is over,
  ///   since no other would sign.
  package func advanceKeys(to now: Int) -> [KeyRefusal]? {
    guard let (advanced, refusals) = compiled.advancingKeys(to: now) else { return nil }
    compiled = advanced
    publish()
    return refusals
  }

  /// Takes the configuration in force with newer latencies in its maps.
  ///
  /// - Returns: false if another configuration is in force by now; then nothing has changed.
  package func learn(_ next: CompiledSettings, revision: UInt64) -> Bool {
    guard edition.revision == revision else { return false }
    compiled = compiled.adoptingMaps(of: next)
    publish()
    return true
  }

  /// Sets an override; one that was there for the same target is replaced.
  package func set(_ override: Override) throws(PublishingError) {
    let before = keeper.overrides.first { $0.target == override.target }
    guard !isFrozen else { throw .handingOver }
    guard keeper.set(override) else { throw .unknownTarget(override.target.description) }
    publish(saying: [override.change(from: before)])
  }

  /// Takes an override back; false if there was none.
  package func removeOverride(of target: Override.Target) -> Bool {
    let before = keeper.overrides.first { $0.target == target }
    guard let before, keeper.removeOverride(of: target) else { return false }
    publish(saying: [before.removal(.overrideRemoved)])
    return true
  }

  /// Lets a region that is held have its clients back.
  ///
  /// - Returns: the pools in which it was held; nil: there is no such region.
  package func failback(region: String) -> [String]? {
    let pools = keeper.failback(region: region, now: moment)
    if pools?.isEmpty == false { publish() }
    return pools
  }

  /// Does what time alone asks for: overrides end, ramps go on, hold-downs are over.
  package func advance() {
    guard !isFrozen else { return }
    let (board, expired) = board()
    if board != edition.board {
      publish(board: board, saying: expired)
    } else {
      record(expired)
      scheduleTimer()
    }
  }

  /// Tells consumers what no edition shows.
  package func record(_ changes: [Change]) {
    events.append(
      changes, edition: edition.number, revision: edition.revision, now: now())
  }

  var moment: Duration { .seconds(now()) }

  private func scheduleTimer() {
    timer?.cancel()
    timer = nil
    guard let due = keeper.due else { return }
    // Never sooner, so that a clock that is a little behind does not make it turn.
    let wait = max(due - moment, .milliseconds(1))
    timer = Task { [weak self] in
      try? await Task.sleep(for: wait)
      if !Task.isCancelled { await self?.advance() }
    }
  }

  func publish(revision: UInt64? = nil, saying changes: [Change] = []) {
    let (board, expired) = board()
    publish(board: board, revision: revision, saying: changes + expired)
  }

  /// How everything stands now, and the overrides that have ended by themselves.
  private func board() -> (HealthBoard, expired: [Change]) {
    let before = keeper.overrides
    let board = keeper.board(now: moment)
    let expired = before.filter { !keeper.overrides.contains($0) }
    return (board, expired.map { $0.removal(.overrideExpired) })
  }

  private func publish(
    board: HealthBoard, revision: UInt64? = nil, saying said: [Change] = []
  ) {
    guard !isFrozen else { return }
    keptPrimaries = keeper.settlePrimaries(kept: keptPrimaries, store: primaryStore, tell: tell)
    let previous = edition
    let next = Edition(
      number: previous.number + 1, revision: revision ?? previous.revision,
      zones: zones, maps: compiled.maps, model: compiled.model, board: board,
      resolved: resolved, rules: compiled.rules, isReady: isReady, previous: previous)
    desk.publish(next)
    record(said + changes(from: previous, to: next, causes: causes))
    causes = [:]
    scheduleTimer()
  }
}
