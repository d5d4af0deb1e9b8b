package import Balancing
import Synchronization

/// What connections tell of the endpoints' health and load, shared by all workers and polled by the
/// prober. Endpoints are known by their ids, which are stable over reloads; an endpoint that no
/// worker serves any more is forgotten.
package final class PassiveHealth: Sendable {
  /// One endpoint: atomics that every worker may touch once a connection.
  package final class Record: Sendable {
    package let id: String
    /// What its connections are chosen by, over all workers.
    package let load: EndpointLoad
    /// Whether the outlier detector waits for something good of it.
    let isSuspected = Atomic<Bool>(false)
    fileprivate let consecutiveFailures = Atomic<Int>(0)
    fileprivate let untakenFailures = Atomic<Int>(0)
    private let roundTrip = Atomic<UInt64>(0)
    private let lostRaces = Atomic<Int>(0)

    fileprivate init(id: String, serial: UInt32) {
      self.id = id
      load = EndpointLoad(id: id, serial: serial)
    }

    deinit { load.deallocate() }

    /// Whether it failed so lately that it is used only where nothing else is left.
    package func isAvoided(now: UInt64) -> Bool { load.isAvoided(now: now) }

    /// Failures while it is avoided already (of attempts under way, or for want of another) are
    /// told to the prober, but do not make the penalty longer.
    package func noteFailure(now: UInt64) {
      untakenFailures.add(1, ordering: .relaxed)
      guard !isAvoided(now: now) else { return }
      let count = consecutiveFailures.add(1, ordering: .relaxed).newValue
      let seconds = UInt64(min(max(1, count), PassiveHealth.maximumPenaltySeconds))
      load.avoid(until: now &+ seconds * 1_000_000_000)
    }

    /// How long connecting takes, smoothed; 0: never connected.
    var roundTripNanoseconds: UInt64 { roundTrip.load(ordering: .relaxed) }

    /// It connected.
    func noteSuccess(nanoseconds: UInt64) {
      let known = roundTripNanoseconds
      // Two threads may both write: either is as good.
      roundTrip.store(
        known == 0 ? nanoseconds : known - known / 8 + nanoseconds / 8, ordering: .relaxed)
      if lostRaces.load(ordering: .relaxed) != 0 { lostRaces.store(0, ordering: .relaxed) }
      noteSuccess()
    }

    /// Another endpoint was connected to later and answered sooner. Of one whose round trip is not
    /// known that may mean that it is far away; not when it happens again and again.
    ///
    /// - Returns: whether it counts as a failure.
    func noteLostRace(now: UInt64) -> Bool {
      let count = lostRaces.add(1, ordering: .relaxed).newValue
      guard roundTripNanoseconds > 0 || count >= PassiveHealth.lostRacesThatTell else {
        return false
      }
      noteFailure(now: now)
      return true
    }

    package func noteSuccess() {
      guard consecutiveFailures.load(ordering: .relaxed) != 0 else { return }
      consecutiveFailures.store(0, ordering: .relaxed)
      load.avoid(until: 0)
    }
  }

  /// An endpoint is avoided for one second for each failure in a row, up to so many.
  static let maximumPenaltySeconds = 10
  /// Races in a row that an endpoint of unknown distance loses before that counts as a failure.
  static let lostRacesThatTell = 3

  private struct WeakRecord {
    weak var record: Record?
  }

  private struct WeakGroup {
    weak var group: EjectionGroup?
  }

  private struct State {
    var records: [String: WeakRecord] = [:]
    /// By pool and region.
    var groups: [String: WeakGroup] = [:]
    var ejections: [Ejection] = []
    var nextSerial: UInt32 = 1
  }

  /// An endpoint that is left out because its connections go wrong.
  package struct Ejection: Sendable, Equatable {
    package var endpointID: String
    /// Nanoseconds of ``monotonicNow()``.
    package var until: UInt64
    /// How often lately.
    package var times: Int
  }

  /// Ejections that wait for whoever takes them; more are not told.
  static let maximumWaiting = 256

  private let state = Mutex(State())

  package init() {}

  /// The records of these endpoints, in their order; takes a lock. Forgets those that nobody holds.
  package func records(of ids: [String]) -> [Record] {
    state.withLock { state in
      let records = ids.map { id in
        if let record = state.records[id]?.record { return record }
        let record = Record(id: id, serial: state.nextSerial)
        state.nextSerial &+= 1
        state.records[id] = WeakRecord(record: record)
        return record
      }
      state.records = state.records.filter { $0.value.record != nil }
      return records
    }
  }

  /// The detector of one region's endpoints, whose records these are; takes a lock. The workers
  /// share it, and what it knows of an endpoint lasts over reloads.
  ///
  /// - Parameter name: of pool and region.
  func group(_ name: String, of records: [Record], rules: EjectionRules) -> EjectionGroup {
    state.withLock { state in
      let known = state.groups[name]?.group
      if let known, known.ids == records.map(\.id) {
        known.update(rules)
        return known
      }
      let group = EjectionGroup(records: records, rules: rules, successorOf: known)
      state.groups = state.groups.filter { $0.value.group != nil }
      state.groups[name] = WeakGroup(group: group)
      return group
    }
  }

  func note(_ ejection: Ejection) {
    state.withLock { state in
      if state.ejections.count < Self.maximumWaiting { state.ejections.append(ejection) }
    }
  }

  /// The ejections since the last call, for the log.
  package func takeEjections() -> [Ejection] {
    state.withLock { state in
      defer { state.ejections = [] }
      return state.ejections
    }
  }

  /// An endpoint that was unhealthy is back: its slow start begins. Nothing else changes: whether
  /// it is ejected is not for probes to say.
  package func start(endpointID id: String, now: UInt64) {
    state.withLock { $0.records[id]?.record }?.load.start(now: now)
  }

  /// Ends the penalty of an endpoint that probes have found healthy again.
  package func forgive(endpointID id: String) {
    state.withLock { $0.records[id]?.record }?.noteSuccess()
  }

  /// Connections open or being opened, by the id of their endpoint; only those that have any.
  package var openCounts: [String: Int] {
    let records = state.withLock { $0.records.values.compactMap(\.record) }
    let counts = records.map { ($0.id, $0.load.openCount) }
    return Dictionary(counts.filter { $0.1 > 0 }, uniquingKeysWith: +)
  }

  /// What the proxy has to do with an endpoint at a moment.
  package struct Use: Sendable, Equatable {
    /// Connections open or being opened.
    package var openCount: Int
    /// How much of its weight it has in its slow start, 0.1...1.
    package var startShare: Double
    /// nil: it is not ejected.
    package var ejection: Ejection?

    package init(openCount: Int, startShare: Double, ejection: Ejection? = nil) {
      self.openCount = openCount
      self.startShare = startShare
      self.ejection = ejection
    }
  }

  /// What the proxy has to do with endpoints, by id; those that no worker knows are left out.
  /// Takes the locks of the failures: for people, not for connections.
  ///
  /// - Parameter windows: how long the slow start of each endpoint is, nanoseconds.
  package func uses(of windows: [String: UInt64], now: UInt64) -> [String: Use] {
    let (records, groups) = state.withLock { state in
      (state.records.compactMapValues(\.record), state.groups.values.compactMap(\.group))
    }
    var uses: [String: Use] = [:]
    for (id, window) in windows {
      guard let load = records[id]?.load else { continue }
      uses[id] = Use(
        openCount: max(0, load.openCount), startShare: load.startShare(now: now, window: window))
    }
    for (id, member) in groups.flatMap({ $0.ejected(now: now) }) {
      // Where a reload has ended ejections, the detector may still know of one.
      guard records[id]?.load.isEjected(now: now) == true else { continue }
      uses[id]?.ejection = Ejection(
        endpointID: id, until: member.ejectedUntil, times: member.times)
    }
    return uses
  }

  /// How many attempts to connect to each endpoint have failed since the last call; only those
  /// that have failed. For the prober.
  package func takeFailures() -> [(endpointID: String, count: Int)] {
    let records = state.withLock { $0.records.values.compactMap(\.record) }
    return records.compactMap { record in
      let count = record.untakenFailures.exchange(0, ordering: .relaxed)
      return count > 0 ? (record.id, count) : nil
    }
  }
}
