import RateLimiting

/// How many connections each of many keys has open, for all threads together, in a table whose
/// size never changes.
///
///     tag (32) | open connections (32)        eight entries a set, a cache line; 0: free
///
/// A key that has none open has no entry, so nothing has to be evicted and nobody's count is ever
/// lost. A key whose set is full of others is not counted, and the caller is told: that takes more
/// connections than there are entries, or an uncommonly unlucky set.
///
/// Two threads that count a new key at one moment may give it two entries while another one is
/// freed; its limit is then that much larger until they are empty.
public final class ConnectionTable: Sendable {
  public enum Outcome: Sendable, Equatable, BitwiseCopyable {
    /// One more; ``leave(_:)`` takes it back.
    case counted
    /// It has as many as it may have.
    case refused
    /// There was no room to count it.
    case uncounted
  }

  private static let countMask: UInt64 = 1 << 32 - 1
  /// Each failed turn means that another thread got on, but for rare ones that mean nothing; so
  /// many in a row do not happen.
  private static let maximumAttempts = 1 << 20

  private let entries: WordTable

  /// - Parameters:
  ///   - byteCount: of the table; rounded down to a power of two, at least one set.
  ///   - seed: random, this process's own: clients must not choose who shares their set.
  public init(byteCount: Int, seed: UInt64) {
    entries = WordTable(byteCount: byteCount, seed: seed)
  }

  /// Of the table, bytes.
  public var byteCount: Int { entries.byteCount }

  /// Keys that have a connection open; reads the whole table.
  public var keyCount: Int { entries.indices.count { entries[$0] != 0 } }

  /// Counts a connection of a key, if it has less than so many.
  ///
  /// - Complexity: one cache line; allocates nothing, takes no lock.
  public func enter(_ key: UInt64, limit: Int) -> Outcome {
    let (set, tag) = place(of: key)
    for _ in 0..<Self.maximumAttempts {
      var free: Int?
      var own: (index: Int, word: UInt64)?
      for index in set {
        let word = entries[index]
        if word >> 32 == tag {
          own = (index, word)
          break
        }
        if word == 0 && free == nil { free = index }
      }
      if let own {
        guard own.word & Self.countMask < UInt64(max(0, limit)) else { return .refused }
        if entries.exchange(at: own.index, own.word, for: own.word + 1) { return .counted }
      } else if let free {
        guard limit > 0 else { return .refused }
        if entries.exchange(at: free, 0, for: tag << 32 | 1) { return .counted }
      } else {
        return limit > 0 ? .uncounted : .refused
      }
    }
    return .uncounted
  }

  /// Takes back what ``enter(_:limit:)`` has counted, and nothing else.
  public func leave(_ key: UInt64) {
    let (set, tag) = place(of: key)
    for _ in 0..<Self.maximumAttempts {
      var own: (index: Int, word: UInt64)?
      for index in set {
        let word = entries[index]
        if word >> 32 == tag { own = (index, word) }
      }
      // It is there: somebody has taken the count that we passed, and left one that came behind us.
      guard let own else { continue }
      let isLast = own.word & Self.countMask <= 1
      if entries.exchange(at: own.index, own.word, for: isLast ? 0 : own.word - 1) { return }
    }
  }

  /// The key's set, and its tag, never 0.
  private func place(of key: UInt64) -> (set: Range<Int>, tag: UInt64) {
    let hash = entries.hash(of: key)
    return (entries.set(of: hash), max(1, hash >> 32))
  }
}
