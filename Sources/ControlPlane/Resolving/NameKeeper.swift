package import Editions
package import Places

/// Keeps the addresses of names fresh: says which to ask for when, and what is known meanwhile.
/// Times are seconds of a clock that does not jump.
///
///     asked ── half of its life ── asked again ─ … ─ life over ───── a day ───── dropped
///             answered with the     not renewed:      stale, TTL 30 s
///             other half as TTL     TTL 5 s
package struct NameKeeper: Sendable {
  package typealias Question = ResolvedNames.Question

  /// What TTLs are bounded to: no resolver is asked more often than twice in the least, and no
  /// change is missed for longer than the most.
  static let lifeSeconds: ClosedRange<Double> = 5...3_600
  /// What clients are told once a renewal has failed, until the life is over.
  static let overdueTTLSeconds: UInt32 = 5
  /// RFC 8767 §4.
  static let staleTTLSeconds: UInt32 = 30
  /// How long addresses serve beyond their life: RFC 8767 §5 suggests a day to three.
  static let mostStaleSeconds: Double = 86_400
  /// Between attempts, doubled by each failure in a row.
  static let retrySeconds: ClosedRange<Double> = 1...30

  /// Questions under way at once, each of which has a socket.
  static let mostAtOnce = 64

  private struct Entry {
    /// nil before the first answer, and once they are too old.
    var addresses: [IPAddress]?
    var ttlSeconds: UInt32 = 0
    var expiresAt: Double = 0
    var asksAt: Double
    var isAsking = false
    var failureCount = 0
  }

  private var entries: [Question: Entry] = [:]

  package init() {}

  /// Keeps these and no others from now on; what is known of them stays.
  package mutating func want(_ questions: Set<Question>, now: Double) {
    if questions.count == entries.count, questions.allSatisfy({ entries[$0] != nil }) { return }
    entries = entries.filter { questions.contains($0.key) }
    for question in questions where entries[question] == nil {
      entries[question] = Entry(asksAt: now)
    }
  }

  /// Those to ask for now; each is to be followed by ``succeeded`` or ``failed``.
  package mutating func takeDue(now: Double) -> [Question] {
    let room = Self.mostAtOnce - entries.values.count(where: \.isAsking)
    let due = entries.filter { !$0.value.isAsking && $0.value.asksAt <= now }
      .sorted { $0.value.asksAt < $1.value.asksAt }.prefix(max(room, 0)).map(\.key)
    for question in due { entries[question]?.isAsking = true }
    return due
  }

  /// - Parameter addresses: none if the name has none of the family.
  package mutating func succeeded(
    _ question: Question, addresses: [IPAddress], ttlSeconds: UInt32, now: Double
  ) {
    guard entries[question] != nil else { return }
    let life = min(
      max(Double(ttlSeconds), Self.lifeSeconds.lowerBound), Self.lifeSeconds.upperBound)
    // What is left when the next answer comes: no client keeps an address beyond its life.
    let half = (life / 2).rounded(.down)
    entries[question] = Entry(
      addresses: addresses, ttlSeconds: UInt32(half), expiresAt: now + life,
      asksAt: now + life - half)
  }

  /// - Returns: whether it is the first failure in a row.
  @discardableResult
  package mutating func failed(_ question: Question, now: Double) -> Bool {
    guard var entry = entries[question] else { return false }
    let wait = min(
      Self.retrySeconds.lowerBound * Double(1 << min(entry.failureCount, 10)),
      Self.retrySeconds.upperBound)
    entry.failureCount += 1
    entry.isAsking = false
    entry.asksAt = now + wait
    entry.ttlSeconds = min(entry.ttlSeconds, Self.overdueTTLSeconds)
    entries[question] = entry
    return entry.failureCount == 1
  }

  package func failureCount(of question: Question) -> Int { entries[question]?.failureCount ?? 0 }

  /// What is known.
  package func results(now: Double) -> ResolvedNames {
    var results = ResolvedNames.none
    for (question, entry) in entries {
      guard let addresses = entry.addresses, now < entry.expiresAt + Self.mostStaleSeconds else {
        continue
      }
      let isStale = now >= entry.expiresAt
      results[question] = ResolvedNames.Addresses(
        addresses: addresses, ttlSeconds: isStale ? Self.staleTTLSeconds : entry.ttlSeconds,
        isStale: isStale)
    }
    return results
  }

  /// When `takeDue` or `results` next change by themselves; `now` if there is more to ask for
  /// than may be asked at once; nil: never.
  package func nextMoment(now: Double) -> Double? {
    entries.values.flatMap { entry in
      let asks = entry.isAsking ? [] : [max(entry.asksAt, now)]
      guard entry.addresses != nil else { return asks }
      return asks
        + [entry.expiresAt, entry.expiresAt + Self.mostStaleSeconds].filter { $0 > now }
    }.min()
  }
}
