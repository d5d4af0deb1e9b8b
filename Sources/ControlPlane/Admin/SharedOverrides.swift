package import Clustering
package import Publishing

/// The overrides of a fleet, as the admin server shows and changes them.
package struct SharedOverrides: Sendable {
  package struct Entry: Sendable {
    package var target: Override.Target
    /// nil: nothing is asked for any more.
    package var override: Override?
    /// Words that ask for different things; empty: no conflict.
    package var conflict: [SharedOverride.Word]
    /// The fleet does not have it yet.
    package var isLocalOnly: Bool

    package init(
      target: Override.Target, override: Override?, conflict: [SharedOverride.Word],
      isLocalOnly: Bool
    ) {
      self.target = target
      self.override = override
      self.conflict = conflict
      self.isLocalOnly = isLocalOnly
    }
  }

  /// What is in force or in conflict, in the order of names.
  package var entries: @Sendable () async -> [Entry]
  /// Says something of a target, and that all that was said of it is over. Taken here alone where
  /// the store does not answer.
  ///
  /// - Returns: how it stands then.
  package var say: @Sendable (Override) async throws(SharedOverrideRefusal) -> Entry

  package init(
    entries: @escaping @Sendable () async -> [Entry],
    say: @escaping @Sendable (Override) async throws(SharedOverrideRefusal) -> Entry
  ) {
    self.entries = entries
    self.say = say
  }
}

/// Why a word on a target is not taken.
package enum SharedOverrideRefusal: Error, Sendable, Equatable {
  /// Another operator was first: what holds now; nil: it was taken back.
  case lost(Override?)
  /// The store answers, and does not take it.
  case refused(String)
}
