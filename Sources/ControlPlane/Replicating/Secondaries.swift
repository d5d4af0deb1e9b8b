package import DNSWire
package import Logging
package import Places
package import Transferring

/// A zone that comes from elsewhere.
package struct SecondaryZone: Sendable, Equatable {
  package var name: DomainName
  /// Asked in this order.
  package var primaries: [SocketAddress]
  package var key: TransferKey?

  package init(name: DomainName, primaries: [SocketAddress], key: TransferKey? = nil) {
    self.name = name
    self.primaries = primaries
    self.key = key
  }
}

/// Keeps the zones of a secondary as their primaries have them: asks when it is due, takes what is
/// good, keeps the last good version otherwise, and lets it go when it expires.
package actor Secondaries {
  package struct Limits: Sendable, Equatable {
    package var zone: TransferReader.Limits
    package var client: TransferClient.Limits
    /// Of checks at one time.
    package var maximumTransfers: Int
    /// Of the differences that are kept of one zone.
    package var maximumJournalRecords: Int

    package init(
      zone: TransferReader.Limits, client: TransferClient.Limits, maximumTransfers: Int,
      maximumJournalRecords: Int = 100_000
    ) {
      self.zone = zone
      self.client = client
      self.maximumTransfers = maximumTransfers
      self.maximumJournalRecords = maximumJournalRecords
    }
  }

  /// What they are joined to.
  package struct Surroundings: Sendable {
    /// Seconds since 1970.
    package var now: @Sendable () -> Double
    /// 0 to 1, random.
    package var jitter: @Sendable () -> Double
    package var fetch:
      @Sendable (TransferSession, SocketAddress, TransferClient.Limits) async throws(TransferFault)
        ->
        TransferSession.Result
    /// Puts a zone into service, or nothing in its place.
    package var publish: @Sendable (DomainName, ZoneContents?) async throws(TransferFault) -> Void

    package init(
      now: @escaping @Sendable () -> Double, jitter: @escaping @Sendable () -> Double,
      fetch:
        @escaping @Sendable (TransferSession, SocketAddress, TransferClient.Limits)
        async throws(TransferFault) ->
        TransferSession.Result,
      publish: @escaping @Sendable (DomainName, ZoneContents?) async throws(TransferFault) -> Void
    ) {
      self.now = now
      self.jitter = jitter
      self.fetch = fetch
      self.publish = publish
    }
  }

  private struct Entry {
    var zone: SecondaryZone
    var machine: RefreshStateMachine
    /// What the zone is, whether it is served or has expired.
    var contents: ZoneContents?
    var isServed = false
    var journal: [ZoneDifference] = []
    /// Who sent the last NOTIFY: asked first.
    var notifier: IPAddress?
    var lastTransfer: SecondaryReport.Transfer?
    /// Why the check that runs, or the last one, came to nothing with one primary after the other.
    var faults: [String] = []
    /// Tells an entry from another one of the same name, before and after a reload.
    var number: Int
  }

  private let surroundings: Surroundings
  private let desk: TransferDesk
  private let store: ZoneStore?
  private let logger: Logger
  private var limits: Limits
  private var entries: [DomainName: Entry] = [:]
  private var checks: [DomainName: Task<Void, Never>] = [:]
  private var alarm: Task<Void, Never>?
  private var lastNumber = 0
  private var isStopped = false

  package init(
    _ surroundings: Surroundings, desk: TransferDesk, store: ZoneStore?, limits: Limits,
    logger: Logger
  ) {
    self.surroundings = surroundings
    self.desk = desk
    self.store = store
    self.limits = limits
    self.logger = logger
  }

  /// The zones from now on. Those that stay go on as they are; those that are new are taken from
  /// the store, if it has them, and asked for at once.
  package func replace(_ zones: [SecondaryZone], limits: Limits) async {
    self.limits = limits
    let names = Set(zones.map(\.name))
    for name in entries.keys where !names.contains(name) {
      entries[name] = nil
      checks.removeValue(forKey: name)?.cancel()
      desk.replace(journal: [], of: name)
      store?.remove(name)
    }
    for zone in zones {
      if let entry = entries[zone.name] {
        guard entry.zone != zone else { continue }
        entries[zone.name]?.zone = zone
        entries[zone.name]?.machine.notified(now: surroundings.now())
      } else {
        await add(zone)
      }
    }
    await tick()
  }

  /// Zones that are not served any more, since what else is served does not go with them.
  package func lost(_ zones: [DomainName]) {
    for zone in zones {
      entries[zone]?.isServed = false
      entries[zone]?.machine.notified(now: surroundings.now())
    }
  }

  package func stop() {
    isStopped = true
    alarm?.cancel()
    for check in checks.values { check.cancel() }
  }

  /// A NOTIFY came that may be believed.
  package func notified(_ zone: DomainName, from source: IPAddress) async {
    entries[zone]?.machine.notified(now: surroundings.now())
    entries[zone]?.notifier = source
    await tick()
  }

  /// Begins what is due, ends what has expired, and sees to it that this is called again in time.
  package func tick() async {
    guard !isStopped else { return }
    let now = surroundings.now()
    for (name, entry) in entries where entry.isServed && entry.machine.state(now: now) == .expired {
      entries[name]?.isServed = false
      logger.error(
        "a zone has expired: no primary had it for too long", metadata: ["zone": "\(name)"])
      try? await surroundings.publish(name, nil)
    }
    let due = entries.values.sorted { $0.machine.nextCheck < $1.machine.nextCheck }.map(\.zone.name)
    for name in due where checks.count < limits.maximumTransfers {
      guard entries[name]?.machine.begin(now: now) == true else { continue }
      entries[name]?.faults = []
      checks[name] = Task { await check(name) }
    }
    schedule()
  }

  /// The checks that run, to their ends: for tests.
  package func settle() async {
    while let check = checks.values.first { await check.value }
  }

  private func schedule() {
    alarm?.cancel()
    // Whoever waits for a place is begun when a check ends.
    let isFull = checks.count >= limits.maximumTransfers
    let times = entries.values.flatMap { entry in
      [
        entry.machine.isChecking || isFull ? nil : entry.machine.nextCheck,
        entry.isServed ? entry.machine.expiresAt : nil,
      ].compactMap(\.self)
    }
    guard !isStopped, let next = times.min() else { return }
    let seconds = max(0.01, next - surroundings.now())
    alarm = Task { [weak self] in
      try? await Task.sleep(for: .seconds(seconds))
      if !Task.isCancelled { await self?.tick() }
    }
  }

  private func add(_ zone: SecondaryZone) async {
    lastNumber += 1
    let now = surroundings.now()
    var entry = Entry(zone: zone, machine: RefreshStateMachine(now: now), number: lastNumber)
    if let kept = kept(zone.name) {
      entry.machine = RefreshStateMachine(
        kept.contents.authority, confirmedAt: kept.confirmedAt, now: now)
      if entry.machine.state(now: now) != .expired {
        do throws(TransferFault) {
          try await surroundings.publish(zone.name, kept.contents)
          entry.contents = kept.contents
          entry.isServed = true
          logger.info(
            "a zone is served as it was kept",
            metadata: ["zone": "\(zone.name)", "serial": "\(kept.contents.authority.serial)"])
        } catch {
          entry.machine = RefreshStateMachine(now: now)
          warn("a zone that was kept is refused", zone.name, "\(error)")
        }
      }
    }
    entries[zone.name] = entry
  }

  private func kept(_ zone: DomainName) -> ZoneStore.Kept? {
    do throws(ZoneStore.Fault) {
      return try store?.load(zone)
    } catch {
      warn("a zone that was kept is passed over", zone, "\(error)")
      return nil
    }
  }

  private func warn(_ message: Logger.Message, _ zone: DomainName, _ fault: String) {
    logger.warning(message, metadata: ["zone": "\(zone)", "fault": "\(fault)"])
  }
}

// MARK: - Checks

extension Secondaries {
  private func check(_ name: DomainName) async {
    guard let entry = entries[name] else { return }
    let primaries = entry.zone.primaries
    // The one that says that it has something newer comes first (RFC 1996 §3.11).
    let first = primaries.filter { $0.address.unmapped == entry.notifier }
    for primary in first + primaries.filter({ !first.contains($0) }) {
      if await ask(primary, for: entry) { break }
      if Task.isCancelled { break }
    }
    checks[name] = nil
    if entries[name]?.number == entry.number, entries[name]?.machine.isChecking == true {
      entries[name]?.machine.failed(now: surroundings.now(), jitter: surroundings.jitter())
    }
    await tick()
  }

  /// - Returns: whether the primary's word settles the check.
  private func ask(_ primary: SocketAddress, for entry: Entry) async -> Bool {
    let name = entry.zone.name
    // Of what has expired nothing counts, its serial neither.
    let current = entry.isServed ? entry.contents : nil
    let session = TransferSession(
      zone: name, current: current, key: entry.zone.key, limits: limits.zone,
      id: .random(in: .min ... .max))
    do throws(TransferFault) {
      switch try await surroundings.fetch(session, primary, limits.client) {
      case .upToDate:
        guard isStill(entry), let authority = current?.authority else { return false }
        desk.count { $0.confirmed += 1 }
        succeeded(name, authority)
        keep { (store) throws(ZoneStore.Fault) in
          try store.confirm(name, at: surroundings.now())
        }
      case .zone(let contents, let differences):
        guard isStill(entry) else { return false }
        try await surroundings.publish(name, contents)
        guard isStill(entry) else { return false }
        took(contents, differences, from: primary)
      }
      return true
    } catch {
      guard isStill(entry) else { return false }
      desk.count { $0.failed += 1 }
      entries[name]?.faults.append("\(primary): \(error)")
      logger.warning(
        "a zone could not be refreshed",
        metadata: ["zone": "\(name)", "primary": "\(primary)", "fault": "\(error)"])
      return false
    }
  }

  private func isStill(_ entry: Entry) -> Bool {
    !isStopped && entries[entry.zone.name]?.number == entry.number
  }

  private func succeeded(_ name: DomainName, _ authority: Authority) {
    entries[name]?.machine.succeeded(
      authority, now: surroundings.now(), jitter: surroundings.jitter())
    entries[name]?.faults = []
  }

  private func took(
    _ contents: ZoneContents, _ differences: [ZoneDifference], from primary: SocketAddress
  ) {
    let name = contents.name
    let isWhole = differences.isEmpty
    desk.count { if isWhole { $0.receivedWhole += 1 } else { $0.receivedDifferences += 1 } }
    var journal = isWhole ? [] : (entries[name]?.journal ?? []) + differences
    while journal.reduce(0, { $0 + $1.recordCount }) > limits.maximumJournalRecords {
      journal.removeFirst()
    }
    desk.replace(journal: journal, of: name)
    entries[name]?.journal = journal
    entries[name]?.contents = contents
    entries[name]?.isServed = true
    entries[name]?.lastTransfer = SecondaryReport.Transfer(
      at: surroundings.now(), primary: primary, isWhole: isWhole)
    succeeded(name, contents.authority)
    logger.info(
      "a zone was transferred",
      metadata: [
        "zone": "\(name)", "primary": "\(primary)", "serial": "\(contents.authority.serial)",
        "records": "\(contents.recordCount)", "kind": isWhole ? "AXFR" : "IXFR",
      ])
    keep { (store) throws(ZoneStore.Fault) in
      try store.save(contents, confirmedAt: surroundings.now())
    }
  }

  private func keep(_ body: (ZoneStore) throws(ZoneStore.Fault) -> Void) {
    guard let store else { return }
    do throws(ZoneStore.Fault) {
      try body(store)
    } catch {
      logger.error("a zone cannot be kept", metadata: ["fault": "\(error)"])
    }
  }
}

// MARK: - Reports

/// How a zone of a secondary stands.
package struct SecondaryReport: Sendable, Equatable {
  package struct Transfer: Sendable, Equatable {
    /// Seconds since 1970.
    package var at: Double
    package var primary: SocketAddress
    /// AXFR; else IXFR.
    package var isWhole: Bool
  }

  package var zone: DomainName
  package var state: RefreshStateMachine.State
  /// nil: there is nothing of the zone.
  package var serial: Serial?
  package var recordCount: Int
  package var lastTransfer: Transfer?
  /// Seconds since 1970.
  package var nextCheck: Double
  package var expiresAt: Double?
  /// Why the last check came to nothing, by primary.
  package var faults: [String]
}

extension Secondaries {
  /// By name.
  package var reports: [SecondaryReport] {
    let now = surroundings.now()
    return entries.values.map { entry in
      SecondaryReport(
        zone: entry.zone.name,
        state: entry.isServed
          ? entry.machine.state(now: now)
          : entry.machine.state(now: now) == .absent ? .absent : .expired,
        serial: entry.contents?.authority.serial, recordCount: entry.contents?.recordCount ?? 0,
        lastTransfer: entry.lastTransfer, nextCheck: entry.machine.nextCheck,
        expiresAt: entry.machine.expiresAt, faults: entry.faults)
    }.sorted { "\($0.zone)" < "\($1.zone)" }
  }
}
