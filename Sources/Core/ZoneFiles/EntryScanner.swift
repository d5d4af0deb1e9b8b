import DNSWire

/// Cuts a master file into entries of fields (RFC 1035 §5.1): an entry is a line, or several
/// between parentheses; comments are left out.
struct EntryScanner {
  /// Bytes of the file.
  struct Field: BitwiseCopyable {
    var start: Int
    /// Quotes included.
    var end: Int
    /// Begins with a quote.
    var isQuoted = false
    /// Neither quotes nor backslashes are in it.
    var isPlain = true
    var hasEscapes = false
  }

  private(set) var fields: [Field] = []
  /// Where the entry's first field stands, from 1 on.
  private(set) var firstLine = 1
  /// Whether the entry's owner is left out.
  private(set) var beginsWithSpace = false
  private var line = 1
  private var offset = 0
  private var depth = 0

  /// Goes on to the next entry that has fields.
  ///
  /// - Returns: false at the end.
  /// - Throws: what is wrong; the next call goes on behind the line on which that is.
  mutating func next(_ bytes: RawSpan) throws(ZoneFileProblem) -> Bool {
    fields.removeAll(keepingCapacity: true)
    depth = 0
    beginLine()
    while offset < bytes.byteCount {
      switch bytes.byte(at: offset) {
      case 0x0A:
        offset += 1
        line += 1
        if depth == 0 {
          if !fields.isEmpty { return true }
          beginLine()
        }
      case 0x20, 0x09, 0x0D:
        if fields.isEmpty && depth == 0 { beginsWithSpace = true }
        offset += 1
      case UInt8(ascii: ";"): skipLine(bytes)
      case UInt8(ascii: "("):
        depth += 1
        offset += 1
      case UInt8(ascii: ")"):
        guard depth > 0 else { throw problem(bytes, "a parenthesis is closed that is not open") }
        depth -= 1
        offset += 1
      default:
        if fields.isEmpty { firstLine = line }
        fields.append(try field(bytes))
      }
    }
    guard depth == 0 else { throw problem(bytes, "a parenthesis is not closed") }
    return !fields.isEmpty
  }

  private mutating func beginLine() {
    beginsWithSpace = false
    firstLine = line
  }

  /// Up to the line's end, which is left.
  private mutating func skipLine(_ bytes: RawSpan) {
    while offset < bytes.byteCount, bytes.byte(at: offset) != 0x0A { offset += 1 }
  }

  private mutating func problem(_ bytes: RawSpan, _ message: String) -> ZoneFileProblem {
    skipLine(bytes)
    return ZoneFileProblem(message)
  }

  private mutating func field(_ bytes: RawSpan) throws(ZoneFileProblem) -> Field {
    var field = Field(start: offset, end: offset)
    field.isQuoted = bytes.byte(at: offset) == UInt8(ascii: "\"")
    var isInQuotes = false
    scan: while offset < bytes.byteCount {
      switch bytes.byte(at: offset) {
      case UInt8(ascii: "\\"):
        field.isPlain = false
        field.hasEscapes = true
        offset += 1
        guard offset < bytes.byteCount, bytes.byte(at: offset) != 0x0A else {
          throw problem(bytes, "a line ends with a backslash")
        }
      case UInt8(ascii: "\""):
        field.isPlain = false
        isInQuotes.toggle()
        if field.isQuoted && !isInQuotes {
          offset += 1
          break scan
        }
      case 0x0A: break scan
      case 0x20, 0x09, 0x0D, UInt8(ascii: ";"), UInt8(ascii: "("), UInt8(ascii: ")"):
        if !isInQuotes { break scan }
      default: break
      }
      offset += 1
    }
    guard !isInQuotes else { throw problem(bytes, "a quote is not closed") }
    field.end = offset
    return field
  }
}

/// What is wrong with an entry.
struct ZoneFileProblem: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
