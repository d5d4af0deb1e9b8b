public import Places
public import Synchronization

/// Words that are found by keys, in memory whose size never changes: sets of eight, a cache line
/// each. A key belongs into one set, whatever else is there; what a word of it looks like, and who
/// has to give way, is up to the owner.
///
///     hash of the key   low bits: which set   high bits: for the owner's tag
///     set               8 words, 0 at first
///
/// Threads change words without locks: they read one and exchange it for another.
///
/// `@unchecked`: the words are atomic, the pointer never changes, and the memory lives as long as
/// the table.
@safe public struct WordTable: ~Copyable, @unchecked Sendable {
  public static let wordsPerSet = 8

  @usableFromInline typealias Word = Atomic<UInt64>
  @usableFromInline let words: UnsafeMutablePointer<Word>
  /// A power of two.
  @usableFromInline let setCount: Int
  @usableFromInline let seed: UInt64

  /// - Parameters:
  ///   - byteCount: rounded down to a power of two, at least one set.
  ///   - seed: random, this process's own: clients must not choose who shares their set.
  public init(byteCount: Int, seed: UInt64) {
    let setByteCount = Self.wordsPerSet * MemoryLayout<Word>.stride
    var setCount = 1
    while setCount * 2 * setByteCount <= byteCount { setCount *= 2 }
    self.setCount = setCount
    self.seed = seed
    let count = setCount * Self.wordsPerSet
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: setCount * setByteCount, alignment: setByteCount)
    unsafe words = memory.bindMemory(to: Word.self, capacity: count)
    for index in 0..<count { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit { unsafe UnsafeMutableRawPointer(words).deallocate() }

  public var byteCount: Int { indices.count * MemoryLayout<Word>.stride }
  /// Of all words.
  @inlinable public var indices: Range<Int> { 0..<(setCount &* Self.wordsPerSet) }

  @inlinable
  public func hash(of key: UInt64) -> UInt64 {
    SplitMix64.mixed(SplitMix64.mixed(key ^ seed) &+ seed)
  }

  /// The words of a set.
  @inlinable
  public func set(of hash: UInt64) -> Range<Int> {
    let first = (Int(truncatingIfNeeded: hash) & (setCount &- 1)) &* Self.wordsPerSet
    return unsafe Range(uncheckedBounds: (first, first &+ Self.wordsPerSet))
  }

  /// - Parameter index: one of ``indices``.
  @inlinable
  public subscript(index: Int) -> UInt64 { unsafe words[index].load(ordering: .relaxed) }

  /// - Parameter index: one of ``indices``.
  /// - Returns: false: it was another word meanwhile, or, seldom, for no reason. Read it again.
  @inlinable
  public func exchange(at index: Int, _ old: UInt64, for new: UInt64) -> Bool {
    unsafe words[index].weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      .exchanged
  }
}
