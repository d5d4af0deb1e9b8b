import Cookies

/// Signatures that have been made, each found by a hash of what it signs, in a table that does not
/// grow: each has two places, and a new one takes the place of one that was there.
///
///     entry    hash, never 0 (64) | signature (512)
///
/// The hash is keyed (SipHash-2-4), so that nobody can make two sets that share a signature.
struct SignatureCache {
  private static let entryWordCount = 1 + SigningKey.signatureByteCount / 8

  private var words: [UInt64]
  private let mask: Int

  /// - Parameter entryCount: rounded up to a power of two, two at least.
  init(entryCount: Int) {
    var count = 2
    while count < entryCount { count *= 2 }
    mask = count - 1
    words = Array(repeating: 0, count: count * Self.entryWordCount)
  }

  /// Where ``signature(at:)`` finds it; nil if it is not there.
  func place(of hash: UInt64) -> Int? {
    let first = Int(truncatingIfNeeded: hash) & mask
    if words[first &* Self.entryWordCount] == hash { return first }
    let second = first ^ 1
    return words[second &* Self.entryWordCount] == hash ? second : nil
  }

  /// Eight bytes a word, the first in the lowest bits.
  func signature(at place: Int) -> InlineArray<8, UInt64> {
    InlineArray { words[place &* Self.entryWordCount &+ 1 &+ $0] }
  }

  /// - Returns: where it is now.
  mutating func insert(_ signature: [UInt8], for hash: UInt64) -> Int {
    let first = Int(truncatingIfNeeded: hash) & mask
    let isFirstFree = words[first &* Self.entryWordCount] == 0
    // Which one has to go is decided by a bit that has not chosen the pair.
    let place = isFirstFree || hash >> 63 == 0 ? first : first ^ 1
    words[place &* Self.entryWordCount] = hash
    for index in 0..<(Self.entryWordCount - 1) {
      words[place &* Self.entryWordCount &+ 1 &+ index] =
        signature[(index * 8)..<(index * 8 + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    return place
  }
}
