package import DNSWire

/// A DNS message taken apart (RFC 1035 §4.1): for transfers and notifications, which are rare and
/// may allocate. Names are written out; of the data of records, too (RFC 3597 §4).
package struct WireMessage: Sendable, Equatable {
  package struct Question: Sendable, Equatable {
    package var name: DomainName
    package var type: RecordType
    package var recordClass: RecordClass

    package init(name: DomainName, type: RecordType, recordClass: RecordClass = .internet) {
      self.name = name
      self.type = type
      self.recordClass = recordClass
    }
  }

  package struct Record: Sendable, Equatable {
    package var owner: DomainName
    package var type: RecordType
    /// Of OPT, the size of payload that its sender takes.
    package var recordClass: RecordClass
    package var ttlSeconds: UInt32
    package var data: [UInt8]
    /// Where the record begins in the message.
    package var offset: Int
  }

  package enum Section: Int, Sendable, CaseIterable { case answer, authority, additional }

  package static let headerByteCount = 12
  package static let maximumByteCount = 65_535

  package var id: UInt16
  /// The second 16 bits of the header.
  package var flags: UInt16
  package var questions: [Question]
  /// By ``Section``.
  private var sections: [[Record]]

  package subscript(section: Section) -> [Record] { sections[section.rawValue] }

  package var isResponse: Bool { flags & 0x8000 != 0 }
  package var opcode: Opcode { Opcode(rawValue: UInt8(flags >> 11 & 0xF)) }
  package var isAuthoritative: Bool { flags & 0x0400 != 0 }
  package var isTruncated: Bool { flags & 0x0200 != 0 }
  /// The lower four bits; what EDNS adds does not matter here.
  package var responseCode: UInt8 { UInt8(flags & 0xF) }

  /// Reads the whole message.
  ///
  /// - Throws: if anything does not fit, also bytes behind the last record.
  package init(_ bytes: [UInt8]) throws(WireFault) {
    guard bytes.count >= Self.headerByteCount else { throw .tooShort }
    var reader = WireReader(bytes)
    id = try reader.uint16()
    flags = try reader.uint16()
    var counts: [Int] = []
    for _ in 0..<4 { counts.append(Int(try reader.uint16())) }
    questions = []
    for _ in 0..<counts[0] {
      questions.append(
        Question(
          name: try reader.name(), type: RecordType(rawValue: try reader.uint16()),
          recordClass: RecordClass(rawValue: try reader.uint16())))
    }
    sections = []
    for section in Section.allCases {
      var records: [Record] = []
      // Every record takes at least 11 bytes: no count can make this long.
      for _ in 0..<counts[section.rawValue + 1] { records.append(try reader.record()) }
      sections.append(records)
    }
    guard reader.offset == bytes.count else { throw .trailingBytes }
  }
}

/// RFC 1035 §4.1.1, RFC 1996 §4.
package struct Opcode: RawRepresentable, Sendable, Equatable {
  package var rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let query = Opcode(rawValue: 0)
  package static let notify = Opcode(rawValue: 4)
}

/// Why bytes are no message.
package enum WireFault: Error, Sendable, Equatable {
  case tooShort
  /// A name or a record reaches beyond the message or beyond its data.
  case overrun
  /// A pointer that does not point back, an unknown kind of label, or more than 255 bytes.
  case name
  /// Data that is not what its type wants.
  case data(RecordType)
  case trailingBytes
}

/// Reads a message from front to back.
struct WireReader {
  let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func uint8() throws(WireFault) -> UInt8 {
    guard offset < bytes.count else { throw .overrun }
    offset += 1
    return bytes[offset - 1]
  }

  mutating func uint16() throws(WireFault) -> UInt16 {
    UInt16(try uint8()) << 8 | UInt16(try uint8())
  }

  mutating func uint32() throws(WireFault) -> UInt32 {
    UInt32(try uint16()) << 16 | UInt32(try uint16())
  }

  mutating func bytes(_ count: Int) throws(WireFault) -> ArraySlice<UInt8> {
    guard count >= 0, offset + count <= bytes.count else { throw .overrun }
    offset += count
    return bytes[(offset - count)..<offset]
  }

  /// A name, written out. A pointer must point before where the name, or the part that it was met
  /// in, begins: so no name is endless (RFC 1035 §4.1.4).
  mutating func name() throws(WireFault) -> DomainName {
    var wire: [UInt8] = []
    var position = offset
    var partStart = offset
    var isFollowing = false
    while true {
      guard position < bytes.count else { throw .overrun }
      let length = Int(bytes[position])
      switch length {
      case 0..<64:
        guard position + 1 + length <= bytes.count else { throw .overrun }
        wire += bytes[position...(position + length)]
        guard wire.count <= Query.maximumNameByteCount else { throw .name }
        position += 1 + length
        if !isFollowing { offset = position }
        if length == 0 {
          guard let name = DomainName(wire: wire) else { throw .name }
          return name
        }
      case 0xC0...:
        guard position + 2 <= bytes.count else { throw .overrun }
        let target = (length & 0x3F) << 8 | Int(bytes[position + 1])
        if !isFollowing { offset = position + 2 }
        guard target < partStart else { throw .name }
        isFollowing = true
        partStart = target
        position = target
      default: throw .name
      }
    }
  }

  mutating func record() throws(WireFault) -> WireMessage.Record {
    let start = offset
    let owner = try name()
    let type = RecordType(rawValue: try uint16())
    let recordClass = RecordClass(rawValue: try uint16())
    let ttl = try uint32()
    let byteCount = Int(try uint16())
    let end = offset + byteCount
    guard end <= bytes.count else { throw .overrun }
    return WireMessage.Record(
      owner: owner, type: type, recordClass: recordClass, ttlSeconds: ttl,
      data: try data(type, end: end), offset: start)
  }

  /// The data up to `end`, the names in it written out where a sender may have compressed them
  /// (RFC 3597 §4), and its length checked where the type fixes it.
  private mutating func data(_ type: RecordType, end: Int) throws(WireFault) -> [UInt8] {
    let start = offset
    guard let fields = DataField.layout(of: type) else {
      let data = Array(try bytes(end - offset))
      guard Self.hasRightLength(data.count, type) else { throw .data(type) }
      return data
    }
    var data: [UInt8] = []
    for field in fields {
      switch field {
      case .fixed(let count): data += try bytes(count)
      case .string:
        let count = Int(try uint8())
        data.append(UInt8(count))
        data += try bytes(count)
      case .name: data += try name().wire
      }
      guard offset <= end else { throw .data(type) }
    }
    guard offset == end, start <= end else { throw .data(type) }
    return data
  }

  private static func hasRightLength(_ count: Int, _ type: RecordType) -> Bool {
    switch type {
    case .a: count == 4
    case .aaaa: count == 16
    default: true
    }
  }
}

/// A part of the data of a type whose names a sender may compress.
private enum DataField {
  case fixed(Int)
  /// Its length in front.
  case string
  case name

  /// nil for types without such names: RFC 3597 §4 has the list.
  static func layout(of type: RecordType) -> [DataField]? {
    switch type.rawValue {
    // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
    case 2, 3, 4, 5, 7, 8, 9, 12, 39: [.name]
    // SOA
    case 6: [.name, .name, .fixed(20)]
    // MINFO, RP
    case 14, 17: [.name, .name]
    // MX, AFDB, RT, KX
    case 15, 18, 21, 36: [.fixed(2), .name]
    // PX
    case 26: [.fixed(2), .name, .name]
    // SRV
    case 33: [.fixed(6), .name]
    // NAPTR
    case 35: [.fixed(4), .string, .string, .string, .name]
    default: nil
    }
  }
}
