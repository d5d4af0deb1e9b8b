package import Publishing

/// What one node knows of the fleet's overrides: what the store said last, and what was said here
/// and has not come to the store yet.
///
///     picture ──▶ take ──▶ entries ──▶ overrides in force, conflicts
///                             │ ▲
///              due: compare and swap … committed, or lost: merged and due again
///
/// Nothing that was said here is given up before the store has it, or what follows it.
package struct OverrideLedger: Sendable, Equatable {
  package struct Entry: Sendable, Equatable, Codable {
    package var record: SharedOverride
    /// Of the store's copy, for compare and swap; 0: there is none that is known of.
    package var revision: Int64
    /// The store is to have the record, and does not yet.
    package var isPending: Bool
  }

  /// One key of the store.
  package struct Stored: Sendable, Equatable {
    /// nil: what stands there is not understood.
    package var record: SharedOverride?
    package var revision: Int64

    package init(record: SharedOverride?, revision: Int64) {
      self.record = record
      self.revision = revision
    }
  }

  /// For so long what asks for nothing is kept, in seconds: nobody has an older copy then.
  package static let memory = 86_400.0

  package let node: String
  package private(set) var entries: [Override.Target: Entry]

  package init(node: String, entries: [Override.Target: Entry] = [:]) {
    self.node = node
    self.entries = entries
  }

  /// Takes all that the store says.
  ///
  /// - Parameters:
  ///   - revision: of the whole: it may be older than what this node has written itself.
  ///   - isVerified: false: one member alone says so, and what it does not know may be there.
  package mutating func take(
    _ stored: [Override.Target: Stored], revision: Int64, isVerified: Bool = true
  ) {
    for (target, found) in stored { take(found, of: target) }
    guard isVerified else { return }
    for (target, entry) in entries where stored[target] == nil && !entry.isPending {
      // The store is older than the entry: the picture is late, or the store was restored from an
      // old copy. A write tells which it is.
      if entry.revision > revision {
        entries[target]?.isPending = true
        entries[target]?.revision = 0
      } else {
        entries[target] = nil
      }
    }
  }

  /// Takes what the store says of one target.
  package mutating func take(_ found: Stored?, of target: Override.Target) {
    guard var entry = entries[target] else {
      if let found, let record = found.record {
        entries[target] = Entry(record: record, revision: found.revision, isPending: false)
      }
      return
    }
    entry.revision = found?.revision ?? 0
    entry.record = found?.record.map { $0.merged(with: entry.record) } ?? entry.record
    // Also where nothing was said here: a store that was restored may be behind.
    entry.isPending = entry.record != found?.record
    entries[target] = entry
  }

  /// What saying something would come to.
  package func proposal(for override: Override, now: Double) -> Entry {
    guard let entry = entries[override.target] else {
      return Entry(
        record: .first(override, node: node, now: now), revision: 0, isPending: true)
    }
    return Entry(
      record: entry.record.replaced(by: override, node: node, now: now),
      revision: entry.revision, isPending: true)
  }

  /// What was proposed holds here, whatever the store will say.
  package mutating func keep(_ proposal: Entry, of target: Override.Target) {
    var entry = proposal
    if let present = entries[target] {
      entry.record = present.record.merged(with: proposal.record)
      entry.revision = present.revision
    }
    entries[target] = entry
  }

  /// The store has what was proposed.
  package mutating func committed(
    _ record: SharedOverride, of target: Override.Target, revision: Int64
  ) {
    var entry = Entry(record: record, revision: revision, isPending: false)
    if let present = entries[target] {
      entry.record = present.record.merged(with: record)
      entry.isPending = entry.record != record
    }
    entries[target] = entry
  }

  /// What the store is to have, in the order of names.
  package var due: [(target: Override.Target, entry: Entry)] {
    entries.filter(\.value.isPending).map { ($0.key, $0.value) }
      .sorted { $0.target.description < $1.target.description }
  }

  /// What no node needs any more, with the revisions at which the store has it.
  package func forgettable(now: Double) -> [(target: Override.Target, revision: Int64)] {
    entries.filter {
      !$0.value.isPending && $0.value.record.isForgettable(after: Self.memory, now: now)
    }.map { ($0.key, $0.value.revision) }
  }
}

// MARK: - what it comes to

extension OverrideLedger {
  /// The safest word on each target, in the order of names, for who serves by them: each until the
  /// last word on its target ends, so that none is gone before the next has taken its place.
  package func overrides(at now: Double) -> [Override] {
    entries.compactMap { target, entry in
      var override = entry.record.inForce(on: target, at: now)
      let ends = entry.record.standing(at: now).map(\.expiresAt)
      override?.expiresAt = ends.contains(nil) ? nil : ends.compactMap(\.self).max()
      return override
    }.sorted { $0.target.description < $1.target.description }
  }

  /// Targets of which different things were said, and what.
  package func conflicts(
    at now: Double
  ) -> [(target: Override.Target, words: [SharedOverride.Word])] {
    entries.compactMap { target, entry in
      let words = entry.record.conflict(at: now)
      return words.isEmpty ? nil : (target, words)
    }.sorted { $0.target.description < $1.target.description }
  }

  /// When the next word ends by itself; nil: none does.
  package func nextEnd(after now: Double) -> Double? {
    entries.values.flatMap(\.record.words).compactMap(\.expiresAt).filter { $0 > now }.min()
  }
}
