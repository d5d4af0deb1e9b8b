import DNSWire

/// Joins blocks into a ``ZoneTable``: copies them one behind the other and puts their names into
/// slots.
///
/// Zones inside one another are settled here: a name belongs to the innermost zone, and what the
/// outer one has at the inner one's apex answers for DS (RFC 4035 §3.1.4.1).
struct ZoneJoining {
  private let seed: UInt64
  private let blocks: [ZoneBlock]
  private var faults: [ZoneFault] = []
  private var words: [UInt64] = []
  private var slots: [UInt64] = []
  private var probeLimit = 1
  private var zones: [ZoneTable.Zone] = []
  private var facts: [ZoneTable.BlockFacts] = []
  private var indices: [DomainName: Int] = [:]
  private var anyAnswer = RecordRun.none
  /// By zone, whether others are inside it.
  private var hasInnerZones: [Bool] = []
  /// The aliases of zones from the configuration.
  private var aliases: [Int] = []

  init(seed: UInt64, blocks: [ZoneBlock]) {
    self.seed = seed
    self.blocks = blocks
  }

  mutating func table() throws(ZoneFaults) -> ZoneTable {
    for (zone, block) in blocks.enumerated()
    where indices.updateValue(zone, forKey: block.name) != nil {
      fault(zone, .zone, "the zone \(block.name) stands twice")
    }
    guard faults.isEmpty else { throw ZoneFaults(faults: faults) }
    copyBlocks()
    findOuterZones()
    // The apexes first: what is inside another zone is told by them.
    makeSlots()
    for zone in blocks.indices { insert(facts[zone].range.lowerBound) }
    for zone in blocks.indices { insertNames(of: zone) }
    let table = ZoneTable(
      seed: seed, slots: slots, words: words, zones: zones, blocks: facts, indices: indices,
      maximumLabelCount: blocks.map(\.maximumLabelCount).max() ?? 0, probeLimit: probeLimit,
      anyAnswer: anyAnswer)
    for node in aliases { checkAlias(node, in: table) }
    guard faults.isEmpty else { throw ZoneFaults(faults: faults) }
    return table
  }

  private mutating func fault(_ zone: Int, _ subject: ZoneFault.Subject, _ message: String) {
    guard faults.count < ZoneBlockBuilder.maximumFaultCount else { return }
    faults.append(ZoneFault(zone: zone, subject: subject, message: message))
  }

  /// Word 0 is never a node: 0 means none.
  private mutating func copyBlocks() {
    let hinfo: [UInt8] = [7] + Array("RFC8482".utf8) + [0]
    let answer =
      [0xC0, UInt8(Query.nameOffset)] + bigEndianBytes(RecordType.hinfo.rawValue)
      + bigEndianBytes(RecordClass.internet.rawValue) + bigEndianBytes(UInt32(3_600))
      + bigEndianBytes(UInt16(hinfo.count)) + hinfo
    let head = [0] + packedWords(answer)
    anyAnswer = RecordRun(wordIndex: 1, byteCount: answer.count, recordCount: 1)
    words.reserveCapacity(blocks.reduce(head.count) { $0 + $1.range.count })
    words += head
    for (zone, block) in blocks.enumerated() {
      let start = words.count
      words += block.storage[block.range]
      facts.append(
        ZoneTable.BlockFacts(
          name: block.name, serial: block.serial, rules: block.rules, nameCount: block.nameCount,
          maximumLabelCount: block.maximumLabelCount, range: start..<words.count))
      clearOuterLink(ofApex: start)
      setZone(zone, of: start)
    }
    precondition(words.count < Int(UInt32.max), "zones are below 32 GiB")
  }

  private mutating func setZone(_ zone: Int, of node: Int) {
    words[node + 2] = words[node + 2] & ~0xFF_FFFF | UInt64(zone)
  }

  /// A block that was taken from a table may have been inside another zone there.
  private mutating func clearOuterLink(ofApex apex: Int) {
    var flags = flags(of: apex)
    guard flags.remove(.innerApex) != nil else { return }
    words[apex] = words[apex] & ~0xFF00 | UInt64(flags.rawValue) << 8
    if flags.isEmpty { words[apex + 1] &= 0xFFFF_FFFF }
  }

  private func flags(of node: Int) -> ZoneBlock.Flags {
    ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[node] >> 8))
  }

  private mutating func findOuterZones() {
    hasInnerZones = Array(repeating: false, count: blocks.count)
    for (zone, block) in blocks.enumerated() {
      var outer: Int?
      var ancestor = block.name.parent
      while let name = ancestor, outer == nil {
        outer = indices[name]
        ancestor = name.parent
      }
      let apex = facts[zone].range.lowerBound
      if let outer {
        hasInnerZones[outer] = true
        words[apex] |= UInt64(ZoneBlock.Flags.innerApex.rawValue) << 8
        words[apex + 1] = words[apex + 1] & 0xFFFF_FFFF | 1 << 32
      }
      zones.append(
        ZoneTable.Zone(
          startOfAuthority: negativeSOA(ofApex: apex), nameByteCount: block.name.wire.count,
          version: ZoneVersion(
            labelCount: UInt8(truncatingIfNeeded: block.name.labelCount), serial: block.serial),
          outerZone: outer ?? -1, delegation: 0))
    }
  }

  private func negativeSOA(ofApex apex: Int) -> RecordRun {
    let nameWordCount = (Int(words[apex] & 0xFF) + 7) >> 3
    let setCount = Int(words[apex] >> 16 & 0xFFFF)
    // The hidden set is the last one.
    let last = apex + ZoneBlock.nodeHeaderWordCount + nameWordCount + (setCount - 1) * 2
    guard setCount > 0, words[last] == ZoneBlock.hiddenSet else { return .none }
    return RecordRun(rawValue: words[last + 1]).moved(by: apex)
  }
}

// MARK: - Names

extension ZoneJoining {
  private mutating func makeSlots() {
    let nameCount = blocks.reduce(0) { $0 + $1.nameCount }
    var count = 2
    while count < nameCount * 2 { count *= 2 }
    slots = Array(repeating: 0, count: count)
  }

  private mutating func insertNames(of zone: Int) {
    let range = facts[zone].range
    let isConfigured = blocks[zone].rules == .configured
    var node = range.lowerBound
    while node < range.upperBound {
      if node > range.lowerBound {
        setZone(zone, of: node)
        let inner = hasInnerZones[zone] ? innerApex(above: node, inZone: zone) : nil
        if let inner {
          settle(node, of: zone, inside: inner)
        } else {
          insert(node)
        }
      }
      if isConfigured && hasAlias(node) { aliases.append(node) }
      node += Int(words[node + 2] >> 32)
    }
  }

  private mutating func insert(_ node: Int) {
    let hash = hash(node)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    var probeCount = 1
    while slots[slot] != 0 {
      slot = (slot + 1) & mask
      probeCount += 1
    }
    slots[slot] = hash & ~0xFFFF_FFFF | UInt64(node)
    probeLimit = max(probeLimit, probeCount)
  }

  /// Of the name as it stands in a node: zero-padded, with words behind it.
  private func hash(_ node: Int) -> UInt64 {
    var hash = seed ^ (words[node] & 0xFF)
    let start = node + ZoneBlock.nodeHeaderWordCount
    var remaining = Int(words[node] & 0xFF)
    var word = start
    while remaining > 0 {
      hash = hashStep(hash, word: words[word], seed: seed)
      word += 1
      remaining -= 8
    }
    return hash
  }

  /// The apex of the zone inside this one that a node is at or below; nil if it is in none.
  private func innerApex(above node: Int, inZone zone: Int) -> Int? {
    let wire = name(of: node)
    let padded = wire + Array(repeating: 0, count: 8)
    var offset = 0
    while wire.count - offset > zones[zone].nameByteCount {
      let apex = apex(padded, at: offset, byteCount: wire.count - offset)
      if let apex { return apex }
      offset += 1 + Int(wire[offset])
    }
    return nil
  }

  private func name(of node: Int) -> [UInt8] {
    (0..<Int(words[node] & 0xFF)).map { index in
      let word = words[node + ZoneBlock.nodeHeaderWordCount + index >> 3]
      return UInt8(truncatingIfNeeded: word >> (UInt64(index & 7) * 8))
    }
  }

  /// The apex with this name, which is in lower case.
  private func apex(_ bytes: [UInt8], at offset: Int, byteCount: Int) -> Int? {
    let hash = unsafe nameHash(bytes.span.bytes, at: offset, byteCount: byteCount, seed: seed)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let node = Int(slots[slot] & 0xFFFF_FFFF)
      if slots[slot] >> 32 == hash >> 32,
        facts[Int(words[node + 2] & 0xFF_FFFF)].range.lowerBound == node,
        name(of: node).elementsEqual(bytes[offset..<(offset + byteCount)])
      {
        return node
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// What a zone has at or below the apex of another one inside it.
  private mutating func settle(_ node: Int, of zone: Int, inside inner: Int) {
    let owner = name(of: node)
    let isApex = owner.count == Int(words[inner] & 0xFF)
    if isApex { zones[Int(words[inner + 2] & 0xFF_FFFF)].delegation = node }
    // Data below a delegation may come with a zone that was not written here.
    let isOccluded = words[node + 1] >> 32 > 0
    guard blocks[zone].rules != .transferred, blocks[zone].rules == .configured || !isOccluded
    else { return }
    let kept: [RecordType] = isApex ? [.ns, .ds, .a, .aaaa, .nsec, .rrsig] : [.a, .aaaa]
    let isSteered = words[node] >> 32 != 0
    guard isSteered || types(of: node).contains(where: { !kept.contains($0) }) else { return }
    let name = DomainName(wire: owner) ?? .root
    let innerName = facts[Int(words[inner + 2] & 0xFF_FFFF)].name
    fault(zone, .owner(name), "\(name) belongs to the zone \(innerName)")
  }

  private func types(of node: Int) -> [RecordType] {
    let firstSet = node + ZoneBlock.nodeHeaderWordCount + (Int(words[node] & 0xFF) + 7) >> 3
    return (0..<Int(words[node] >> 16 & 0xFFFF)).compactMap { index in
      let set = words[firstSet + index * 2]
      return set < ZoneBlock.hiddenSet ? RecordType(rawValue: UInt16(set)) : nil
    }
  }

  private func hasAlias(_ node: Int) -> Bool { types(of: node).contains(.cname) }

  /// Whether the aliases from here on end.
  private mutating func checkAlias(_ node: Int, in table: ZoneTable) {
    var run = table.run(of: UInt64(RecordType.cname.rawValue), at: node)
    for _ in 0...ZoneTableBuilder.maximumAliasCount {
      let target = table.aliasTarget(run)
      let padded = target + Array(repeating: 0, count: 8)
      let finding = unsafe table.find(
        padded.span.bytes, at: 0, nameByteCount: target.count, type: .a)
      guard finding.kind == .alias else { return }
      run = finding.records
    }
    let name = DomainName(wire: name(of: node)) ?? .root
    fault(
      Int(words[node + 2] & 0xFF_FFFF), .owner(name),
      "the aliases from \(name) on are a circle or longer than \(ZoneTableBuilder.maximumAliasCount)"
    )
  }
}
