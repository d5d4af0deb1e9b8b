import DNSWire

/// A place in a message that is spread over records, whose headers it steps over.
///
/// It may not leave the innermost vector that was opened. The octets of the message must all be
/// there, and the headers of its records be good.
struct HelloCursor {
  /// In the stream.
  private(set) var offset = 0
  private var leftInRecord = 0
  /// Octets left in the innermost vector.
  private(set) var left: Int

  /// At the beginning of the first record's part of the message.
  ///
  /// - Parameter byteCount: of the message.
  init(byteCount: Int) { left = byteCount }

  mutating func octet(_ bytes: RawSpan) throws(HelloFault) -> UInt8 {
    guard left >= 1 else { throw HelloFault(offset: offset) }
    if leftInRecord == 0 { enterRecord(bytes) }
    let octet = bytes.byte(at: offset)
    offset &+= 1
    leftInRecord &-= 1
    left &-= 1
    return octet
  }

  mutating func uint16(_ bytes: RawSpan) throws(HelloFault) -> Int {
    let high = try octet(bytes)
    return Int(high) << 8 | Int(try octet(bytes))
  }

  mutating func skip(_ count: Int, _ bytes: RawSpan) throws(HelloFault) {
    guard left >= count else { throw HelloFault(offset: offset) }
    var rest = count
    while rest > 0 {
      if leftInRecord == 0 { enterRecord(bytes) }
      let step = min(rest, leftInRecord)
      offset &+= step
      leftInRecord &-= step
      rest &-= step
    }
    left &-= count
  }

  /// Opens a vector (RFC 8446 §3.4): its length, then so many octets.
  ///
  /// - Parameter lengthByteCount: of its length, 1 or 2.
  /// - Parameter minimum: octets that it has at least.
  /// - Returns: octets that are left behind it, for ``close(_:)``.
  mutating func open(
    lengthByteCount: Int, minimum: Int = 0, _ bytes: RawSpan
  ) throws(HelloFault) -> Int {
    let start = offset
    let count = lengthByteCount == 1 ? Int(try octet(bytes)) : try uint16(bytes)
    guard count >= minimum, count <= left else { throw HelloFault(offset: start) }
    defer { left = count }
    return left &- count
  }

  /// Closes a vector that was read to its end.
  mutating func close(_ outer: Int) throws(HelloFault) {
    guard left == 0 else { throw HelloFault(offset: offset) }
    left = outer
  }

  private mutating func enterRecord(_ bytes: RawSpan) {
    leftInRecord = Int(bytes.uint16(at: offset &+ 3))
    offset &+= ClientHelloReader.recordHeadByteCount
  }
}

/// A rule of TLS that is broken.
struct HelloFault: Error, Equatable {
  /// In the stream.
  let offset: Int
}
