/// What is wrong with a record's data or with a name, for people: what was found and what was
/// wanted.
public struct RecordDataFault: Error, Sendable, Equatable, CustomStringConvertible {
  public let message: String

  public init(_ message: String) { self.message = message }

  public var description: String { message }
}

/// RDATA from its presentation form, and back.
public enum RecordData {
  /// RFC 1035 §3.2.1: its length is 16 bits.
  public static let maximumByteCount = 65_535

  /// Encodes `text`, the presentation form of a record's data, or `\# length hex` for any type
  /// (RFC 3597 §5).
  ///
  /// - Parameter origin: what relative names stand under.
  /// - Returns: RDATA in wire form, names uncompressed.
  public static func encode(
    _ type: RecordType, text: String, origin: DomainName
  ) throws(RecordDataFault) -> [UInt8] {
    var fields = try FieldReader(text: text, type: type, origin: origin)
    let data: [UInt8]
    if fields.nextIs("\\#") {
      data = try genericData(&fields)
      // RFC 3597 §5: a type that is known is what it is in any form.
      guard isWellFormed(type, data) else {
        throw RecordDataFault("the data is not that of \(type)")
      }
    } else {
      data = try specificData(&fields, type: type)
    }
    try fields.expectEnd()
    guard data.count <= maximumByteCount else {
      throw RecordDataFault("\(type) data is longer than 65535 bytes")
    }
    return data
  }

  private static func specificData(
    _ fields: inout FieldReader, type: RecordType
  ) throws(RecordDataFault) -> [UInt8] {
    if let form = RecordForm(type) {
      var data: [UInt8] = []
      for part in form.parts { data += try fields.part(part) }
      return data
    }
    switch type {
    case .loc: return try locationData(&fields)
    case .svcb, .https: return try serviceBindingData(&fields)
    case .apl: return try addressPrefixData(&fields)
    case .hip: return try hostIdentityData(&fields)
    default:
      throw RecordDataFault(
        "\(type) has no presentation form here: write its data as \\# length hex (RFC 3597)")
    }
  }

  /// RFC 8005 §6: algorithm, identity tag, public key, servers.
  private static func hostIdentityData(
    _ fields: inout FieldReader
  ) throws(RecordDataFault) -> [UInt8] {
    let algorithm = try fields.number8("algorithm")
    let tag = try fields.oneHexadecimal("host identity tag")
    let key = try fields.oneBase64("public key")
    guard tag.count < 256 else {
      throw RecordDataFault("the host identity tag of HIP is longer than 255 bytes")
    }
    var servers: [UInt8] = []
    while !fields.isAtEnd { servers += try fields.name("rendezvous server") }
    return [UInt8(tag.count)] + algorithm
      + bigEndianBytes(UInt16(truncatingIfNeeded: key.count)) + tag + key + servers
  }

  /// RFC 3597 §5: the count of octets and their hexadecimal digits.
  private static func genericData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    _ = try fields.text("\\#")
    let countText = try fields.text("length")
    guard let count = UInt16(countText) else {
      throw RecordDataFault("the length “\(countText)” is not 0 to 65535")
    }
    let data = fields.isAtEnd ? [] : try fields.hexadecimal("data")
    guard data.count == Int(count) else {
      throw RecordDataFault("the data has \(data.count) bytes, the length says \(count)")
    }
    return data
  }
}
