extension RecordData {
  /// The presentation form of RDATA, which ``encode(_:text:origin:)`` turns into the same bytes
  /// again; `\# length hex` (RFC 3597 §5) where the type has no other form or the data is not quite
  /// as that form would be encoded.
  ///
  /// - Parameter data: names uncompressed.
  public static func text(_ type: RecordType, _ data: [UInt8]) -> String {
    if let text = specificText(type, data), !text.isEmpty,
      let encoded = try? encode(type, text: text, origin: .root), encoded == data
    {
      return text
    }
    let digits = hexadecimalText(data)
    return digits.isEmpty ? "\\# 0" : "\\# \(data.count) \(digits)"
  }

  /// Whether RDATA is as its type has it, as far as the type is known here.
  public static func isWellFormed(_ type: RecordType, _ data: [UInt8]) -> Bool {
    hasForm(type) ? specificText(type, data) != nil : true
  }

  private static func hasForm(_ type: RecordType) -> Bool {
    RecordForm(type) != nil || [.loc, .svcb, .https, .apl, .hip].contains(type)
  }

  /// nil: the data is not right, or the type has no form.
  private static func specificText(_ type: RecordType, _ data: [UInt8]) -> String? {
    if let form = RecordForm(type) {
      var renderer = PartRenderer(data: data)
      var texts: [String] = []
      for part in form.parts {
        guard let text = renderer.text(part.kind) else { return nil }
        if !text.isEmpty { texts.append(text) }
      }
      return renderer.isAtEnd ? texts.joined(separator: " ") : nil
    }
    return switch type {
    case .loc: locationText(data)
    case .svcb, .https: serviceBindingText(data)
    case .apl: addressPrefixText(data)
    case .hip: hostIdentityText(data)
    default: nil
    }
  }

  private static func hostIdentityText(_ data: [UInt8]) -> String? {
    var renderer = PartRenderer(data: data)
    guard let tagCount = renderer.number(1), let algorithm = renderer.number(1),
      let keyCount = renderer.number(2), let tag = renderer.take(Int(tagCount)),
      let key = renderer.take(Int(keyCount))
    else { return nil }
    var texts = [
      String(algorithm), hexadecimalText(tag), base64Text(Array(key)),
    ]
    while !renderer.isAtEnd {
      guard let server = renderer.text(.name) else { return nil }
      texts.append(server)
    }
    return texts.joined(separator: " ")
  }
}

/// Renders the parts of RDATA from its front to its end; nil wherever that is not right.
struct PartRenderer {
  private let data: [UInt8]
  private var offset = 0

  init(data: [UInt8]) { self.data = data }

  var isAtEnd: Bool { offset == data.count }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard offset + count <= data.count else { return nil }
    defer { offset += count }
    return data[offset..<(offset + count)]
  }

  mutating func number(_ byteCount: Int) -> UInt32? {
    take(byteCount).map { $0.reduce(0) { $0 << 8 | UInt32($1) } }
  }

  private mutating func rest() -> [UInt8] { Array(take(data.count - offset) ?? []) }

  private mutating func counted() -> [UInt8]? {
    number(1).flatMap { take(Int($0)) }.map { Array($0) }
  }

  mutating func text(_ kind: RecordForm.Kind) -> String? {
    switch kind {
    case .name: name()?.description
    case .number8: number(1).map { String($0) }
    case .number16: number(2).map { String($0) }
    case .number32, .seconds: number(4).map { String($0) }
    case .ipv4: take(4).map { ipv4Text(Array($0)) }
    case .ipv6: take(16).map { ipv6Text(Array($0)) }
    case .string: counted().map { quotedText($0) }
    case .strings: strings()
    case .rawString: quotedText(rest())
    case .tag: counted().flatMap { isTag($0) ? describe($0) : nil }
    case .hexadecimal: hexadecimalText(rest())
    case .base64: base64Text(rest())
    case .salt: counted().map { $0.isEmpty ? "-" : hexadecimalText($0) }
    case .hash: counted().flatMap { $0.isEmpty ? nil : base32Text($0) }
    case .type: number(2).map { RecordType(rawValue: UInt16($0)).description }
    case .types: types()
    case .time: number(4).map { timeText($0) }
    case .octets(let count):
      take(count).map { hexadecimalText($0, separator: "-") }
    case .groups:
      take(8).map { bytes in
        stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map {
          String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }.joined(separator: ":")
      }
    }
  }

  mutating func name() -> DomainName? {
    var end = offset
    while end < data.count, data[end] != 0 {
      guard data[end] < 64 else { return nil }
      end += 1 + Int(data[end])
    }
    guard end < data.count else { return nil }
    return take(end + 1 - offset).flatMap { DomainName(wire: Array($0)) }
  }

  private mutating func strings() -> String? {
    var texts: [String] = []
    while !isAtEnd {
      guard let string = counted() else { return nil }
      texts.append(quotedText(string))
    }
    return texts.isEmpty ? nil : texts.joined(separator: " ")
  }

  /// RFC 4034 §4.1.2.
  private mutating func types() -> String? {
    var types: [RecordType] = []
    var lastBlock = -1
    while !isAtEnd {
      guard let block = number(1), Int(block) > lastBlock, let bits = counted(),
        1...32 ~= bits.count
      else { return nil }
      lastBlock = Int(block)
      for index in 0..<(bits.count * 8) where bits[index / 8] & 0x80 >> UInt8(index % 8) != 0 {
        types.append(RecordType(rawValue: UInt16(block) << 8 | UInt16(index)))
      }
    }
    return types.map(\.description).joined(separator: " ")
  }
}

/// Two digits a byte, in lower case.
public func hexadecimalText(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: separator)
}

/// In quotes, with `\"`, `\\` and `\DDD` (RFC 1035 §5.1).
func quotedText(_ bytes: [UInt8]) -> String { "\"" + escapedText(bytes) + "\"" }

func escapedText(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for byte in bytes {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
    case 0x20...0x7E: text += String(UnicodeScalar(byte))
    default: text += "\\" + String(repeating: "0", count: 3 - String(byte).count) + String(byte)
    }
  }
  return text
}

func base64Text(_ bytes: [UInt8]) -> String {
  let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  return digitText(bytes, digits: digits, bitsEach: 6, padding: 4)
}

private func base32Text(_ bytes: [UInt8]) -> String {
  digitText(bytes, digits: Array("0123456789abcdefghijklmnopqrstuv".utf8), bitsEach: 5, padding: 1)
}

/// RFC 4648 §4, §7; to a multiple of `padding` digits with `=`.
private func digitText(
  _ bytes: [UInt8], digits: [UInt8], bitsEach: UInt32, padding: Int
) -> String {
  var text: [UInt8] = []
  var bits: UInt32 = 0
  var bitCount: UInt32 = 0
  for byte in bytes {
    bits = bits << 8 | UInt32(byte)
    bitCount += 8
    while bitCount >= bitsEach {
      bitCount -= bitsEach
      text.append(digits[Int(bits >> bitCount)])
      bits &= 1 << bitCount - 1
    }
  }
  if bitCount > 0 { text.append(digits[Int(bits << (bitsEach - bitCount))]) }
  while text.count % padding > 0 { text.append(UInt8(ascii: "=")) }
  return describe(text)
}
