import DNSWire

/// Finds a ClientHello at the front of a stream, however it is cut into segments and, by its
/// sender, into records (RFC 8446 §5.1):
///
///     0     1         3        5                    5 + n
///     +-----+---------+--------+--------------------+-----------------+------
///     | 22  | version | length | part of the message | the next record | ...
///     +-----+---------+--------+--------------------+-----------------+------
///
/// It is asked again after each segment, with all octets since the beginning; it remembers how far
/// it has come, so that many small segments cost no more than one large. Allocates nothing.
public struct ClientHelloReader: Sendable {
  /// The longest message, with its type and length. Those of browsers with post-quantum keys have
  /// about 2,000 octets.
  public static let maximumMessageByteCount = 16_384
  /// The longest stream of records: the longest message, and room for the headers of 204 records.
  public static let maximumByteCount = maximumMessageByteCount + 1_024

  static let recordHeadByteCount = 5
  private static let messageHeadByteCount = 4
  /// RFC 8446 §5.1: of a record that is not encrypted.
  private static let maximumRecordByteCount = 16_384
  private static let handshake: UInt8 = 22
  private static let clientHello: UInt8 = 1

  /// Where the header of the first record stands that was not there to its end.
  private var recordOffset = 0
  /// Octets of the message in front of it.
  private var passedByteCount = 0
  /// Type and length included; 0 as long as it is not known.
  private var messageByteCount = 0

  public init() {}

  /// - Parameter bytes: the stream from its beginning. Not shorter than the last time.
  /// - Parameter names: of ``ClientHello/namesByteCount`` octets; written to only with `.hello`,
  ///   or before `.malformed`.
  public mutating func read(
    _ bytes: RawSpan, names: inout MutableRawSpan
  ) -> HelloVerdict {
    precondition(
      names.byteCount >= ClientHello.namesByteCount, "the buffer holds the longest names")
    while true {
      if let fault = headFault(bytes) { return fault }
      let start = recordOffset &+ Self.recordHeadByteCount
      guard bytes.byteCount >= start else { break }
      let count = Int(bytes.uint16(at: recordOffset &+ 3))
      let present = min(count, bytes.byteCount &- start)
      if messageByteCount == 0, passedByteCount &+ present >= Self.messageHeadByteCount {
        messageByteCount = Self.messageByteCount(bytes)
        if messageByteCount > Self.maximumMessageByteCount { return .tooLong }
      }
      if messageByteCount > 0, passedByteCount &+ present >= messageByteCount {
        return decode(bytes, names: &names)
      }
      guard present == count else { break }
      recordOffset = start &+ count
      passedByteCount &+= count
    }
    return bytes.byteCount >= Self.maximumByteCount ? .tooLong : .needsMore
  }

  /// What is wrong with the record's header, and with the type of the message behind the first, as
  /// far as they are there.
  private func headFault(_ bytes: RawSpan) -> HelloVerdict? {
    let present = bytes.byteCount &- recordOffset
    if present > 0, bytes.byte(at: recordOffset) != Self.handshake { return fault(at: 0) }
    // RFC 8446 §5.1: the version of a record says nothing; but its first octet was always 3.
    if present > 1, bytes.byte(at: recordOffset &+ 1) != 3 { return fault(at: 1) }
    guard present >= Self.recordHeadByteCount else { return nil }
    // RFC 8446 §5.1: no empty fragments of a handshake.
    let count = Int(bytes.uint16(at: recordOffset &+ 3))
    guard 1...Self.maximumRecordByteCount ~= count else {
      return .malformed(offset: recordOffset &+ 3)
    }
    if recordOffset == 0, present > Self.recordHeadByteCount,
      bytes.byte(at: Self.recordHeadByteCount) != Self.clientHello
    {
      return .malformed(offset: Self.recordHeadByteCount)
    }
    return nil
  }

  private func fault(at offset: Int) -> HelloVerdict {
    recordOffset == 0 ? .notTLS : .malformed(offset: recordOffset &+ offset)
  }

  /// The first four octets of the message may be spread over as many records.
  private static func messageByteCount(_ bytes: RawSpan) -> Int {
    var cursor = HelloCursor(byteCount: messageHeadByteCount)
    guard let type = try? cursor.octet(bytes), type == clientHello,
      let high = try? cursor.octet(bytes), let low = try? cursor.uint16(bytes)
    else { return .max }
    return messageHeadByteCount &+ Int(high) << 16 &+ Int(low)
  }

  private func decode(_ bytes: RawSpan, names: inout MutableRawSpan) -> HelloVerdict {
    do throws(HelloFault) {
      return .hello(try helloDecoded(bytes, byteCount: messageByteCount, names: &names))
    } catch {
      return .malformed(offset: error.offset)
    }
  }
}
