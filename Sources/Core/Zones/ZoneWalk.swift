public import DNSWire

extension ZoneTable {
  public var zoneCount: Int { zones.count }

  public func name(ofZone zone: Int) -> DomainName { blocks[zone].name }

  /// The zone with exactly this name.
  public func zone(named name: DomainName) -> Int? { indices[name] }

  /// A zone as it stands in the table: shares the table's memory and keeps it, copies nothing.
  public func block(ofZone zone: Int) -> ZoneBlock {
    let facts = blocks[zone]
    return ZoneBlock(
      name: facts.name, serial: facts.serial, rules: facts.rules, nameCount: facts.nameCount,
      maximumLabelCount: facts.maximumLabelCount, storage: words, range: facts.range)
  }
}

extension ZoneBlock {
  /// The zone's records in canonical order (RFC 4034 §6.1).
  public func walk() -> ZoneWalk { ZoneWalk(self) }
}

/// Goes through the records of a zone: SOA first, then the apex's other records, then name by name
/// in canonical order, each name's records by type. Can be put aside and gone on with, on any
/// thread; it keeps the zone as it was.
public struct ZoneWalk: Sendable, Sequence, IteratorProtocol {
  public struct Entry: Sendable {
    public enum Content: Sendable, Equatable {
      /// RDATA in wire form, names uncompressed.
      case record(type: RecordType, ttlSeconds: UInt32, data: ArraySlice<UInt8>)
      /// Routing decides these types here.
      case steered(service: Int, types: SteeredTypes)
    }
    /// In wire form and lower case.
    public var owner: [UInt8]
    public var content: Content
  }

  /// One record, read in place: nothing is allocated.
  ///
  /// Offsets are into the bytes that ``ZoneWalk/next(_:)`` hands over.
  public struct Place: Sendable, BitwiseCopyable {
    public var ownerOffset: Int
    public var ownerByteCount: Int
    /// 0 of a steered name, whose service is in ``ttlSeconds`` and whose types are in `data`.
    public var type: RecordType
    public var ttlSeconds: UInt32
    public var dataOffset: Int
    public var dataByteCount: Int
    public var steeredTypes: SteeredTypes
    public var isSteered: Bool { type == RecordType(rawValue: 0) }
  }

  private let block: ZoneBlock
  private var node: Int
  /// Of the node: -1 for what is steered.
  private var set: Int
  /// Of the set, and where it is.
  private var record = 0
  private var recordOffset = 0
  private var hasGivenSOA = false

  init(_ block: ZoneBlock) {
    self.block = block
    node = block.range.lowerBound
    set = 0
  }

  public mutating func next() -> Entry? {
    next { bytes, place in
      let owner = (0..<place.ownerByteCount).map { bytes.byte(at: place.ownerOffset + $0) }
      if place.isSteered {
        return Entry(
          owner: owner,
          content: .steered(service: Int(place.ttlSeconds), types: place.steeredTypes))
      }
      let data = (0..<place.dataByteCount).map { bytes.byte(at: place.dataOffset + $0) }
      return Entry(
        owner: owner,
        content: .record(type: place.type, ttlSeconds: place.ttlSeconds, data: data[...]))
    }
  }

  /// Goes on by one record and shows it.
  ///
  /// - Parameter visit: gets the bytes in which the record stands, and where in them.
  /// - Returns: what `visit` returns; nil at the end.
  public mutating func next<Result>(_ visit: (RawSpan, Place) -> Result) -> Result? {
    let storage = block.storage
    let bytes = unsafe storage.span.bytes
    if !hasGivenSOA {
      hasGivenSOA = true
      if let place = startOfAuthority(bytes) { return visit(bytes, place) }
    }
    while node < block.range.upperBound {
      if let place = placeInNode(bytes) { return visit(bytes, place) }
      node += Int(block.storage[node + 2] >> 32)
      set = -1
      record = 0
    }
    return nil
  }

  private func startOfAuthority(_ bytes: RawSpan) -> Place? {
    let apex = block.range.lowerBound
    for index in 0..<setCount(of: apex) {
      let word = block.storage[firstSet(of: apex) + index * 2]
      guard word == UInt64(RecordType.soa.rawValue) else { continue }
      return place(bytes, node: apex, at: run(of: apex, set: index).wordIndex * 8)
    }
    return nil
  }

  /// The next record of the node, the SOA left out.
  private mutating func placeInNode(_ bytes: RawSpan) -> Place? {
    if set < 0 {
      set = 0
      if let steered = steeredPlace() { return steered }
    }
    while set < setCount(of: node) {
      let type = block.storage[firstSet(of: node) + set * 2]
      let run = run(of: node, set: set)
      if record < run.recordCount, type < ZoneBlock.hiddenSet,
        type != UInt64(RecordType.soa.rawValue)
      {
        if record == 0 { recordOffset = run.wordIndex * 8 }
        let place = place(bytes, node: node, at: recordOffset)
        record += 1
        recordOffset = place.dataOffset + place.dataByteCount
        return place
      }
      set += 1
      record = 0
    }
    return nil
  }

  private func steeredPlace() -> Place? {
    let service = block.storage[node] >> 32
    guard service != 0 else { return nil }
    return Place(
      ownerOffset: (node + ZoneBlock.nodeHeaderWordCount) * 8,
      ownerByteCount: Int(block.storage[node] & 0xFF), type: RecordType(rawValue: 0),
      ttlSeconds: UInt32(service - 1), dataOffset: 0, dataByteCount: 0,
      steeredTypes: SteeredTypes(
        rawValue: UInt8(truncatingIfNeeded: block.storage[node + 2] >> 24)))
  }

  /// A record behind its owner pointer.
  private func place(_ bytes: RawSpan, node: Int, at offset: Int) -> Place {
    Place(
      ownerOffset: (node + ZoneBlock.nodeHeaderWordCount) * 8,
      ownerByteCount: Int(block.storage[node] & 0xFF),
      type: RecordType(rawValue: bytes.uint16(at: offset + 2)),
      ttlSeconds: bytes.uint32(at: offset + 6), dataOffset: offset + 12,
      dataByteCount: Int(bytes.uint16(at: offset + 10)), steeredTypes: [])
  }

  private func setCount(of node: Int) -> Int { Int(block.storage[node] >> 16 & 0xFFFF) }

  private func firstSet(of node: Int) -> Int {
    node + ZoneBlock.nodeHeaderWordCount + (Int(block.storage[node] & 0xFF) + 7) >> 3
  }

  private func run(of node: Int, set: Int) -> RecordRun {
    RecordRun(rawValue: block.storage[firstSet(of: node) + set * 2 + 1]).moved(by: node)
  }
}
