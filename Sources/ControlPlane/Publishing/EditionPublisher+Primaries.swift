package import Admitting

/// What becomes of primaries, for the log.
package enum PrimaryNotice: Sendable, Equatable {
  case changed(PrimaryChange)
  /// What was kept could not be read.
  case damaged(movedTo: String)
  /// A restart would not know of the present epochs.
  case notKept(reason: String)
}

/// Why an operator's word on a primary is not followed.
package enum PrimaryRefusal: Error, Sendable, Equatable {
  case unknownService
  /// Another process is about to take over: what is said to this one now would be lost.
  case handingOver
  /// The epoch is another one than the operator knew of.
  case epochHasChanged(UInt64)
  /// Another node was first: this is the primary now.
  case lost(SharedPrimary)
  /// The fleet's store does not answer. Whether the change was made may not be known.
  case storeIsLost
  /// The fleet's store answers, and does not take it.
  case storeRefuses(String)
  case refused(PrimaryStateMachine.Refusal)
}

extension EditionPublisher {
  /// How active-passive services stand.
  package var primaryReports: [PrimaryReport] { keeper.primaryReports }

  /// Takes how far regions are behind.
  package func apply(_ readings: [LagReading]) {
    keeper.apply(readings, now: moment)
    advance()
  }

  /// Makes a region the primary of a service; nil as the region: the most wanted one that is up and
  /// stands before the primary.
  ///
  /// - Parameter epoch: that the operator knows of; nil: whatever it is.
  package func makePrimary(
    _ region: String?, ofService service: String,
    accepting acceptance: PrimaryStateMachine.Acceptance, epoch: UInt64?
  ) throws(PrimaryRefusal) -> PrimaryReport {
    try expect(epoch, of: service)
    let now = moment
    let isKnown: Bool
    do throws(PrimaryStateMachine.Refusal) {
      isKnown = try keeper.change(primaryOf: service) {
        machine, rules throws(PrimaryStateMachine.Refusal) in
        guard let region else {
          return try machine.failback(accepting: acceptance, rules: rules, now: now)
        }
        return try machine.promote(region, accepting: acceptance, rules: rules, now: now)
      }
    } catch {
      throw .refused(error)
    }
    guard isKnown else { throw .unknownService }
    keeper.noteUnreplicated(service)
    publish()
    guard let report = primaryReport(ofService: service) else { throw .unknownService }
    return report
  }

  /// Finds what holds now, not at the last change, and whether that is what an operator knows of.
  func expect(_ epoch: UInt64?, of service: String) throws(PrimaryRefusal) {
    guard !isFrozen else { throw .handingOver }
    advance()
    let known = primaryReport(ofService: service)
    if let epoch, let known, known.epoch != epoch { throw .epochHasChanged(known.epoch) }
  }

  /// nil: no service that is active-passive now has the name.
  package func primaryReport(ofService service: String) -> PrimaryReport? {
    keeper.primaryReports.first { $0.service == service }
  }
}

extension BoardKeeper {
  /// Goes on where a run before ended. Where nothing is known of it, epochs begin with the time.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: what is on the disk.
  mutating func restorePrimaries(
    from store: PrimaryStore?, now: Double
  ) -> (records: [PrimaryStore.Record], notice: PrimaryNotice?) {
    let time = firstEpoch(now: now)
    switch store?.load() {
    case .records(let records):
      restorePrimaries(records, firstEpoch: primaries.shared == nil ? 1 : 0)
      return (records, nil)
    case .damaged(let aside):
      restorePrimaries([], firstEpoch: time)
      return ([], .damaged(movedTo: aside))
    case .missing, nil:
      restorePrimaries([], firstEpoch: time)
      return ([], nil)
    }
  }

  /// Above all that were counted up before; in a fleet nobody begins with an epoch of its own.
  func firstEpoch(now: Double) -> UInt64 {
    primaries.shared == nil ? UInt64(max(1, now)) : 0
  }

  /// Keeps epochs before they are served, and tells of changes.
  ///
  /// - Returns: what is on the disk now.
  mutating func settlePrimaries(
    kept: [PrimaryStore.Record], store: PrimaryStore?, tell: (PrimaryNotice) -> Void
  ) -> [PrimaryStore.Record] {
    for change in takePrimaryChanges() { tell(.changed(change)) }
    let records = primaryRecords
    guard let store, records != kept else { return kept }
    do throws(PrimaryStore.Failure) {
      try store.save(records)
      return records
    } catch {
      tell(.notKept(reason: error.description))
      return kept
    }
  }
}
