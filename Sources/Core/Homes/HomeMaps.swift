import DNSWire

/// Key → home, for several maps: which region has the data of a tenant. Immutable; look-ups
/// allocate nothing and count no references.
///
///     slots     tag (32) | entry + 1 (32)   open addressing by the hash of the key, at most half
///                                           full; 0: empty
///     entries   where the key's bytes are, of which map it is, its rule, its home
///     keys      the bytes of all keys in lower case
///     ranges    of each map, by start: which home the hashes from there on have
///
/// Prefixes are in the same table: the hash goes byte by byte, so that one pass over the key meets
/// every prefix, and asks only for lengths that some prefix has.
public struct HomeMaps: Sendable {
  /// One reference; see `CohortMaps`.
  let storage: Storage

  /// The longest key: a label (RFC 1035 §2.3.4).
  public static let maximumKeyByteCount = 63

  final class Storage: Sendable {
    let seed: UInt64
    let maps: [Map]
    let slots: [UInt64]
    let entries: [Entry]
    let keys: [UInt8]
    let ranges: [Range]
    /// The longest way from a key's own slot to where it is, plus one.
    let probeLimit: Int

    init(
      seed: UInt64, maps: [Map], slots: [UInt64], entries: [Entry], keys: [UInt8],
      ranges: [Range], probeLimit: Int
    ) {
      self.seed = seed
      self.maps = maps
      self.slots = slots
      self.entries = entries
      self.keys = keys
      self.ranges = ranges
      self.probeLimit = probeLimit
    }
  }

  struct Map: Sendable, BitwiseCopyable {
    /// Bit n: some prefix has n bytes.
    var prefixLengths: UInt64 = 0
    var firstRange: UInt32 = 0
    var rangeCount: UInt32 = 0
    /// Of keys that nothing else matches.
    var otherwise = HomeMatch.noHome
  }

  struct Entry: Sendable, BitwiseCopyable {
    var keyOffset: UInt32
    var map: UInt16
    var home: UInt16
    var keyByteCount: UInt8
    var rule: HomeRule
  }

  struct Range: Sendable, BitwiseCopyable {
    var start: UInt32
    var home: UInt16
  }

  /// No map at all.
  public static let empty = HomeMaps(
    storage: Storage(
      seed: 0, maps: [], slots: [0], entries: [], keys: [], ranges: [], probeLimit: 0))

  init(storage: Storage) { self.storage = storage }

  public var mapCount: Int { storage.maps.count }

  /// Of all arrays, the bytes of the keys included.
  public var byteCount: Int {
    storage.slots.count * 8 + storage.entries.count * MemoryLayout<Entry>.stride
      + storage.keys.count + storage.ranges.count * MemoryLayout<Range>.stride
      + storage.maps.count * MemoryLayout<Map>.stride
  }

  /// The home of a key.
  ///
  /// - Parameters:
  ///   - map: counted from 0 as they were begun; traps if there is none.
  ///   - bytes: hold the key, in any case, from `offset` on.
  /// - Complexity: O(length of the key) and a binary search in the ranges; allocates nothing.
  public func find(map index: Int, _ bytes: RawSpan, at offset: Int, byteCount: Int) -> HomeMatch {
    let map = storage.maps[index]
    var hash = RollingHash(seed: storage.seed, map: index)
    var prefix = HomeMatch.unknown
    for position in 0..<min(byteCount, Self.maximumKeyByteCount) {
      hash.add(lowered(bytes.byte(at: offset &+ position)))
      let length = position &+ 1
      guard map.prefixLengths &>> UInt64(length) & 1 != 0 else { continue }
      let found = entry(hash, map: index, isPrefix: true, bytes, at: offset, byteCount: length)
      if let found { prefix = HomeMatch(homeIndex: found.home, rule: .prefix) }
    }
    if byteCount <= Self.maximumKeyByteCount,
      let found = entry(hash, map: index, isPrefix: false, bytes, at: offset, byteCount: byteCount)
    {
      return HomeMatch(homeIndex: found.home, rule: found.rule)
    }
    if prefix.home != nil { return prefix }
    guard map.rangeCount > 0 else {
      return HomeMatch(homeIndex: map.otherwise, rule: .otherwise)
    }
    return HomeMatch(
      homeIndex: home(of: KeyHash.value(bytes, at: offset, byteCount: byteCount), in: map),
      rule: .range)
  }

  /// The same of a text.
  public func find(map: Int, key: String) -> HomeMatch {
    let bytes = Array(key.utf8)
    return unsafe find(map: map, bytes.span.bytes, at: 0, byteCount: bytes.count)
  }

  private func entry(
    _ hash: RollingHash, map: Int, isPrefix: Bool, _ bytes: RawSpan, at offset: Int,
    byteCount: Int
  ) -> Entry? {
    let hash = hash.finished(isPrefix: isPrefix)
    let mask = storage.slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    for _ in 0..<storage.probeLimit {
      let found = storage.slots[slot]
      if found == 0 { return nil }
      if found >> 32 == hash >> 32 {
        let entry = storage.entries[Int(found & 0xFFFF_FFFF) &- 1]
        if Int(entry.map) == map, (entry.rule == .prefix) == isPrefix,
          has(entry, bytes, at: offset, byteCount: byteCount)
        {
          return entry
        }
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  private func has(_ entry: Entry, _ bytes: RawSpan, at offset: Int, byteCount: Int) -> Bool {
    guard Int(entry.keyByteCount) == byteCount else { return false }
    for index in 0..<byteCount
    where storage.keys[Int(entry.keyOffset) &+ index] != lowered(bytes.byte(at: offset &+ index)) {
      return false
    }
    return true
  }

  /// The last range that begins at or before the hash; the first one begins at 0.
  private func home(of hash: UInt32, in map: Map) -> UInt16 {
    var low = Int(map.firstRange)
    var high = low &+ Int(map.rangeCount)
    while high &- low > 1 {
      let middle = (low &+ high) / 2
      if storage.ranges[middle].start <= hash { low = middle } else { high = middle }
    }
    return storage.ranges[low].home
  }
}

/// The hash by which keys are found, fed byte by byte. Its seed is this process's own, so that
/// nobody can choose keys that collide.
struct RollingHash {
  private var state: UInt64

  init(seed: UInt64, map: Int) {
    state = seed ^ UInt64(truncatingIfNeeded: map) &* 0xD6E8_FEB8_6659_FD93
  }

  @inline(__always)
  mutating func add(_ byte: UInt8) {
    let product = (state ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
    state = product ^ product >> 32
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014); prefixes have hashes of their own.
  func finished(isPrefix: Bool) -> UInt64 {
    var z = state ^ (isPrefix ? 0x5851_F42D_4C95_7F2D : 0)
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
