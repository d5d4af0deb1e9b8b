package import Settings

/// What a node of a fleet starts with.
package enum FleetChoice: Sendable {
  /// What the store says.
  case store(Settings, StoredConfiguration)
  /// What the store last said that was good.
  case snapshot(Settings, FleetSnapshot)
  /// The node's own file, which is enough by itself.
  case file(Settings)
  /// Nothing that could be served: it waits for the store.
  case nothing

  /// The first that is good, in this order. What the store says is passed over if it takes too much
  /// away from the snapshot: a store that was emptied empties nobody, not by a restart either.
  ///
  /// - Parameters:
  ///   - stored: what the store says; nil: it does not answer.
  ///   - read: the settings with these layers of the store, or without.
  ///   - refuse: hears why one was passed over.
  package init(
    stored: StoredConfiguration?, snapshot: FleetSnapshot?, shrinkLimit: Double,
    read: (StoredConfiguration?) throws(Faults) -> Settings, refuse: (Faults) -> Void
  ) {
    func settings(_ configuration: StoredConfiguration?) -> Settings? {
      do throws(Faults) {
        return try read(configuration)
      } catch {
        // A file that needs the store beside it is no fault.
        if configuration?.layers.isEmpty == false { refuse(error) }
        return nil
      }
    }
    let before = snapshot.flatMap { settings($0.configuration) }
    if let stored, let next = settings(stored) {
      let loss = before?.shrinkage(to: next, limit: shrinkLimit) {
        snapshot?.configuration.settledIfRolled.flatMap { settings($0) }
      }
      if let loss {
        refuse(Faults([shrinkFault(loss, origin: next.fleet?.origin)]))
      } else if next.servesAnything || before == nil && !stored.layers.isEmpty {
        self = .store(next, stored)
        return
      }
    }
    if let before, let snapshot {
      self = .snapshot(before, snapshot)
    } else if let alone = settings(nil), alone.servesAnything {
      self = .file(alone)
    } else {
      self = .nothing
    }
  }
}

extension Settings {
  /// What a configuration would take away, and too much of it: from these settings, and also from
  /// those to which they would go back if a rollout stopped, so that the way back is open.
  ///
  /// - Parameter settled: nil: nothing is being rolled out.
  package func shrinkage(
    to next: Settings, limit: Double, settled: () -> Settings?
  ) -> String? {
    guard let loss = shrinkage(to: next, limit: limit) else { return nil }
    guard let settled = settled() else { return loss }
    return settled.shrinkage(to: next, limit: limit)
  }

  /// There is a zone or a listener.
  package var servesAnything: Bool { !zones.isEmpty || !proxy.listeners.isEmpty }
}

/// A revision is held back for what it would take away.
package func shrinkFault(_ loss: String, origin: Origin?) -> Fault {
  Fault(
    origin: Origin(file: origin?.file ?? "", line: origin?.line, path: "fleet.shrink_limit"),
    message: "the store's configuration would take away \(loss); the last good one stays",
    suggestion: "if that is meant: POST /v1/reload?force=true")
}
