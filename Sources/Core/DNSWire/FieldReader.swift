/// The fields of a record's presentation form, one after the other; quotes and parentheses as in
/// RFC 1035 §5.1.
struct FieldReader {
  struct Field {
    /// Escapes are not yet resolved.
    var bytes: [UInt8]
    var isQuoted: Bool
  }

  let type: RecordType
  let origin: DomainName
  private let fields: [Field]
  private var position = 0

  init(text: String, type: RecordType, origin: DomainName) throws(RecordDataFault) {
    self.type = type
    self.origin = origin
    fields = try Self.split(Array(text.utf8))
  }

  var isAtEnd: Bool { position == fields.count }

  /// Whether the next field is this, unquoted.
  func nextIs(_ text: String) -> Bool {
    !isAtEnd && !fields[position].isQuoted && fields[position].bytes == Array(text.utf8)
  }

  func expectEnd() throws(RecordDataFault) {
    guard !isAtEnd else { return }
    throw RecordDataFault(
      "\(type) data goes on after its end: “\(describe(fields[position].bytes))”")
  }

  private mutating func next(_ what: String) throws(RecordDataFault) -> Field {
    guard !isAtEnd else { throw RecordDataFault("\(type) data has no \(what)") }
    position += 1
    return fields[position - 1]
  }

  /// As it stands, escapes not resolved.
  mutating func text(_ what: String) throws(RecordDataFault) -> String {
    describe(try next(what).bytes)
  }

  /// As it stands, escapes not resolved.
  mutating func field(_ what: String) throws(RecordDataFault) -> [UInt8] { try next(what).bytes }

  /// Uncompressed wire form.
  mutating func name(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try DomainName(text(what), origin: origin).wire
  }

  mutating func number8(_ what: String) throws(RecordDataFault) -> [UInt8] {
    [UInt8(truncatingIfNeeded: try number(what, maximum: 255))]
  }

  mutating func number16(_ what: String) throws(RecordDataFault) -> [UInt8] {
    bigEndianBytes(UInt16(truncatingIfNeeded: try number(what, maximum: 65_535)))
  }

  mutating func number32(_ what: String) throws(RecordDataFault) -> [UInt8] {
    bigEndianBytes(UInt32(truncatingIfNeeded: try number(what, maximum: UInt64(UInt32.max))))
  }

  /// At most 2³¹ − 1 (RFC 2181 §8).
  mutating func seconds(_ what: String) throws(RecordDataFault) -> [UInt8] {
    bigEndianBytes(UInt32(truncatingIfNeeded: try number(what, maximum: UInt64(Int32.max))))
  }

  private mutating func number(
    _ what: String, maximum: UInt64
  ) throws(RecordDataFault) -> UInt64 {
    let text = try text(what)
    guard let value = UInt64(text), value <= maximum, text.utf8.first != UInt8(ascii: "+") else {
      throw RecordDataFault("the \(what) of \(type) is “\(text)”, not a number of 0 to \(maximum)")
    }
    return value
  }

  /// With its length in front: 255 bytes at most.
  mutating func characterString(_ what: String) throws(RecordDataFault) -> [UInt8] {
    let bytes = try rawString(what)
    guard bytes.count <= 255 else {
      throw RecordDataFault(
        "the \(what) of \(type) has \(bytes.count) bytes, 255 at most fit into one string: "
          + "write several, each in quotes")
    }
    return [UInt8(bytes.count)] + bytes
  }

  /// Escapes resolved, no length.
  mutating func rawString(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try unescaped(next(what).bytes)
  }

  /// All that is left, in hexadecimal, spaces allowed.
  mutating func hexadecimal(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try hexadecimal(try remainder(what), what)
  }

  /// One field in hexadecimal.
  mutating func oneHexadecimal(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try hexadecimal(try next(what).bytes, what)
  }

  private func hexadecimal(_ digits: [UInt8], _ what: String) throws(RecordDataFault) -> [UInt8] {
    let values = digits.compactMap { hexadecimalDigit($0) }
    guard values.count == digits.count, values.count % 2 == 0 else {
      throw RecordDataFault("the \(what) of \(type) is not in pairs of hexadecimal digits")
    }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }

  /// All that is left, in base 64, spaces allowed.
  mutating func base64(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try base64(try remainder(what), what)
  }

  /// One field in base 64.
  mutating func oneBase64(_ what: String) throws(RecordDataFault) -> [UInt8] {
    try base64(try next(what).bytes, what)
  }

  private func base64(_ text: [UInt8], _ what: String) throws(RecordDataFault) -> [UInt8] {
    guard let bytes = base64Bytes(text) else {
      throw RecordDataFault("the \(what) of \(type) is not in base 64")
    }
    return bytes
  }

  private mutating func remainder(_ what: String) throws(RecordDataFault) -> [UInt8] {
    var bytes = try next(what).bytes
    while !isAtEnd { bytes += try next(what).bytes }
    return bytes
  }

  /// Fields between white space and parentheses; quotes keep both. Within a field a quoted part
  /// belongs to it, as in `alpn="h2,h3"`.
  private static func split(_ bytes: [UInt8]) throws(RecordDataFault) -> [Field] {
    var fields: [Field] = []
    var current: Field?
    var isInQuotes = false
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\\"):
        let end = min(index + 2, bytes.count)
        current = current ?? Field(bytes: [], isQuoted: false)
        current?.bytes += bytes[index..<end]
        index = end - 1
      case UInt8(ascii: "\""):
        current = current ?? Field(bytes: [], isQuoted: true)
        isInQuotes.toggle()
      case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: "("), UInt8(ascii: ")"):
        if isInQuotes { fallthrough }
        if let field = current { fields.append(field) }
        current = nil
      default:
        current = current ?? Field(bytes: [], isQuoted: false)
        current?.bytes.append(byte)
      }
      index += 1
    }
    guard !isInQuotes else { throw RecordDataFault("a quote is not closed") }
    if let field = current { fields.append(field) }
    return fields
  }
}

func unescaped(_ bytes: [UInt8]) throws(RecordDataFault) -> [UInt8] {
  var reader = EscapeReader(bytes: bytes)
  var result: [UInt8] = []
  while let (byte, _) = try reader.next() { result.append(byte) }
  return result
}

func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// RFC 4648 §4, with padding and without bits behind the end; nil otherwise.
func base64Bytes(_ text: [UInt8]) -> [UInt8]? {
  let digits = text.prefix { $0 != UInt8(ascii: "=") }
  guard text.count % 4 == 0, text.count - digits.count <= 2,
    text[digits.count...].allSatisfy({ $0 == UInt8(ascii: "=") })
  else { return nil }
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var bitCount = 0
  for digit in digits {
    guard let value = base64Digit(digit) else { return nil }
    bits = bits << 6 | value
    bitCount += 6
    if bitCount >= 8 {
      bitCount -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      bits &= 1 << UInt32(bitCount) - 1
    }
  }
  return bits == 0 ? bytes : nil
}

private func base64Digit(_ byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
  case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a") + 26)
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0") + 52)
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
