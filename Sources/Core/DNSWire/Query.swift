/// A query, decoded: what is needed to answer it in the buffer that it came in, with the header and
/// the question left in place.
///
///     0            12                12 + name     + 4
///     +------------+-----------------+-------------+----------------------+
///     | header     | name (wire)     | type, class | records, OPT, …      |
///     +------------+-----------------+-------------+----------------------+
public struct Query: Sendable, BitwiseCopyable {
  /// Of the header (RFC 1035 §4.1.1), and so where the question begins.
  public static let nameOffset = 12
  /// Of a name in wire form, the root included (RFC 1035 §2.3.4).
  public static let maximumNameByteCount = 255
  /// The bytes that a buffer must have beyond the packet: they are loaded, never looked at.
  public static let slackByteCount = 16

  /// The second 16 bits of the header as received.
  public var flags: UInt16
  /// The root's byte included: 1...255; 0 if there is no question (RFC 7873 §5.4).
  public var nameByteCount: Int
  public var type: RecordType
  public var recordClass: RecordClass
  /// Behind the question something was wrong: a record that does not fit, an OPT that is not the
  /// only one or not the root's or not in the additional section, an option that does not fit.
  public var isMalformed: Bool
  public var hasEDNS: Bool
  public var ednsVersion: UInt8
  /// RFC 3225 §3: the DO bit.
  public var wantsDNSSEC: Bool
  /// What the client can take over UDP: 512 at least (RFC 6891 §6.2.3), and without EDNS.
  public var payloadByteCount: Int
  public var subnetState: SubnetState
  /// Meaningful if ``subnetState`` is `valid`.
  public var subnet: ClientSubnet
  public var extras: Extras
  /// The data of the cookie option, meaningful if ``extras`` has `cookie`: see
  /// ``ClientCookie/init(of:in:)``.
  var cookieByteCount: UInt8
  var cookieOffset: UInt16
  /// Where the question ends.
  public var questionEnd: Int

  public enum SubnetState: UInt8, Sendable, BitwiseCopyable { case absent, valid, malformed }

  /// What few queries have.
  public struct Extras: OptionSet, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// NSID is asked for (RFC 5001 §2.1).
    @inlinable public static var identity: Extras { Extras(rawValue: 1) }
    @inlinable public static var cookie: Extras { Extras(rawValue: 2) }
    /// A cookie of a length that none can have (RFC 7873 §5.2.2).
    @inlinable public static var malformedCookie: Extras { Extras(rawValue: 4) }
    /// RFC 7828 §3.2.1: the client wants to know how long it may be idle.
    @inlinable public static var keepalive: Extras { Extras(rawValue: 8) }
    /// RFC 7830 §4: the client has padded its query.
    @inlinable public static var padding: Extras { Extras(rawValue: 16) }
    /// RFC 9660 §3.1: the version of the zone is asked for.
    @inlinable public static var zoneVersion: Extras { Extras(rawValue: 32) }
    /// The last record is a TSIG (RFC 8945 §5.1).
    @inlinable public static var signature: Extras { Extras(rawValue: 64) }
    /// RFC 9824 §5.1: with signatures, and a name that does not exist is to be called so.
    @inlinable public static var nameErrors: Extras { Extras(rawValue: 128) }
  }

  @inlinable public var hasQuestion: Bool { nameByteCount > 0 }
}

/// IANA's numbers of options.
enum OptionCode {
  static let identity: UInt16 = 3
  static let keepalive: UInt16 = 11
  static let padding: UInt16 = 12
  static let zoneVersion: UInt16 = 19
}

/// Why a packet has no ``Query``.
public enum QueryFault: Error, Sendable, BitwiseCopyable {
  /// Less than a header.
  case tooShort
  /// QR is set: answering would loop.
  case isResponse
  /// Neither QUERY nor NOTIFY.
  case unknownOpcode
  /// For whoever keeps the zones (RFC 1996 §3.1).
  case notify
  /// Not exactly one question (RFC 9619 §4).
  case questionCount
  /// The question's name or its type and class do not fit, or the name is compressed.
  case question
}

extension Query {
  /// Decodes the packet in the first `byteCount` bytes of `buffer`.
  ///
  /// - Parameter buffer: at least ``slackByteCount`` longer than the packet.
  /// - Throws: a ``QueryFault`` if there is no question to answer; what is wrong behind the
  ///   question is in the result. Allocates nothing.
  public static func decode(_ buffer: RawSpan, byteCount: Int) throws(QueryFault) -> Query {
    precondition(
      byteCount >= 0 && buffer.byteCount &- slackByteCount >= byteCount,
      "the buffer has slack behind the packet")
    // Flags and the counts of questions, answers and authority records.
    let head = buffer.uint64(at: 2)
    guard byteCount >= nameOffset, head & 0xF800_FFFF_0000_0000 == 1 << 32 else {
      return try decodeUnusual(buffer, head: head, byteCount: byteCount)
    }
    guard let nameByteCount = nameLength(buffer, at: nameOffset, byteCount: byteCount),
      nameOffset &+ nameByteCount &+ 4 <= byteCount
    else { throw .question }
    let tail = buffer.uint32(at: nameOffset &+ nameByteCount)
    var query = Query(
      flags: UInt16(truncatingIfNeeded: head >> 48), nameByteCount: nameByteCount, tail: tail)
    let additionalCount = Int(buffer.uint16(at: 10))
    if head & 0xFFFF_FFFF == 0 && additionalCount <= 1 {
      if additionalCount == 0 { return query }
      let start = query.questionEnd
      if start &+ optHeadByteCount <= byteCount, isOPT(buffer, at: start) {
        query.isMalformed = !query.decodeOPT(buffer, at: start, byteCount: byteCount)
        return query
      }
    }
    query.isMalformed = !query.decodeRecords(
      buffer, recordCount: Int(head >> 16 & 0xFFFF) &+ Int(head & 0xFFFF) &+ additionalCount,
      additionalCount: additionalCount, byteCount: byteCount)
    return query
  }

  /// - Parameter tail: type and class of the question.
  @inline(__always)
  private init(flags: UInt16, nameByteCount: Int, tail: UInt32) {
    self.flags = flags
    self.nameByteCount = nameByteCount
    type = RecordType(rawValue: UInt16(truncatingIfNeeded: tail >> 16))
    recordClass = RecordClass(rawValue: UInt16(truncatingIfNeeded: tail))
    isMalformed = false
    hasEDNS = false
    ednsVersion = 0
    wantsDNSSEC = false
    payloadByteCount = 512
    subnetState = .absent
    subnet = ClientSubnet(isIPv6: false, sourceBits: 0, high: 0, low: 0)
    extras = []
    cookieByteCount = 0
    cookieOffset = 0
    questionEnd = Self.nameOffset &+ (nameByteCount > 0 ? nameByteCount &+ 4 : 0)
  }

  /// Other opcodes and other numbers of questions than one.
  @inline(never)
  private static func decodeUnusual(
    _ buffer: RawSpan, head: UInt64, byteCount: Int
  ) throws(QueryFault) -> Query {
    guard byteCount >= nameOffset else { throw .tooShort }
    guard head >> 63 == 0 else { throw .isResponse }
    let opcode = head >> 59 & 0xF
    guard opcode == 0 else { throw opcode == 4 ? .notify : .unknownOpcode }
    guard head >> 32 & 0xFFFF == 0 else { throw .questionCount }
    // RFC 7873 §5.4: without a question, but with a cookie.
    var query = Query(flags: UInt16(truncatingIfNeeded: head >> 48), nameByteCount: 0, tail: 0)
    let additionalCount = Int(buffer.uint16(at: 10))
    guard head & 0xFFFF_FFFF == 0,
      query.decodeRecords(
        buffer, recordCount: additionalCount, additionalCount: additionalCount,
        byteCount: byteCount),
      query.extras.contains(.cookie)
    else { throw .questionCount }
    return query
  }

  /// The length of the uncompressed name at `start`, its root included; nil if it does not end
  /// within `byteCount`, is longer than a name may be, or has a pointer or an unknown label type.
  static func nameLength(_ buffer: RawSpan, at start: Int, byteCount: Int) -> Int? {
    let limit = min(byteCount, start &+ maximumNameByteCount)
    var offset = start
    while offset < limit {
      let length = Int(buffer.byte(at: offset))
      offset &+= 1
      if length == 0 { return offset &- start }
      guard length < 64 else { return nil }
      offset &+= length
    }
    return nil
  }

  /// Walks the records behind the question; false if anything is wrong.
  @inline(never)
  private mutating func decodeRecords(
    _ buffer: RawSpan, recordCount: Int, additionalCount: Int, byteCount: Int
  ) -> Bool {
    var offset = questionEnd
    var remaining = recordCount
    // Every turn takes at least 11 bytes of the packet.
    while remaining > 0 {
      guard let nameEnd = Self.skipName(buffer, at: offset, byteCount: byteCount),
        nameEnd &+ 10 <= byteCount
      else { return false }
      if buffer.uint16(at: nameEnd) == RecordType.opt.rawValue {
        // RFC 6891 §6.1.1: one only, in the additional section, owned by the root.
        let isAlone = !hasEDNS && remaining <= additionalCount && Self.isOPT(buffer, at: offset)
        hasEDNS = true
        guard isAlone, decodeOPT(buffer, at: offset, byteCount: byteCount) else { return false }
      } else if buffer.uint16(at: nameEnd) == RecordType.tsig.rawValue {
        // RFC 8945 §5.1: the last of the additional records, or nothing that we can read.
        guard remaining == 1, additionalCount > 0 else { return false }
        extras.insert(.signature)
      }
      offset = nameEnd &+ 10 &+ Int(buffer.uint16(at: nameEnd &+ 8))
      guard offset <= byteCount else { return false }
      remaining &-= 1
    }
    return true
  }

  /// Behind the name at `offset`, which may end in a pointer (not followed: nobody reads it).
  private static func skipName(_ buffer: RawSpan, at start: Int, byteCount: Int) -> Int? {
    let limit = min(byteCount, start &+ maximumNameByteCount)
    var offset = start
    while offset < limit {
      let length = Int(buffer.byte(at: offset))
      if length == 0 { return offset &+ 1 }
      if length >= 0xC0 { return offset &+ 2 }
      guard length < 64 else { return nil }
      offset &+= 1 &+ length
    }
    return nil
  }

  /// Of OPT: root, type, payload size, extended code, version, flags, length.
  private static let optHeadByteCount = 11

  private static func isOPT(_ buffer: RawSpan, at offset: Int) -> Bool {
    buffer.uint32(at: offset) >> 8 == UInt32(RecordType.opt.rawValue)
  }

  /// The OPT record at `offset`, whose head is within the packet (RFC 6891 §6.1.2); false if it or
  /// an option does not fit.
  @inline(__always)
  private mutating func decodeOPT(_ buffer: RawSpan, at offset: Int, byteCount: Int) -> Bool {
    hasEDNS = true
    let head = buffer.uint64(at: offset)
    payloadByteCount = max(512, Int(head >> 24 & 0xFFFF))
    ednsVersion = UInt8(truncatingIfNeeded: head >> 8)
    wantsDNSSEC = head & 0x80 != 0
    if head & 0xC0 == 0xC0 { extras.insert(.nameErrors) }
    var option = offset &+ Self.optHeadByteCount
    let end = option &+ Int(buffer.uint16(at: offset &+ 9))
    guard end <= byteCount else { return false }
    while option < end {
      guard option &+ 4 <= end else { return false }
      let head = buffer.uint32(at: option)
      let dataByteCount = Int(head & 0xFFFF)
      option &+= 4
      guard option &+ dataByteCount <= end else { return false }
      if head >> 16 == UInt32(ClientSubnet.optionCode) {
        decodeSubnet(buffer, at: option, byteCount: dataByteCount)
      } else {
        decodeExtra(
          buffer, code: UInt16(truncatingIfNeeded: head >> 16), at: option,
          byteCount: dataByteCount)
      }
      option &+= dataByteCount
    }
    return true
  }

  /// RFC 6891 §6.1.2: options that we do not know are passed over.
  @inline(never)
  private mutating func decodeExtra(
    _ buffer: RawSpan, code: UInt16, at offset: Int, byteCount: Int
  ) {
    switch code {
    case ClientCookie.optionCode:
      // RFC 7873 §5.2: all but the first are ignored.
      guard extras.isDisjoint(with: [.cookie, .malformedCookie]) else { return }
      guard ClientCookie.isLength(byteCount) else {
        extras.insert(.malformedCookie)
        return
      }
      cookieByteCount = UInt8(truncatingIfNeeded: byteCount)
      cookieOffset = UInt16(truncatingIfNeeded: offset)
      extras.insert(.cookie)
    case OptionCode.identity: extras.insert(.identity)
    case OptionCode.keepalive: extras.insert(.keepalive)
    case OptionCode.padding: extras.insert(.padding)
    case OptionCode.zoneVersion: extras.insert(.zoneVersion)
    default: break
    }
  }

  private mutating func decodeSubnet(_ buffer: RawSpan, at offset: Int, byteCount: Int) {
    guard subnetState == .absent,
      let decoded = ClientSubnet.decode(buffer, at: offset, byteCount: byteCount)
    else {
      subnetState = .malformed
      return
    }
    subnet = decoded
    subnetState = .valid
  }
}
