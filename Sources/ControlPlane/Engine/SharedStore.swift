/// A store that the nodes of a fleet share: keys below one prefix, every change numbered, followed
/// by one watch, changed by compare and swap, and with leases for what ends with its writer.
///
/// Methods are asked of one member, so that who follows knows with whom it speaks. They bound their
/// own time: a member without its cluster answers late or never.
package protocol SharedStore: Sendable {
  /// How many members can be asked, at least one; they are numbered from 0.
  var memberCount: Int { get }

  /// All that stands below a prefix.
  func list(
    prefix: String, consistency: StoreConsistency, member: Int
  ) async throws(StoreFault) -> StorePicture

  /// Hands over what changes below a prefix from a revision on, until `receive` has had enough, the
  /// task is cancelled or the member ends it. The end alone is no fault.
  ///
  /// - Parameter receive: false: enough.
  func watch(
    prefix: String, from revision: Int64, member: Int,
    receive: @Sendable (WatchFrame) async -> Bool
  ) async throws(StoreFault)

  /// All of it or nothing.
  func commit(
    _ transaction: StoreTransaction, member: Int
  ) async throws(StoreFault) -> StoreOutcome

  /// - Returns: the number of a lease that ends this long after it was last renewed, or later.
  func grantLease(seconds: Int, member: Int) async throws(StoreFault) -> Int64

  /// - Returns: false: it has ended.
  func renewLease(_ lease: Int64, member: Int) async throws(StoreFault) -> Bool

  /// Ends a lease now, and with it all that stands under it.
  func revokeLease(_ lease: Int64, member: Int) async throws(StoreFault)
}

extension SharedStore {
  /// Asks one member, and if that does not answer, each other one once.
  ///
  /// A member may have done it and be gone before it said so. Another then says `lost`, with what
  /// the transaction itself wrote: whoever must know looks at the values.
  ///
  /// - Parameter member: who is asked first.
  package func commit(
    _ transaction: StoreTransaction, startingWith member: Int
  ) async throws(StoreFault) -> StoreOutcome {
    try await ask(startingWith: member) { member throws(StoreFault) in
      try await commit(transaction, member: member)
    }
  }

  /// What the cluster says stands below a prefix now: nothing newer was committed before the
  /// question.
  ///
  /// - Parameter member: who is asked first.
  package func list(
    prefix: String, startingWith member: Int
  ) async throws(StoreFault) -> StorePicture {
    try await ask(startingWith: member) { member throws(StoreFault) in
      try await list(prefix: prefix, consistency: .linearizable, member: member)
    }
  }

  private func ask<Answer>(
    startingWith member: Int, _ question: (_ member: Int) async throws(StoreFault) -> Answer
  ) async throws(StoreFault) -> Answer {
    for offset in 0..<memberCount - 1 {
      do throws(StoreFault) {
        return try await question((member + offset) % memberCount)
      } catch {
        guard case .unavailable = error, !Task.isCancelled else { throw error }
      }
    }
    return try await question((member + memberCount - 1) % memberCount)
  }
}

/// Who vouches for what is read.
package enum StoreConsistency: Sendable, Equatable {
  /// The cluster: nothing newer was committed before the question.
  case linearizable
  /// One member, with or without its cluster: it may be old.
  case serializable
}

/// What stands under one key.
package struct StoreEntry: Sendable, Equatable {
  package var value: [UInt8]
  /// Of its last change, for compare and swap.
  package var revision: Int64

  package init(value: [UInt8], revision: Int64) {
    self.value = value
    self.revision = revision
  }
}

/// All that stands below a prefix at one revision.
package struct StorePicture: Sendable, Equatable {
  /// Whose revisions these are: another cluster counts anew.
  package var clusterID: UInt64
  package var revision: Int64
  package var entries: [String: StoreEntry]
  /// False: one member alone says so, or a file.
  package var isVerified: Bool

  package init(
    clusterID: UInt64, revision: Int64, entries: [String: StoreEntry], isVerified: Bool
  ) {
    self.clusterID = clusterID
    self.revision = revision
    self.entries = entries
    self.isVerified = isVerified
  }
}

/// One message of a watch.
package struct WatchFrame: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// The watch stands. The revision is the member's own, and proves nothing of what was handed
    /// over.
    case created
    /// All changes up to the frame's revision were handed over.
    case progress
    /// In the order of their revisions. The frame's revision may be ahead of what was handed over,
    /// where a member still catches up.
    case changes([StoreChange])
    /// Nothing more comes, and the stream may stay open all the same.
    ///
    /// - `compacted`: the first revision that can still be watched; 0: that is not why.
    case canceled(compacted: Int64, reason: String)
  }

  package var clusterID: UInt64
  package var revision: Int64
  package var content: Content

  package init(clusterID: UInt64, revision: Int64, content: Content) {
    self.clusterID = clusterID
    self.revision = revision
    self.content = content
  }
}

/// What has become of one key.
package struct StoreChange: Sendable, Equatable {
  package var key: String
  /// nil: it is gone, by an operator or with its lease.
  package var value: [UInt8]?
  package var revision: Int64

  package init(key: String, value: [UInt8]?, revision: Int64) {
    self.key = key
    self.value = value
    self.revision = revision
  }
}

/// Writes that happen together, and only if every key named in `expected` still stands at its
/// revision.
package struct StoreTransaction: Sendable, Equatable {
  package enum Write: Sendable, Equatable {
    /// - `lease`: the key goes with it; 0: it stays.
    case put(String, [UInt8], lease: Int64)
    case delete(String)
  }

  /// The revision of each key's last change; 0: there is no such key.
  package var expected: [String: Int64]
  package var writes: [Write]

  package init(expected: [String: Int64] = [:], writes: [Write]) {
    self.expected = expected
    self.writes = writes
  }
}

/// What has become of a transaction.
package enum StoreOutcome: Sendable, Equatable {
  /// At this revision.
  case committed(Int64)
  /// Somebody else was first: what stands under the expected keys now.
  case lost([String: StoreEntry])
}

/// Why a store did not do what it was asked for.
package enum StoreFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The member does not answer, or has no cluster: another may.
  case unavailable(String)
  /// Who asks is not known, or no longer.
  case unauthenticated(String)
  /// Who asks may not.
  case forbidden(String)
  /// The lease has ended.
  case leaseEnded
  /// What it says is not to be understood.
  case malformed(String)
  /// Anything else that it says.
  case refused(String)

  package var description: String {
    switch self {
    case .unavailable(let reason): "unavailable: \(reason)"
    case .unauthenticated(let reason): "not authenticated: \(reason)"
    case .forbidden(let reason): "forbidden: \(reason)"
    case .leaseEnded: "the lease has ended"
    case .malformed(let reason): "its answer is malformed: \(reason)"
    case .refused(let reason): "refused: \(reason)"
    }
  }
}
