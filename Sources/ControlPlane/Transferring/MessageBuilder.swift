package import DNSWire

/// Writes a message: header, at most one question, records. The question's name is what owners are
/// compressed against, so that a zone's records shrink well with little work.
package struct MessageBuilder {
  package private(set) var bytes: [UInt8]
  private let question: WireMessage.Question?
  private var counts: [UInt16] = [0, 0, 0, 0]
  /// Of the last record that was written.
  private var lastOwner: DomainName?
  private var lastOwnerOffset = 0

  /// - Parameter flags: the second 16 bits of the header.
  package init(id: UInt16, flags: UInt16, question: WireMessage.Question?) {
    self.question = question
    bytes = []
    bytes.append(id)
    bytes.append(flags)
    bytes += [0, question == nil ? 0 : 1, 0, 0, 0, 0, 0, 0]
    guard let question else { return }
    counts[0] = 1
    bytes += question.name.wire
    bytes.append(question.type.rawValue)
    bytes.append(question.recordClass.rawValue)
  }

  /// The most that a record can take, beside its data: owner, type, class, TTL, length.
  static let mostRecordHeadBytes = Query.maximumNameByteCount + 10

  /// Appends a record. Sections come in their order.
  package mutating func append(
    _ owner: DomainName, _ type: RecordType, recordClass: RecordClass = .internet,
    ttlSeconds: UInt32, data: [UInt8], to section: WireMessage.Section = .answer
  ) {
    append(owner: owner)
    bytes.append(type.rawValue)
    bytes.append(recordClass.rawValue)
    bytes.append(ttlSeconds)
    bytes.append(UInt16(truncatingIfNeeded: data.count))
    bytes += data
    counts[section.rawValue + 1] &+= 1
    let place = 6 + section.rawValue * 2
    bytes[place] = UInt8(counts[section.rawValue + 1] >> 8)
    bytes[place + 1] = UInt8(counts[section.rawValue + 1] & 0xFF)
  }

  /// How many records the section has.
  package func count(of section: WireMessage.Section) -> Int {
    Int(counts[section.rawValue + 1])
  }

  private mutating func append(owner: DomainName) {
    // Only where case agrees too: what was transferred is what is stored.
    if let lastOwner, lastOwner.wire == owner.wire, lastOwnerOffset < 0x4000 {
      bytes.append(0xC000 | UInt16(lastOwnerOffset))
      return
    }
    lastOwner = owner
    lastOwnerOffset = bytes.count
    if let zone = question?.name.wire, zone.count > 1, owner.wire.count >= zone.count,
      owner.wire.suffix(zone.count) == zone[...], isLabelStart(owner, before: zone.count)
    {
      bytes += owner.wire.dropLast(zone.count)
      bytes.append(0xC000 | UInt16(WireMessage.headerByteCount))
    } else {
      bytes += owner.wire
    }
  }

  /// Whether a label of `name` begins `byteCount` bytes before its end.
  private func isLabelStart(_ name: DomainName, before byteCount: Int) -> Bool {
    let start = name.wire.count - byteCount
    var offset = 0
    while offset < start { offset += 1 + Int(name.wire[offset]) }
    return offset == start
  }
}

extension [UInt8] {
  /// In network order.
  mutating func append(_ value: UInt16) {
    append(UInt8(value >> 8))
    append(UInt8(value & 0xFF))
  }

  /// In network order.
  mutating func append(_ value: UInt32) {
    append(UInt16(value >> 16))
    append(UInt16(value & 0xFFFF))
  }

  /// Two bytes in network order.
  func uint16(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

  /// Four bytes in network order.
  func uint32(at offset: Int) -> UInt32 {
    UInt32(uint16(at: offset)) << 16 | UInt32(uint16(at: offset + 2))
  }

  /// Replaces two bytes, in network order.
  mutating func replace(at offset: Int, with value: UInt16) {
    self[offset] = UInt8(value >> 8)
    self[offset + 1] = UInt8(value & 0xFF)
  }
}
