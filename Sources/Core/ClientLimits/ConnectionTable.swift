import Synchronization

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
///
/// `@unchecked`: the entries are atomic, the pointer never changes, and the memory lives as long
/// as the table.
@safe public final class ConnectionTable: @unchecked Sendable {
  typealias Entry = Atomic<UInt64>

  public enum Outcome: Sendable, Equatable, BitwiseCopyable {
    /// One more; ``leave(_:)`` takes it back.
    case counted
    /// It has as many as it may have.
    case refused
    /// There was no room to count it.
    case uncounted
  }

  static let entriesPerSet = 8
  private static let countMask: UInt64 = 1 << 32 - 1
  /// Each failed turn means that another thread got on; so many in a row do not happen.
  private static let maximumAttempts = 1 << 20

  private let entries: UnsafeMutablePointer<Entry>
  private let setCount: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - byteCount: of the table; rounded down to a power of two, at least one set.
  ///   - seed: random, this process's own: clients must not choose who shares their set.
  public init(byteCount: Int, seed: UInt64) {
    let setByteCount = Self.entriesPerSet * MemoryLayout<Entry>.stride
    var setCount = 1
    while setCount * 2 * setByteCount <= byteCount { setCount *= 2 }
    self.setCount = setCount
    self.seed = seed
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: setCount * setByteCount, alignment: setByteCount)
    let count = setCount * Self.entriesPerSet
    unsafe entries = memory.bindMemory(to: Entry.self, capacity: count)
    for index in 0..<count { unsafe (entries + index).initialize(to: Atomic(0)) }
  }

  deinit { unsafe UnsafeMutableRawPointer(entries).deallocate() }

  /// Of the table, bytes.
  public var byteCount: Int { setCount * Self.entriesPerSet * MemoryLayout<Entry>.stride }

  /// Keys that have a connection open; reads the whole table.
  public var keyCount: Int {
    (0..<setCount * Self.entriesPerSet).count { index in
      unsafe entries[index].load(ordering: .relaxed) != 0
    }
  }

  /// Counts a connection of a key, if it has less than so many.
  ///
  /// - Complexity: one cache line; allocates nothing, takes no lock.
  public func enter(_ key: UInt64, limit: Int) -> Outcome {
    let (set, tag) = place(of: key)
    for _ in 0..<Self.maximumAttempts {
      var free: Int?
      var own: (index: Int, word: UInt64)?
      for index in set..<(set + Self.entriesPerSet) {
        let word = unsafe entries[index].load(ordering: .relaxed)
        if word >> 32 == tag {
          own = (index, word)
          break
        }
        if word == 0 && free == nil { free = index }
      }
      if let own {
        guard own.word & Self.countMask < UInt64(max(0, limit)) else { return .refused }
        if exchange(at: own.index, own.word, for: own.word + 1) { return .counted }
      } else if let free {
        guard limit > 0 else { return .refused }
        if exchange(at: free, 0, for: tag << 32 | 1) { return .counted }
      } else {
        return limit > 0 ? .uncounted : .refused
      }
    }
    return .uncounted
  }

  /// Takes back what ``enter(_:limit:)`` has counted.
  public func leave(_ key: UInt64) {
    let (set, tag) = place(of: key)
    for _ in 0..<Self.maximumAttempts {
      var own: (index: Int, word: UInt64)?
      for index in set..<(set + Self.entriesPerSet) {
        let word = unsafe entries[index].load(ordering: .relaxed)
        if word >> 32 == tag { own = (index, word) }
      }
      guard let own else { return }
      let isLast = own.word & Self.countMask <= 1
      if exchange(at: own.index, own.word, for: isLast ? 0 : own.word - 1) { return }
    }
  }

  private func exchange(at index: Int, _ old: UInt64, for new: UInt64) -> Bool {
    unsafe entries[index].compareExchange(expected: old, desired: new, ordering: .relaxed)
      .exchanged
  }

  /// The first entry of the key's set, and its tag, never 0.
  private func place(of key: UInt64) -> (set: Int, tag: UInt64) {
    let hash = mixed(mixed(key ^ seed) &+ seed)
    let set = Int(truncatingIfNeeded: hash) & (setCount - 1)
    return (set * Self.entriesPerSet, max(1, hash >> 32))
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  private func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
