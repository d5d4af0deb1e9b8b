import Settings

/// Cuts a master file into entries (RFC 1035 §5.1), and keeps what types and data of other
/// programs make of them.
struct MasterFile {
  struct Entry {
    /// As they are written, quotes and backslashes included.
    var fields: [String]
    /// Whether the owner is left out.
    var beginsWithSpace: Bool
    var line: Int
  }

  private let source: SourceText
  private let bytes: [UInt8]
  private var offset = 0
  private var line = 1

  init(_ source: SourceText) {
    self.source = source
    bytes = Array(source.text.utf8)
  }

  /// - Returns: nil at the end.
  mutating func next() throws(Faults) -> Entry? {
    var entry = Entry(fields: [], beginsWithSpace: false, line: line)
    var depth = 0
    var isAtStart = true
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case 0x0A:
        offset += 1
        line += 1
        if depth > 0 { continue }
        if !entry.fields.isEmpty { return entry }
        entry = Entry(fields: [], beginsWithSpace: false, line: line)
        isAtStart = true
        continue
      case 0x20, 0x09, 0x0D:
        if isAtStart { entry.beginsWithSpace = true }
        offset += 1
      case UInt8(ascii: ";"):
        while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
      case UInt8(ascii: "("):
        depth += 1
        offset += 1
      case UInt8(ascii: ")"):
        guard depth > 0 else { throw fault("a parenthesis is closed that is not open") }
        depth -= 1
        offset += 1
      default: entry.fields.append(try field())
      }
      isAtStart = false
    }
    guard depth == 0 else { throw fault("a parenthesis is not closed") }
    return entry.fields.isEmpty ? nil : entry
  }

  private func fault(_ message: String) -> Faults {
    Faults([Fault(origin: source.origin(line), message: message)])
  }

  private mutating func field() throws(Faults) -> String {
    let start = offset
    let isQuoted = bytes[offset] == UInt8(ascii: "\"")
    var isInQuotes = false
    scan: while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\\"):
        offset += 1
        guard offset < bytes.count, bytes[offset] != 0x0A else {
          throw fault("a line ends with a backslash")
        }
      case UInt8(ascii: "\""):
        isInQuotes.toggle()
        if isQuoted && !isInQuotes {
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
    guard !isInQuotes else { throw fault("a quote is not closed") }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }
}

/// Seconds, or numbers with units as in `1h30m`; nil otherwise, and above 2³¹ − 1 (RFC 2181 §8).
func timeToLive(_ text: some StringProtocol) -> Int? {
  let units: [UInt8: Int] = [0x73: 1, 0x6D: 60, 0x68: 3600, 0x64: 86_400, 0x77: 604_800]
  var total = 0
  var number: Int?
  var hasUnits = false
  for byte in text.utf8 {
    if (0x30...0x39).contains(byte) {
      number = (number ?? 0) * 10 + Int(byte - 0x30)
    } else {
      guard let count = number, let unit = units[byte | 0x20] else { return nil }
      total += count * unit
      number = nil
      hasUnits = true
    }
    guard total + (number ?? 0) <= Int(Int32.max) else { return nil }
  }
  if let number { return hasUnits ? nil : number }
  return hasUnits ? total : nil
}
