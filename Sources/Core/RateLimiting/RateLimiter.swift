public import Places

/// How much each prefix of clients has been answered lately, for all threads together, in a table
/// whose size never changes.
///
/// An entry is one word, so that threads need no lock. It holds the moment up to which its prefix
/// has used up its rate (the generic cell rate algorithm, ITU-T I.371 §A.1): in the past, the
/// prefix is at rest and its entry holds nothing that is worth keeping.
///
///     tag (24) | used up to, microseconds modulo 2⁴⁰ (40)        eight entries a set, a cache line
///
/// A newcomer takes the entry of its set that is nearest to rest. A flood from a million forged
/// sources so replaces entries that are about to be at rest, never that of a prefix that is being
/// flooded.
public final class RateLimiter: Sendable {
  /// What a prefix may use up at once after a rest (one second of its rate).
  static let burstMicroseconds: UInt64 = 1_000_000
  private static let timeBits: UInt64 = 40
  private static let timeMask: UInt64 = 1 << 40 - 1
  /// Whatever lies further ahead than anyone can have used up (a burst and the longest interval)
  /// is long past: the time wraps after 12 days.
  private static let maximumDebtMicroseconds: UInt64 = 1 << 24
  /// Turns after which an answer is let through rather than fought over with other threads.
  private static let maximumAttempts = 4

  private let entries: WordTable

  /// - Parameters:
  ///   - byteCount: of the table; rounded down to a power of two, at least one set.
  ///   - seed: random, this process's own: clients must not choose who shares their set.
  public init(byteCount: Int, seed: UInt64) {
    entries = WordTable(byteCount: byteCount, seed: seed)
  }

  /// Of the table, bytes.
  public var byteCount: Int { entries.byteCount }

  /// Counts one answer, if there is still room for it in the rate of its prefix.
  ///
  /// - Parameters:
  ///   - address: the sender's, never a client subnet's: only the sender's gets the answer.
  ///   - nowMicroseconds: of any clock that does not jump often.
  /// - Returns: false: the answer is one too many.
  /// - Complexity: one cache line; allocates nothing, takes no lock.
  public func admits(
    _ address: IPAddress, kind: RateLimits.Kind, limits: RateLimits,
    nowMicroseconds: UInt64
  ) -> Bool {
    let interval = limits.intervalMicroseconds(kind)
    guard interval > 0 else { return true }
    return spending(
      Self.prefixKey(address, kind: kind), intervalMicroseconds: interval,
      nowMicroseconds: nowMicroseconds) != .refused
  }

  /// What counting an event came to.
  public enum Spending: Sendable, BitwiseCopyable {
    case admitted
    /// As `admitted`, and for want of room another key's use was forgotten.
    case admittedInPlaceOfAnother
    /// It is one too many; nothing was counted.
    case refused
  }

  /// Counts one event of any key, if there is still room for it in its rate.
  ///
  /// - Parameters:
  ///   - key: of what is limited; callers see to it that keys of one kind are none of another.
  ///   - intervalMicroseconds: what the event uses up, above 0 and at most 15 s.
  ///   - nowMicroseconds: of any clock that does not jump often.
  /// - Complexity: one cache line; allocates nothing, takes no lock.
  public func spend(
    _ key: UInt64, intervalMicroseconds: UInt64, nowMicroseconds: UInt64
  ) -> Spending {
    spending(key, intervalMicroseconds: intervalMicroseconds, nowMicroseconds: nowMicroseconds)
  }

  /// In both of its callers: what a limited answer costs has a budget.
  @inline(__always)
  private func spending(
    _ key: UInt64, intervalMicroseconds interval: UInt64, nowMicroseconds: UInt64
  ) -> Spending {
    let hash = entries.hash(of: key)
    let set = entries.set(of: hash)
    let tag = hash >> Self.timeBits
    let now = nowMicroseconds & Self.timeMask
    for _ in 0..<Self.maximumAttempts {
      let place = place(of: tag, in: set, now: now)
      let debt = place.isItsOwn ? place.debt : 0
      guard debt <= Self.burstMicroseconds else { return .refused }
      let usedUpTo = (now &+ debt &+ interval) & Self.timeMask
      if entries.exchange(at: place.index, place.word, for: tag << Self.timeBits | usedUpTo) {
        return place.isItsOwn || place.debt == 0 ? .admitted : .admittedInPlaceOfAnother
      }
    }
    return .admitted
  }

  private struct Place {
    var index: Int
    var word: UInt64
    /// Microseconds until rest.
    var debt: UInt64
    var isItsOwn: Bool
  }

  /// The entry with this tag, or the one that is nearest to rest.
  private func place(of tag: UInt64, in set: Range<Int>, now: UInt64) -> Place {
    var best = Place(index: set.lowerBound, word: 0, debt: .max, isItsOwn: false)
    for index in set {
      let word = entries[index]
      let ahead = (word &- now) & Self.timeMask
      let debt = ahead > Self.maximumDebtMicroseconds ? 0 : ahead
      if word >> Self.timeBits == tag {
        return Place(index: index, word: word, debt: debt, isItsOwn: true)
      }
      if debt < best.debt { best = Place(index: index, word: word, debt: debt, isItsOwn: false) }
    }
    return best
  }

  /// A /24 or a /56 with the kind: what providers give to one customer, so that nobody escapes by
  /// changing the address within it.
  private static func prefixKey(_ address: IPAddress, kind: RateLimits.Kind) -> UInt64 {
    let family: UInt64 =
      switch address {
      case .ipv4(let bits): 1 << 62 | UInt64(bits >> 8)
      case .ipv6(let bits): UInt64(truncatingIfNeeded: bits >> 72)
      }
    return family | UInt64(kind.rawValue) << 58
  }
}
