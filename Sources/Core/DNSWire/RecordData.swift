/// What is wrong with a record's data or with a name, for people: what was found and what was
/// wanted.
public struct RecordDataFault: Error, Sendable, Equatable, CustomStringConvertible {
  public let message: String

  public init(_ message: String) { self.message = message }

  public var description: String { message }
}

/// RDATA from its presentation form.
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
    switch type {
    case .a, .aaaa: try addressData(&fields, isIPv6: type == .aaaa)
    case .ns, .cname, .ptr, .dname: try fields.name("target")
    case .soa:
      try fields.name("primary") + fields.name("mailbox") + fields.number32("serial")
        + fields.seconds("refresh") + fields.seconds("retry") + fields.seconds("expire")
        + fields.seconds("minimum")
    case .mx: try fields.number16("preference") + fields.name("exchange")
    case .txt, .spf: try textData(&fields)
    case .hinfo: try fields.characterString("CPU") + fields.characterString("operating system")
    case .rp: try fields.name("mailbox") + fields.name("text name")
    case .srv:
      try fields.number16("priority") + fields.number16("weight") + fields.number16("port")
        + fields.name("target")
    case .naptr: try naptrData(&fields)
    case .caa: try caaData(&fields)
    case .uri:
      try fields.number16("priority") + fields.number16("weight") + fields.rawString("target")
    case .tlsa:
      try fields.number8("usage") + fields.number8("selector") + fields.number8("matching type")
        + fields.hexadecimal("certificate data")
    case .sshfp:
      try fields.number8("algorithm") + fields.number8("fingerprint type")
        + fields.hexadecimal("fingerprint")
    case .ds:
      try fields.number16("key tag") + fields.number8("algorithm")
        + fields.number8("digest type") + fields.hexadecimal("digest")
    case .dnskey:
      try fields.number16("flags") + fields.number8("protocol") + fields.number8("algorithm")
        + fields.base64("public key")
    case .loc: try locationData(&fields)
    case .svcb, .https: try serviceBindingData(&fields)
    default:
      throw RecordDataFault(
        "\(type) has no presentation form here: write its data as \\# length hex (RFC 3597)")
    }
  }

  private static func addressData(
    _ fields: inout FieldReader, isIPv6: Bool
  ) throws(RecordDataFault) -> [UInt8] {
    let text = try fields.text("address")
    guard let bytes = isIPv6 ? ipv6Bytes(text) : ipv4Bytes(text) else {
      throw RecordDataFault("“\(text)” is not an \(isIPv6 ? "IPv6" : "IPv4") address")
    }
    return bytes
  }

  /// RFC 1035 §3.3.14: one or more strings.
  private static func textData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    var data = try fields.characterString("text")
    while !fields.isAtEnd { data += try fields.characterString("text") }
    return data
  }

  /// RFC 3403 §4.1.
  private static func naptrData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    try fields.number16("order") + fields.number16("preference")
      + fields.characterString("flags") + fields.characterString("services")
      + fields.characterString("regexp") + fields.name("replacement")
  }

  /// RFC 8659 §4.1.1.
  private static func caaData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    let flags = try fields.number8("flags")
    let tag = try fields.text("tag")
    let isTag = tag.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    guard isTag, (1...255).contains(tag.utf8.count) else {
      throw RecordDataFault("the tag “\(tag)” has other than letters and digits")
    }
    return try flags + [UInt8(tag.utf8.count)] + Array(tag.utf8) + fields.rawString("value")
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
