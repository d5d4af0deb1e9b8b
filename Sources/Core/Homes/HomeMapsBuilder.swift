import DNSWire

/// Puts ``HomeMaps`` together: each map begun, then its keys, ranges and default in any order.
public struct HomeMapsBuilder {
  /// A key that stands twice under the same rule. The first one counts.
  public struct Duplicate: Sendable, Equatable {
    public var map: Int
    public var key: String
    public var rule: HomeRule
    /// As ``add(_:at:byteCount:rule:home:mark:)`` was told.
    public var mark: UInt32
    public var earlierMark: UInt32
  }

  private let seed: UInt64
  private var maps: [HomeMaps.Map] = []
  private var entries: [HomeMaps.Entry] = []
  private var marks: [UInt32] = []
  private var keys: [UInt8] = []
  private var ranges: [HomeMaps.Range] = []

  /// - Parameter seed: random for each process.
  public init(seed: UInt64) { self.seed = seed }

  /// Begins the next map.
  public mutating func beginMap() { maps.append(HomeMaps.Map()) }

  /// Makes room for so many keys, so that as many arrive without a copy.
  public mutating func reserve(keyCount: Int, keyByteCount: Int) {
    entries.reserveCapacity(entries.count + keyCount)
    marks.reserveCapacity(marks.count + keyCount)
    keys.reserveCapacity(keys.count + keyByteCount)
  }

  /// Adds a key to the last map.
  ///
  /// - Parameters:
  ///   - bytes: hold the key, in any case, from `offset` on; 1...63 of them.
  ///   - rule: `override`, `exact` or `prefix`.
  ///   - home: below 65,535.
  ///   - mark: where it stands, for ``Duplicate``.
  public mutating func add(
    _ bytes: RawSpan, at offset: Int, byteCount: Int, rule: HomeRule, home: Int, mark: UInt32
  ) {
    precondition((1...HomeMaps.maximumKeyByteCount).contains(byteCount), "a key of 1 to 63 bytes")
    if rule == .prefix { maps[maps.count - 1].prefixLengths |= 1 << UInt64(byteCount) }
    entries.append(
      HomeMaps.Entry(
        keyOffset: UInt32(keys.count), map: UInt16(maps.count - 1), home: UInt16(home),
        keyByteCount: UInt8(byteCount), rule: rule))
    marks.append(mark)
    for index in 0..<byteCount { keys.append(lowered(bytes.byte(at: offset &+ index))) }
  }

  /// The same of a text.
  public mutating func add(_ key: String, rule: HomeRule, home: Int, mark: UInt32 = 0) {
    let bytes = Array(key.utf8)
    unsafe add(
      bytes.span.bytes, at: 0, byteCount: bytes.count, rule: rule, home: home, mark: mark)
  }

  /// Gives the last map the homes of hashes: each from its start to the start of the next.
  ///
  /// - Parameter ranges: the first starts at 0, each other one behind the one before.
  public mutating func setRanges(_ ranges: [(start: UInt32, home: Int)]) {
    precondition(ranges.isEmpty || ranges[0].start == 0, "ranges cover all hashes")
    precondition(zip(ranges, ranges.dropFirst()).allSatisfy { $0.start < $1.start }, "in order")
    maps[maps.count - 1].firstRange = UInt32(self.ranges.count)
    maps[maps.count - 1].rangeCount = UInt32(ranges.count)
    self.ranges += ranges.map { HomeMaps.Range(start: $0.start, home: UInt16($0.home)) }
  }

  /// Gives the last map a home for all keys that nothing else matches.
  public mutating func setOtherwise(_ home: Int) {
    maps[maps.count - 1].otherwise = UInt16(home)
  }

  /// - Returns: the maps, and every key that stood there already.
  public func finish() -> (maps: HomeMaps, duplicates: [Duplicate]) {
    var slotCount = 2
    while slotCount < entries.count * 2 { slotCount *= 2 }
    var slots = [UInt64](repeating: 0, count: slotCount)
    var duplicates: [Duplicate] = []
    var probeLimit = 1
    for index in entries.indices {
      let hash = hash(of: entries[index])
      var slot = Int(truncatingIfNeeded: hash) & (slotCount - 1)
      var probeCount = 1
      while slots[slot] != 0 {
        let other = Int(slots[slot] & 0xFFFF_FFFF) - 1
        if slots[slot] >> 32 == hash >> 32 && isSameKey(entries[other], entries[index]) { break }
        slot = (slot + 1) & (slotCount - 1)
        probeCount += 1
      }
      probeLimit = max(probeLimit, probeCount)
      if slots[slot] != 0 {
        let other = Int(slots[slot] & 0xFFFF_FFFF) - 1
        if entries[other].rule == entries[index].rule {
          duplicates.append(duplicate(index, of: other))
        }
        // An override wins over what the map itself says, whichever came first.
        guard entries[index].rule == .override, entries[other].rule == .exact else { continue }
      }
      slots[slot] = hash & ~0xFFFF_FFFF | UInt64(index + 1)
    }
    let storage = HomeMaps.Storage(
      seed: seed, maps: maps, slots: slots, entries: entries, keys: keys, ranges: ranges,
      probeLimit: probeLimit)
    return (HomeMaps(storage: storage), duplicates)
  }

  private func hash(of entry: HomeMaps.Entry) -> UInt64 {
    var hash = RollingHash(seed: seed, map: Int(entry.map))
    for index in 0..<Int(entry.keyByteCount) { hash.add(keys[Int(entry.keyOffset) + index]) }
    return hash.finished(isPrefix: entry.rule == .prefix)
  }

  private func isSameKey(_ a: HomeMaps.Entry, _ b: HomeMaps.Entry) -> Bool {
    guard a.map == b.map, a.keyByteCount == b.keyByteCount,
      (a.rule == .prefix) == (b.rule == .prefix)
    else { return false }
    return (0..<Int(a.keyByteCount)).allSatisfy {
      keys[Int(a.keyOffset) + $0] == keys[Int(b.keyOffset) + $0]
    }
  }

  private func duplicate(_ index: Int, of earlier: Int) -> Duplicate {
    let entry = entries[index]
    let start = Int(entry.keyOffset)
    return Duplicate(
      map: Int(entry.map),
      key: String(decoding: keys[start..<(start + Int(entry.keyByteCount))], as: UTF8.self),
      rule: entry.rule, mark: marks[index], earlierMark: marks[earlier])
  }
}
