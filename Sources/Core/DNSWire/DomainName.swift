/// A domain name in wire form (RFC 1035 §3.1): labels with their lengths in front, the root's zero
/// byte at the end, 255 bytes at most. Equal and hashed without case (RFC 4343); keeps the case
/// that it was written in.
public struct DomainName: Sendable {
  /// The root included.
  public let wire: [UInt8]

  public static let root = DomainName(checked: [0])

  private init(checked wire: [UInt8]) { self.wire = wire }

  /// nil unless `wire` is exactly one uncompressed name.
  public init?(wire: [UInt8]) {
    guard (1...Query.maximumNameByteCount).contains(wire.count) else { return nil }
    var offset = 0
    while wire[offset] != 0 {
      guard wire[offset] < 64, offset + 1 + Int(wire[offset]) < wire.count else { return nil }
      offset += 1 + Int(wire[offset])
    }
    guard offset == wire.count - 1 else { return nil }
    self.wire = wire
  }

  /// Reads presentation form (RFC 1035 §5.1): labels between dots, `\.` and `\DDD`, absolute with a
  /// final dot, relative to `origin` without, `@` for the origin itself.
  ///
  /// - Parameter origin: nil: a name without a final dot is absolute, too.
  /// - Throws: what is wrong with the text.
  public init(_ text: some StringProtocol, origin: DomainName? = nil) throws(RecordDataFault) {
    let origin = origin ?? .root
    if text == "@" {
      self = origin
      return
    }
    if text == "." {
      self = .root
      return
    }
    var labels = LabelReader(text: String(text))
    let isAbsolute = try labels.read()
    let wire = labels.wire + (isAbsolute ? [0] : origin.wire)
    guard wire.count <= Query.maximumNameByteCount else {
      throw RecordDataFault("the name “\(text)” is longer than 255 bytes")
    }
    self.wire = wire
  }

  /// Without the root: 0 for the root itself.
  public var labelCount: Int { labelOffsets.count }

  /// Where each label's length byte stands in ``wire``.
  public var labelOffsets: [Int] {
    var offsets: [Int] = []
    var offset = 0
    while wire[offset] != 0 {
      offsets.append(offset)
      offset += 1 + Int(wire[offset])
    }
    return offsets
  }

  /// Without the first label; nil for the root.
  public var parent: DomainName? {
    wire[0] == 0 ? nil : DomainName(checked: Array(wire[(1 + Int(wire[0]))...]))
  }

  /// Whether the first label is `*` (RFC 4592 §2.1.1).
  public var isWildcard: Bool { wire.starts(with: [1, UInt8(ascii: "*")]) }

  /// The wire form in lower case.
  public var loweredWire: [UInt8] { wire.map(loweredByte) }

  /// Whether this is `other` or below it.
  public func isWithin(_ other: DomainName) -> Bool {
    guard wire.count >= other.wire.count else { return false }
    let start = wire.count - other.wire.count
    return ([0] + labelOffsets + [wire.count - 1]).contains(start)
      && wire[start...].map(loweredByte) == other.loweredWire
  }
}

/// ASCII only: other bytes have no case in a name (RFC 4343 §3).
private func loweredByte(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

extension DomainName: Hashable {
  public static func == (a: DomainName, b: DomainName) -> Bool {
    a.wire.count == b.wire.count && a.loweredWire == b.loweredWire
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(loweredWire) }
}

extension DomainName: CustomStringConvertible {
  /// Presentation form with the final dot.
  public var description: String {
    guard wire[0] != 0 else { return "." }
    var text = ""
    for offset in labelOffsets {
      for byte in wire[(offset + 1)..<(offset + 1 + Int(wire[offset]))] {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "("),
          UInt8(ascii: ")"), UInt8(ascii: ";"), UInt8(ascii: "@"), UInt8(ascii: "$"):
          text += "\\" + String(UnicodeScalar(byte))
        case 0x21...0x7E: text += String(UnicodeScalar(byte))
        default: text += "\\" + decimal(byte)
        }
      }
      text += "."
    }
    return text
  }

  private func decimal(_ byte: UInt8) -> String {
    let digits = String(byte)
    return String(repeating: "0", count: 3 - digits.count) + digits
  }
}

/// Reads the labels of a name.
private struct LabelReader {
  let text: String
  var wire: [UInt8] = []
  private var label: [UInt8] = []

  init(text: String) { self.text = text }

  /// - Returns: whether the name ends with a dot.
  mutating func read() throws(RecordDataFault) -> Bool {
    var escapes = EscapeReader(bytes: Array(text.utf8))
    var endsWithDot = false
    while let (byte, isEscaped) = try escapes.next() {
      endsWithDot = byte == UInt8(ascii: ".") && !isEscaped
      if endsWithDot {
        try endLabel()
      } else {
        label.append(byte)
      }
    }
    if !endsWithDot { try endLabel() }
    return endsWithDot
  }

  private mutating func endLabel() throws(RecordDataFault) {
    guard !label.isEmpty else { throw RecordDataFault("the name “\(text)” has an empty label") }
    guard label.count < 64 else {
      throw RecordDataFault("the name “\(text)” has a label longer than 63 bytes")
    }
    wire.append(UInt8(label.count))
    wire += label
    label = []
  }
}

/// Resolves `\DDD` and `\x` (RFC 1035 §5.1).
struct EscapeReader {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The next byte and whether a backslash stood before it; nil at the end.
  mutating func next() throws(RecordDataFault) -> (byte: UInt8, isEscaped: Bool)? {
    guard position < bytes.count else { return nil }
    let byte = bytes[position]
    position += 1
    guard byte == UInt8(ascii: "\\") else { return (byte, false) }
    guard position < bytes.count else {
      throw RecordDataFault("“\(describe(bytes))” ends with a backslash")
    }
    guard isDigit(bytes[position]) else {
      position += 1
      return (bytes[position - 1], true)
    }
    guard position + 3 <= bytes.count,
      let value = UInt8(String(decoding: bytes[position..<(position + 3)], as: UTF8.self))
    else {
      throw RecordDataFault("“\(describe(bytes))” has an escape that is not \\000 to \\255")
    }
    position += 3
    return (value, true)
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}

func describe(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
