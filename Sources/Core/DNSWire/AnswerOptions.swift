/// What goes into an answer's OPT beside what every OPT has; few queries ask for any of it. Room is
/// kept for all of it.
public struct AnswerOptions: Sendable, BitwiseCopyable {
  /// The client's cookie and ours (RFC 7873 §5.2.3).
  public var cookie: (client: UInt64, server: ServerCookie)?
  /// The length of this instance's name (RFC 5001 §2.3); 0: it is not told.
  public var identityByteCount = 0
  /// How long the connection may be idle, in units of 100 ms (RFC 7828 §3.1).
  public var keepaliveTenths: UInt16?
  /// Whether the version of the zone is told, where there is one (RFC 9660 §3.2).
  public var hasZoneVersion = false
  /// Filled up to a length that says little of what is in it (RFC 8467 §4.1).
  public var isPadded = false

  public init() {}

  /// For which room must be kept.
  public var byteCount: Int {
    (cookie == nil ? 0 : OptionWriter.cookieByteCount)
      &+ (identityByteCount > 0 ? OptionWriter.headByteCount &+ identityByteCount : 0)
      &+ (keepaliveTenths == nil ? 0 : OptionWriter.keepaliveByteCount)
      &+ (hasZoneVersion ? OptionWriter.zoneVersionByteCount : 0)
  }
}

/// The version of a zone that an answer comes from (RFC 9660 §3.2): the serial of its SOA.
public struct ZoneVersion: Sendable, BitwiseCopyable {
  /// Of the zone's name, the root not counted.
  public var labelCount: UInt8
  public var serial: UInt32

  public init(labelCount: UInt8, serial: UInt32) {
    self.labelCount = labelCount
    self.serial = serial
  }
}

/// Writes options one behind the other.
struct OptionWriter {
  /// Code and length.
  static let headByteCount = 4
  static let cookieByteCount = headByteCount + 24
  static let keepaliveByteCount = headByteCount + 2
  static let zoneVersionByteCount = headByteCount + 6
  /// RFC 8467 §4.1: answers are filled up to a multiple of this.
  private static let paddingBlockByteCount = 468

  private(set) var position: Int
  /// Where the answer must end.
  let limit: Int

  init(position: Int, limit: Int) {
    self.position = position
    self.limit = limit
  }

  mutating func append(
    _ cookie: (client: UInt64, server: ServerCookie), into buffer: inout MutableRawSpan
  ) {
    appendHead(ClientCookie.optionCode, dataByteCount: 24, into: &buffer)
    buffer.store(cookie.client, at: position)
    buffer.store(cookie.server.head, at: position &+ 8)
    buffer.store(cookie.server.hash, at: position &+ 16)
    position &+= 24
  }

  mutating func append(
    _ identity: RawSpan, count: Int, into buffer: inout MutableRawSpan
  ) {
    appendHead(OptionCode.identity, dataByteCount: count, into: &buffer)
    buffer.copy(identity, from: 0, count: count, to: position)
    position &+= count
  }

  mutating func append(keepaliveTenths: UInt16, into buffer: inout MutableRawSpan) {
    appendHead(OptionCode.keepalive, dataByteCount: 2, into: &buffer)
    buffer.store(keepaliveTenths, at: position)
    position &+= 2
  }

  /// RFC 9660 §3.2: the labels of the zone, type 0 (SOA-SERIAL), the serial.
  mutating func append(_ version: ZoneVersion, into buffer: inout MutableRawSpan) {
    appendHead(OptionCode.zoneVersion, dataByteCount: 6, into: &buffer)
    buffer.store(UInt16(version.labelCount) << 8, at: position)
    buffer.store(version.serial, at: position &+ 2)
    position &+= 6
  }

  /// RFC 8914 §2; without its text if there is no room for that, and left out if there is no room
  /// for its code.
  mutating func append(_ error: ExtendedError, into buffer: inout MutableRawSpan) {
    let room = limit &- position &- Self.headByteCount &- 2
    guard room >= 0 else { return }
    let text = error.text
    let textByteCount = text.utf8CodeUnitCount <= room ? text.utf8CodeUnitCount : 0
    appendHead(ExtendedError.optionCode, dataByteCount: textByteCount &+ 2, into: &buffer)
    buffer.store(error.code, at: position)
    position &+= 2
    text.withUTF8Buffer { bytes in
      for index in 0..<textByteCount {
        unsafe buffer.storeBytes(of: bytes[index], toByteOffset: position, as: UInt8.self)
        position &+= 1
      }
    }
  }

  /// RFC 7830 §3: zeros. Comes last.
  mutating func appendPadding(into buffer: inout MutableRawSpan) {
    let block = Self.paddingBlockByteCount
    let unpadded = position &+ Self.headByteCount
    guard unpadded <= limit else { return }
    let padded = min((unpadded &+ block &- 1) / block &* block, limit)
    appendHead(OptionCode.padding, dataByteCount: padded &- unpadded, into: &buffer)
    while position < padded {
      buffer.storeBytes(of: 0, toByteOffset: position, as: UInt8.self)
      position &+= 1
    }
  }

  private mutating func appendHead(
    _ code: UInt16, dataByteCount: Int, into buffer: inout MutableRawSpan
  ) {
    buffer.store(code, at: position)
    buffer.store(UInt16(truncatingIfNeeded: dataByteCount), at: position &+ 2)
    position &+= Self.headByteCount
  }
}
