/// A dnstap event, decoded by the numbers of dnstap.info's schema and without the code under test.
package struct TapEvent: Equatable {
  package var identity = ""
  package var version = ""
  /// 1: AUTH_QUERY, 2: AUTH_RESPONSE.
  package var type = 0
  /// 1: INET, 2: INET6.
  package var family = 0
  /// 1: UDP, 2: TCP, 3: DOT.
  package var transport = 0
  package var queryAddress: [UInt8] = []
  package var responseAddress: [UInt8] = []
  package var queryPort = 0
  package var responsePort = 0
  package var queryNanoseconds = 0
  package var responseNanoseconds = 0
  package var query: [UInt8] = []
  package var response: [UInt8] = []

  package struct Malformed: Error {}

  package init(_ bytes: [UInt8]) throws {
    for field in try fields(bytes[...]) {
      switch field.number {
      case 1: identity = String(decoding: field.bytes, as: UTF8.self)
      case 2: version = String(decoding: field.bytes, as: UTF8.self)
      case 14: for inner in try fields(field.bytes) { set(inner) }
      // The type of the event, of which there is one.
      case 15 where field.value == 1: break
      default: throw Malformed()
      }
    }
  }

  private mutating func set(_ field: Field) {
    switch field.number {
    case 1: type = field.value
    case 2: family = field.value
    case 3: transport = field.value
    case 4: queryAddress = Array(field.bytes)
    case 5: responseAddress = Array(field.bytes)
    case 6: queryPort = field.value
    case 7: responsePort = field.value
    case 8: queryNanoseconds += field.value * 1_000_000_000
    case 9: queryNanoseconds += field.value
    case 10: query = Array(field.bytes)
    case 12: responseNanoseconds += field.value * 1_000_000_000
    case 13: responseNanoseconds += field.value
    case 14: response = Array(field.bytes)
    default: type = -1
    }
  }
}

private struct Field {
  var number: Int
  var value = 0
  var bytes: ArraySlice<UInt8> = []
}

/// The wire format of Protocol Buffers: varint, length-delimited and 32-bit fields.
private func fields(_ bytes: ArraySlice<UInt8>) throws -> [Field] {
  var rest = bytes
  func byte() throws -> Int {
    guard let first = rest.popFirst() else { throw TapEvent.Malformed() }
    return Int(first)
  }
  func varint() throws -> Int {
    var value = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      let next = try byte()
      value |= (next & 0x7F) << shift
      if next < 0x80 { return value }
    }
    throw TapEvent.Malformed()
  }
  var found: [Field] = []
  while !rest.isEmpty {
    let tag = try varint()
    var field = Field(number: tag >> 3)
    switch tag & 7 {
    case 0: field.value = try varint()
    case 2:
      let count = try varint()
      guard rest.count >= count else { throw TapEvent.Malformed() }
      field.bytes = rest.prefix(count)
      rest = rest.dropFirst(count)
    case 5: for index in 0..<4 { field.value |= try byte() << (8 * index) }
    default: throw TapEvent.Malformed()
    }
    found.append(field)
  }
  return found
}
