import DNSWire

/// Names below one apex, each in words that compare as RFC 4034 §6.1 orders names.
///
/// A key is the name's labels without the apex's, from the right, in lower case, each ended by a
/// zero byte; the bytes 0 and 1 of a label stand as 1 1 and 1 2. Eight bytes go into a word, the
/// first in the highest bits, so that the order of keys is the order of their words as numbers, and
/// what is above a name is a prefix of its key. The apex has one word of zero.
struct CanonicalKeys {
  struct Key: BitwiseCopyable {
    /// Index of the first word.
    var start: UInt32
    /// Without padding.
    var byteCount: UInt16

    var wordCount: Int { max(1, (Int(byteCount) + 7) >> 3) }
  }

  private(set) var words: [UInt64] = []
  /// Bytes on their way into a word.
  private var pending: UInt64 = 0
  private var pendingCount = 0

  /// Appends the key of the name in wire form in `name`, which has the apex as its suffix.
  mutating func append(_ name: RawSpan, apexByteCount: Int) -> Key {
    let start = words.count
    let end = name.byteCount - apexByteCount
    var labels = InlineArray<128, UInt8>(repeating: 0)
    var labelCount = 0
    var offset = 0
    while offset < end {
      labels[labelCount] = UInt8(truncatingIfNeeded: offset)
      labelCount += 1
      offset += 1 + Int(name.byte(at: offset))
    }
    var byteCount = 0
    while labelCount > 0 {
      labelCount -= 1
      let label = Int(labels[labelCount])
      for index in (label + 1)..<(label + 1 + Int(name.byte(at: label))) {
        let byte = loweredByte(name.byte(at: index))
        if byte <= 1 {
          push(1)
          push(byte + 1)
          byteCount += 2
        } else {
          push(byte)
          byteCount += 1
        }
      }
      push(0)
      byteCount += 1
    }
    if pendingCount > 0 || byteCount == 0 {
      words.append(pending << UInt64((8 - pendingCount) * 8))
      pending = 0
      pendingCount = 0
    }
    return Key(start: UInt32(truncatingIfNeeded: start), byteCount: UInt16(byteCount))
  }

  private mutating func push(_ byte: UInt8) {
    pending = pending << 8 | UInt64(byte)
    pendingCount += 1
    guard pendingCount == 8 else { return }
    words.append(pending)
    pending = 0
    pendingCount = 0
  }

  /// Takes the last key back.
  mutating func removeLast(_ key: Key) { words.removeLast(key.wordCount) }

  mutating func reserve(wordCount: Int) { words.reserveCapacity(wordCount) }

  /// Zero behind the end.
  @inline(__always)
  func word(_ key: Key, at depth: Int) -> UInt64 {
    depth < key.wordCount ? words[Int(key.start) + depth] : 0
  }

  func isEqual(_ a: Key, _ b: Key) -> Bool {
    if a.start == b.start { return true }
    guard a.byteCount == b.byteCount else { return false }
    for depth in 0..<a.wordCount where words[Int(a.start) + depth] != words[Int(b.start) + depth] {
      return false
    }
    return true
  }

  /// Whether `a` stands before `b`.
  func precedes(_ a: Key, _ b: Key) -> Bool {
    for depth in 0..<max(a.wordCount, b.wordCount) {
      let first = word(a, at: depth)
      let second = word(b, at: depth)
      if first != second { return first < second }
    }
    return false
  }

  /// Whether `b` is `a` or below it.
  func isWithin(_ b: Key, _ a: Key) -> Bool {
    guard b.byteCount >= a.byteCount else { return false }
    let whole = Int(a.byteCount) >> 3
    for depth in 0..<whole where word(a, at: depth) != word(b, at: depth) { return false }
    let rest = UInt64(a.byteCount & 7) * 8
    return rest == 0 || (word(a, at: whole) ^ word(b, at: whole)) >> (64 - rest) == 0
  }

  /// A number that is equal for equal names; who chooses names can choose it.
  func hash(_ key: Key) -> UInt64 {
    var hash = UInt64(key.byteCount)
    for depth in 0..<key.wordCount {
      let product = (hash ^ words[Int(key.start) + depth])
        .multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = product.high ^ product.low
    }
    return hash
  }

  /// A byte of the key; zero behind its words.
  func byte(_ key: Key, at offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: word(key, at: offset >> 3) >> UInt64((7 - offset & 7) * 8))
  }
}

// MARK: - Sorting

/// Brings names into canonical order, equal ones in the order in which they came: eight bytes at a
/// time, so that nearly all comparisons are of two numbers side by side.
struct CanonicalSort {
  private struct Item: BitwiseCopyable {
    var word: UInt64
    var index: UInt32
  }

  private let keys: CanonicalKeys
  private let names: [CanonicalKeys.Key]
  private var items: [Item]

  init(_ keys: CanonicalKeys, names: [CanonicalKeys.Key]) {
    self.keys = keys
    self.names = names
    items = names.indices.map { Item(word: 0, index: UInt32(truncatingIfNeeded: $0)) }
  }

  /// Indices into the names.
  consuming func order() -> [UInt32] {
    sort(0..<items.count, depth: 0)
    return items.map(\.index)
  }

  /// Sorts what is equal up to a depth in words: a key has at most 64.
  private mutating func sort(_ range: Range<Int>, depth: Int) {
    var isSorted = true
    var isEnded = true
    for position in range {
      let key = names[Int(items[position].index)]
      items[position].word = keys.word(key, at: depth)
      if key.wordCount > depth + 1 { isEnded = false }
      if position > range.lowerBound, items[position].word < items[position - 1].word {
        isSorted = false
      }
    }
    if !isSorted {
      unsafe items.withUnsafeMutableBufferPointer { buffer in
        var part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[range])
        unsafe part.sort { ($0.word, $0.index) < ($1.word, $1.index) }
      }
    }
    if isEnded { return }
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start + 1
      while end < range.upperBound, items[end].word == items[start].word { end += 1 }
      if end - start > 1 { sort(start..<end, depth: depth + 1) }
      start = end
    }
  }
}

/// ASCII only: other bytes have no case in a name (RFC 4343 §3).
@inline(__always)
func loweredByte(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
