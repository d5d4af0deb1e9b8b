import DNSWire

/// Lays checked names out in words; see ``ZoneTable`` for the picture.
struct ZoneTableLayout {
  private let seed: UInt64
  private let nodes: [DomainName: ZoneTableBuilder.Node]
  private let sources: [ZoneSource]
  /// In the order in which they are laid out.
  private let names: [DomainName]
  private var positions: [DomainName: Int] = [:]
  /// Word 0 is never a node: 0 means none.
  private var words: [UInt64] = [0]

  init(seed: UInt64, nodes: [DomainName: ZoneTableBuilder.Node], sources: [ZoneSource]) {
    self.seed = seed
    self.nodes = nodes
    self.sources = sources
    names = nodes.keys.sorted { $0.loweredWire.lexicographicallyPrecedes($1.loweredWire) }
  }

  func table() -> ZoneTable {
    var layout = self
    return layout.laidOut()
  }

  private mutating func laidOut() -> ZoneTable {
    let anyAnswer = append(
      [recordBytes(type: .hinfo, ttlSeconds: 3_600, data: [7] + Array("RFC8482".utf8) + [0])])
    let zones = sources.map { source in
      let soa = source.soa
      let ttlSeconds = min(soa.ttlSeconds, soa.minimumSeconds)
      let record = recordBytes(type: .soa, ttlSeconds: ttlSeconds, data: soa.data)
      return ZoneTable.Zone(
        startOfAuthority: append([record]), nameByteCount: source.name.wire.count,
        version: ZoneVersion(
          labelCount: UInt8(truncatingIfNeeded: source.name.labelCount), serial: soa.serial))
    }
    for name in names { appendNode(name) }
    for name in names { link(name) }
    let (slots, probeLimit) = slots()
    return ZoneTable(
      seed: seed, slots: slots, words: words, zones: zones,
      maximumLabelCount: names.map(\.labelCount).max() ?? 0, probeLimit: probeLimit,
      anyAnswer: anyAnswer)
  }

  /// Everything but the links to other nodes.
  private mutating func appendNode(_ name: DomainName) {
    guard let node = nodes[name] else { return }
    let position = words.count
    positions[name] = position
    let sets = node.sets.sorted { $0.key.rawValue < $1.key.rawValue }
    let setCount = sets.count + (node.glue.isEmpty ? 0 : 1)
    let service = UInt64(node.service.map { $0 + 1 } ?? 0)
    words += [
      UInt64(name.wire.count) | UInt64(setCount) << 16 | service << 32, 0,
      UInt64(node.zone) | UInt64(node.steeredTypes.rawValue) << 32,
    ]
    words += packed(name.loweredWire)
    let firstSet = words.count
    words += Array(repeating: 0, count: setCount * 2)
    for (index, (type, set)) in sets.enumerated() {
      let run = append(
        set.data.map { recordBytes(type: type, ttlSeconds: set.ttlSeconds, data: $0) })
      words[firstSet + index * 2] = UInt64(type.rawValue)
      words[firstSet + index * 2 + 1] = run.rawValue
    }
    if !node.glue.isEmpty {
      let run = append(
        node.glue.map {
          recordBytes(owner: $0.owner.wire, type: $0.type, ttlSeconds: $0.ttlSeconds, data: $0.data)
        })
      words[firstSet + sets.count * 2] = UInt64(ZoneTable.glueType.rawValue)
      words[firstSet + sets.count * 2 + 1] = run.rawValue
    }
  }

  private mutating func link(_ name: DomainName) {
    guard let node = nodes[name], let position = positions[name] else { return }
    let wildcardWire = [1, UInt8(ascii: "*")] + name.wire
    let wildcard = DomainName(wire: wildcardWire).flatMap { candidate in
      nodes[candidate]?.zone == node.zone ? positions[candidate] : nil
    }
    let cut = node.cut.flatMap { positions[$0] }
    words[position + 1] = UInt64(wildcard ?? 0) | UInt64(cut ?? 0) << 32
  }

  private mutating func append(_ records: [[UInt8]]) -> RecordRun {
    let bytes = records.flatMap(\.self)
    let run = RecordRun(
      wordIndex: words.count, byteCount: bytes.count, recordCount: records.count)
    words += packed(bytes)
    return run
  }

  private func recordBytes(
    owner: [UInt8] = [0xC0, UInt8(Query.nameOffset)], type: RecordType, ttlSeconds: UInt32,
    data: [UInt8]
  ) -> [UInt8] {
    owner + bigEndianBytes(type.rawValue) + bigEndianBytes(RecordClass.internet.rawValue)
      + bigEndianBytes(ttlSeconds) + bigEndianBytes(UInt16(data.count)) + data
  }

  /// Eight bytes a word, the first in the lowest bits, zero-padded.
  private func packed(_ bytes: [UInt8]) -> [UInt64] {
    stride(from: 0, to: bytes.count, by: 8).map { start in
      bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private func slots() -> ([UInt64], probeLimit: Int) {
    var count = 2
    while count < names.count * 2 { count *= 2 }
    var slots = [UInt64](repeating: 0, count: count)
    var probeLimit = 1
    for name in names {
      guard let position = positions[name] else { continue }
      let padded = name.wire + Array(repeating: 0, count: 8)
      let hash = unsafe nameHash(padded.span.bytes, at: 0, byteCount: name.wire.count, seed: seed)
      var slot = Int(truncatingIfNeeded: hash) & (count - 1)
      var probeCount = 1
      while slots[slot] != 0 {
        slot = (slot + 1) & (count - 1)
        probeCount += 1
      }
      slots[slot] = hash & ~0xFFFF_FFFF | UInt64(position)
      probeLimit = max(probeLimit, probeCount)
    }
    return (slots, probeLimit)
  }
}
