/// One data frame: an event of dnstap (the schema of dnstap.info) in the wire format of Protocol
/// Buffers, with its length in front, appended to a buffer.
///
///     event     1 identity | 2 version | 14 message | 15 type: 1, a message
///     message   1 type: 1, AUTH_QUERY; 2, AUTH_RESPONSE | 2 family | 3 transport
///               4, 5 addresses and 6, 7 ports of query and response
///               8, 9 time of the query | 10 query | 12, 13 time of the response | 14 response
struct TapFrame {
  private enum Field {
    static let identity = 1
    static let version = 2
    static let message = 14
    static let kind = 15
  }

  /// Of an event that contains a message.
  private static let messageKind: UInt64 = 1

  private let event: [UInt8]
  private var message = ProtobufBytes()

  /// - Parameters:
  ///   - identity: empty: untold.
  ///   - version: empty: untold.
  init(identity: String, version: String) {
    var event = ProtobufBytes()
    if !identity.isEmpty { event.append(Field.identity, bytes: Array(identity.utf8)) }
    if !version.isEmpty { event.append(Field.version, bytes: Array(version.utf8)) }
    event.append(Field.kind, number: Self.messageKind)
    self.event = event.bytes
  }

  mutating func appendQuery(_ exchange: TapExchange, to buffer: inout [UInt8]) {
    begin(exchange.header, kind: 1)
    message.append(10, bytes: exchange.query)
    finish(&buffer)
  }

  mutating func appendAnswer(_ exchange: TapExchange, to buffer: inout [UInt8]) {
    begin(exchange.header, kind: 2)
    message.append(12, nanoseconds: exchange.header.answerNanoseconds)
    message.append(14, bytes: exchange.answer)
    finish(&buffer)
  }

  /// What queries and answers have in common.
  private mutating func begin(_ header: TapHeader, kind: UInt64) {
    message.removeAll()
    message.append(1, number: kind)
    message.append(2, number: header.isIPv6 ? 2 : 1)
    message.append(3, number: header.transport.schemaNumber)
    message.append(4, bytes: addressBytes(header.clientBits, isIPv6: header.isIPv6))
    if header.hasServer {
      message.append(5, bytes: addressBytes(header.serverBits, isIPv6: header.isIPv6))
    }
    message.append(6, number: UInt64(header.clientPort))
    if header.hasServer { message.append(7, number: UInt64(header.serverPort)) }
    message.append(8, nanoseconds: header.queryNanoseconds)
  }

  private func finish(_ buffer: inout [UInt8]) {
    var head = ProtobufBytes()
    head.append(Field.message, byteCount: message.bytes.count)
    let count = event.count + head.bytes.count + message.bytes.count
    buffer += networkBytes(UInt32(count))
    buffer += event
    buffer += head.bytes
    buffer += message.bytes
  }
}

extension TapTransport {
  fileprivate var schemaNumber: UInt64 {
    switch self {
    case .udp: 1
    case .tcp: 2
    case .tls: 3
    }
  }
}

/// Four or sixteen, in network order.
private func addressBytes(_ bits: UInt128, isIPv6: Bool) -> [UInt8] {
  let count = isIPv6 ? 16 : 4
  return (1...count).map { UInt8(truncatingIfNeeded: bits >> UInt128(8 * (count - $0))) }
}

/// Fields of a message of Protocol Buffers, one behind the other.
private struct ProtobufBytes {
  /// How the value behind a field's number is written.
  private enum WireType: UInt64 {
    case varint = 0
    case counted = 2
    case fixed32 = 5
  }

  private(set) var bytes: [UInt8] = []

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func append(_ field: Int, number: UInt64) {
    appendTag(field, .varint)
    appendVarint(number)
  }

  mutating func append(_ field: Int, bytes value: [UInt8]) {
    append(field, byteCount: value.count)
    bytes += value
  }

  /// The beginning of a field whose bytes follow.
  mutating func append(_ field: Int, byteCount: Int) {
    appendTag(field, .counted)
    appendVarint(UInt64(byteCount))
  }

  /// Seconds in one field, the rest in the next.
  mutating func append(_ field: Int, nanoseconds: UInt64) {
    append(field, number: nanoseconds / 1_000_000_000)
    appendTag(field + 1, .fixed32)
    let rest = nanoseconds % 1_000_000_000
    for shift in stride(from: UInt64(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest >> shift))
    }
  }

  private mutating func appendTag(_ field: Int, _ type: WireType) {
    appendVarint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, the low ones first.
  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
