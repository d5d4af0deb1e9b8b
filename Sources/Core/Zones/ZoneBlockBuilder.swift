public import DNSWire

/// Collects the records of one zone, in any order, and compiles them into a ``ZoneBlock``.
///
/// A record takes 24 bytes beside its data here and its owner is kept once; nothing is allocated
/// for it alone.
public struct ZoneBlockBuilder: Sendable {
  /// Of the faults of one zone that are told.
  public static let maximumFaultCount = 100
  /// Of the records of one type at one name: they go into one message with their question.
  static let maximumSetByteCount = 65_000

  /// A record, or a steered name: its type is 0 then, its TTL the service, its data byte count the
  /// types.
  struct Entry: BitwiseCopyable {
    var key: CanonicalKeys.Key
    var type: RecordType
    var dataByteCount: UInt16
    /// Into ``data``.
    var dataOffset: UInt32
    var ttlSeconds: UInt32
    var mark: UInt32

    static let steeredType = RecordType(rawValue: 0)
    var isSteered: Bool { type == Self.steeredType }
  }

  public let name: DomainName
  public let rules: ZoneBlock.Rules
  let loweredApex: [UInt8]
  private(set) var keys = CanonicalKeys()
  private(set) var entries: [Entry] = []
  private(set) var data: [UInt8] = []
  /// Whether the owners came in canonical order so far.
  private(set) var isOrdered = true
  private(set) var faults: [ZoneBlockFault] = []

  public init(name: DomainName, rules: ZoneBlock.Rules) {
    self.name = name
    self.rules = rules
    loweredApex = name.loweredWire
  }

  /// Records and steered names that were taken so far: what ``ZoneBlockFault/position`` counts.
  public var entryCount: Int { entries.count }

  /// Adds a record.
  ///
  /// - Parameters:
  ///   - owner: a name in wire form, whole.
  ///   - data: RDATA in wire form, names uncompressed; 65,535 bytes at most.
  ///   - mark: what faults say of this record, such as its line.
  public mutating func add(
    owner: RawSpan, ttlSeconds: UInt32, type: RecordType, data record: RawSpan, mark: UInt32
  ) {
    // Of the configuration the SOA comes first and is not among the records.
    guard !type.isMeta, type != .soa || rules != .configured || entries.isEmpty else {
      return fault(mark, "a record of type \(type) cannot stand in a zone")
    }
    guard let key = key(of: owner, mark: mark) else { return }
    guard record.byteCount <= RecordData.maximumByteCount,
      data.count + record.byteCount <= Int(UInt32.max), keys.words.count <= Int(UInt32.max)
    else { return fault(mark, "the zone \(name) is too large: 4 GiB of data are the most") }
    entries.append(
      Entry(
        key: key, type: type, dataByteCount: UInt16(record.byteCount),
        dataOffset: UInt32(data.count), ttlSeconds: ttlSeconds, mark: mark))
    unsafe record.withUnsafeBytes { unsafe data.append(contentsOf: $0) }
  }

  /// Adds a name some of whose types routing decides.
  public mutating func addSteered(
    owner: RawSpan, service: UInt32, types: SteeredTypes, mark: UInt32
  ) {
    guard let key = key(of: owner, mark: mark) else { return }
    entries.append(
      Entry(
        key: key, type: Entry.steeredType, dataByteCount: UInt16(types.rawValue), dataOffset: 0,
        ttlSeconds: service, mark: mark))
  }

  /// - Throws: what is wrong with the zone, up to ``maximumFaultCount``.
  public consuming func build() throws(ZoneBlockFaults) -> ZoneBlock {
    var layout = BlockLayout(self)
    return try layout.block()
  }

  private mutating func key(of owner: RawSpan, mark: UInt32) -> CanonicalKeys.Key? {
    guard isWithinApex(owner) else {
      let wire = (0..<owner.byteCount).map { owner.byte(at: $0) }
      let text = DomainName(wire: wire)?.description ?? "an owner that is no name"
      fault(mark, "\(text) is not within the zone \(name)")
      return nil
    }
    let key = keys.append(owner, apexByteCount: loweredApex.count)
    guard let last = entries.last?.key else { return key }
    if keys.isEqual(key, last) {
      keys.removeLast(key)
      return last
    }
    if isOrdered && !keys.precedes(last, key) { isOrdered = false }
    return key
  }

  /// Whether a name in wire form is the apex or below it, and is a name at all.
  private func isWithinApex(_ owner: RawSpan) -> Bool {
    let start = owner.byteCount - loweredApex.count
    guard start >= 0, owner.byteCount <= Query.maximumNameByteCount else { return false }
    var offset = 0
    while offset < start {
      let length = Int(owner.byte(at: offset))
      guard length > 0, length < 64 else { return false }
      offset += 1 + length
    }
    guard offset == start else { return false }
    for index in loweredApex.indices
    where loweredByte(owner.byte(at: start + index)) != loweredApex[index] {
      return false
    }
    return true
  }

  private mutating func fault(_ mark: UInt32, _ message: String) {
    guard faults.count < Self.maximumFaultCount else { return }
    faults.append(ZoneBlockFault(mark: mark, position: entries.count, message: message))
  }
}

extension ZoneBlockBuilder {
  /// As ``add(owner:ttlSeconds:type:data:mark:)``.
  public mutating func add(
    owner: DomainName, ttlSeconds: UInt32, type: RecordType, data: [UInt8], mark: UInt32
  ) {
    let wire = owner.wire
    unsafe add(
      owner: wire.span.bytes, ttlSeconds: ttlSeconds, type: type, data: data.span.bytes, mark: mark)
  }
}

extension ZoneBlockBuilder {
  /// As ``addSteered(owner:service:types:mark:)``.
  public mutating func add(_ steered: ZoneSource.Steered, mark: UInt32) {
    let wire = steered.owner.wire
    unsafe addSteered(
      owner: wire.span.bytes, service: UInt32(steered.service), types: steered.types, mark: mark)
  }
}

/// What is wrong with a zone, and with what in it.
public struct ZoneBlockFault: Sendable, Equatable {
  /// As it was given with the record; nil: the zone as a whole.
  public var mark: UInt32?
  /// How many records and steered names had been taken before this one.
  public var position: Int
  public var message: String
}

/// All that is wrong with a zone, up to ``ZoneBlockBuilder/maximumFaultCount``.
public struct ZoneBlockFaults: Error, Sendable, Equatable {
  public var faults: [ZoneBlockFault]
}
