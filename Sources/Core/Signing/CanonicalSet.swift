public import DNSWire

/// A set of records as it stands in a message: one behind the other, each with a pointer as its
/// owner, which stands elsewhere in the message, uncompressed.
public struct MessageSet: Sendable, BitwiseCopyable {
  public var owner: MessageName
  /// Where the first record is.
  public var offset: Int
  public var recordCount: Int

  public init(owner: MessageName, offset: Int, recordCount: Int) {
    self.owner = owner
    self.offset = offset
    self.recordCount = recordCount
  }

  func type(in message: RawSpan) -> RecordType {
    RecordType(rawValue: message.uint16(at: offset &+ 2))
  }

  func ttlSeconds(in message: RawSpan) -> UInt32 { message.uint32(at: offset &+ 6) }

  /// Without the root, and without a `*` in front (RFC 4034 §3.1.3).
  func labelCount(in message: RawSpan) -> UInt8 {
    var count: UInt8 = 0
    var position = owner.offset
    let end = owner.offset &+ owner.byteCount &- 1
    if owner.byteCount > 2, message.uint16(at: position) == 0x012A { position &+= 2 }
    while position < end {
      position &+= 1 &+ Int(message.byte(at: position))
      count &+= 1
    }
    return count
  }

  /// The records as signatures cover them (RFC 4034 §3.1.8.1): owners in full and lower case,
  /// names in data in lower case, in the order of their data, each once.
  func canonicalRecords(in message: RawSpan) -> [UInt8] {
    let ownerBytes = (0..<owner.byteCount).map { loweredByte(message.byte(at: owner.offset + $0)) }
    let type = type(in: message)
    var data: [[UInt8]] = []
    var position = offset
    for _ in 0..<recordCount {
      let start = position + Self.headByteCount
      let end = start + Int(message.uint16(at: position + 10))
      data.append(canonicalData((start..<end).map { message.byte(at: $0) }, type: type))
      position = end
    }
    data.sort { $0.lexicographicallyPrecedes($1) }
    let head =
      ownerBytes + bigEndianBytes(type.rawValue)
      + bigEndianBytes(RecordClass.internet.rawValue)
      + bigEndianBytes(ttlSeconds(in: message))
    var records: [UInt8] = []
    for (index, one) in data.enumerated() where index == 0 || one != data[index - 1] {
      records += head + bigEndianBytes(UInt16(one.count)) + one
    }
    return records
  }

  /// Of a record, before its data: pointer, type, class, TTL, length.
  static var headByteCount: Int { 12 }
}

/// RFC 4034 §6.2, without what RFC 6840 §5.1 takes back: the names in the data of old types in
/// lower case.
///
/// - Parameter data: with names uncompressed.
func canonicalData(_ data: [UInt8], type: RecordType) -> [UInt8] {
  guard let names = namesInData(data, type: type) else { return data }
  var result = data
  var position = names.start
  for _ in 0..<names.count {
    while position < data.count, data[position] != 0 {
      let end = min(position + Int(data[position]), data.count - 1)
      for index in position...end { result[index] = loweredByte(data[index]) }
      position = end + 1
    }
    position += 1
  }
  return result
}

/// Where the first of so many names in a row is; nil if the type has none that are lowered.
private func namesInData(_ data: [UInt8], type: RecordType) -> (start: Int, count: Int)? {
  switch type.rawValue {
  // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
  case 2, 3, 4, 5, 7, 8, 9, 12, 39: return (0, 1)
  // SOA, MINFO, RP
  case 6, 14, 17: return (0, 2)
  // MX, AFSDB, RT, KX
  case 15, 18, 21, 36: return (2, 1)
  // PX
  case 26: return (2, 2)
  // SRV
  case 33: return (6, 1)
  // NAPTR: order, preference, three strings
  case 35:
    var start = 4
    for _ in 0..<3 where start < data.count { start += 1 + Int(data[start]) }
    return (start, 1)
  default: return nil
  }
}

/// ASCII only: other bytes have no case in a name (RFC 4343 §3). Lengths of labels are below `A`.
func loweredByte(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
