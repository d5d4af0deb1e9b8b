import DNSWire

/// Finds types by their names; the few that a file has at once.
struct TypeNames {
  /// Up to eight bytes of the name in lower case, and what it means.
  private var known: [(word: UInt64, type: RecordType)] = []

  mutating func type(_ bytes: RawSpan, _ field: EntryScanner.Field) -> RecordType? {
    guard field.isPlain else { return nil }
    let word = Self.word(bytes, field)
    for entry in known where entry.word == word && word != 0 { return entry.type }
    var text = ""
    for offset in field.start..<field.end {
      text.unicodeScalars.append(UnicodeScalar(bytes.byte(at: offset)))
    }
    guard let type = RecordType(text) else { return nil }
    if word != 0 && known.count < 64 { known.append((word, type)) }
    return type
  }

  /// nil: no class.
  func isInternet(_ bytes: RawSpan, _ field: EntryScanner.Field) -> Bool? {
    guard 2...6 ~= field.end - field.start else { return nil }
    // In letters: in, class1; ch, hs, cs (RFC 1035 §3.2.4).
    switch Self.word(bytes, field) {
    case 0x69_6E, 0x63_6C61_7373_31: return true
    case 0x63_68, 0x68_73, 0x63_73: return false
    default: return nil
    }
  }

  /// 0 if the name is longer than eight bytes.
  private static func word(_ bytes: RawSpan, _ field: EntryScanner.Field) -> UInt64 {
    guard field.end - field.start <= 8 else { return 0 }
    var word: UInt64 = 0
    for offset in field.start..<field.end {
      word = word << 8 | UInt64(bytes.byte(at: offset) | 0x20)
    }
    return word
  }
}
