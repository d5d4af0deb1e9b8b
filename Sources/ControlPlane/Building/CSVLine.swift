/// The fields of one line of comma-separated values (RFC 4180 §2), blanks around them cut off.
/// A field in quotes may hold commas and doubled quotes, but no end of a line.
struct CSVLine {
  private(set) var fields: [ArraySlice<UInt8>] = []

  /// - Parameter line: without its end.
  init(_ line: ArraySlice<UInt8>) throws(LineFault) {
    var position = line.startIndex
    while true {
      while position < line.endIndex && isBlank(line[position]) { position += 1 }
      if position < line.endIndex && line[position] == UInt8(ascii: "\"") {
        fields.append(try Self.quoted(line, from: &position))
      } else {
        let start = position
        while position < line.endIndex && line[position] != UInt8(ascii: ",") { position += 1 }
        fields.append(trimmed(line[start..<position]))
      }
      guard position < line.endIndex else { return }
      position += 1
    }
  }

  /// Moves `position` to the comma behind the field, or to the end.
  private static func quoted(
    _ line: ArraySlice<UInt8>, from position: inout Int
  ) throws(LineFault) -> ArraySlice<UInt8> {
    var text: [UInt8] = []
    position += 1
    while position < line.endIndex {
      let byte = line[position]
      position += 1
      guard byte == UInt8(ascii: "\"") else {
        text.append(byte)
        continue
      }
      if position < line.endIndex && line[position] == UInt8(ascii: "\"") {
        text.append(byte)
        position += 1
        continue
      }
      while position < line.endIndex && isBlank(line[position]) { position += 1 }
      guard position == line.endIndex || line[position] == UInt8(ascii: ",") else {
        throw LineFault("something follows a field in quotes; wanted a comma")
      }
      return text[...]
    }
    throw LineFault("a quote is not closed on its line")
  }
}

/// What is wrong with one line, before it is known which.
struct LineFault: Error {
  var message: String
  init(_ message: String) { self.message = message }
}

/// Spaces, tabs and the carriage return of foreign line ends.
func isBlank(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
}

func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var text = text
  while let first = text.first, isBlank(first) { text = text.dropFirst() }
  while let last = text.last, isBlank(last) { text = text.dropLast() }
  return text
}

/// A text for a message, quoted and cut.
func shown(_ text: some Collection<UInt8>) -> String {
  let limit = 60
  let ending = text.count > limit ? "…" : ""
  return "\"\(String(decoding: text.prefix(limit), as: UTF8.self))\(ending)\""
}
