import Settings

/// A configuration of HAProxy, cut into sections and words ("Configuration file format" in its
/// manual).
struct HAProxyFile {
  struct Line {
    var words: [String]
    var origin: Origin

    /// The word at an index; empty behind the end.
    subscript(index: Int) -> String { index < words.count ? words[index] : "" }
  }

  struct Section {
    /// Such as `frontend`.
    var kind: String
    var name: String
    var origin: Origin
    /// Its own.
    var lines: [Line] = []
    /// Those of the `defaults` that are in force for it.
    var defaults: [Line] = []

    /// The last line that begins with these words; defaults count where it has none itself.
    func last(_ words: String...) -> Line? {
      let isMeant = { (line: Line) in line.words.starts(with: words) }
      return lines.last(where: isMeant) ?? defaults.last(where: isMeant)
    }

    /// All such lines of its own.
    func all(_ words: String...) -> [Line] { lines.filter { $0.words.starts(with: words) } }
  }

  private(set) var sections: [Section] = []

  private static let kinds: Set = [
    "global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist",
    "mailers", "program", "ring", "cache", "http-errors", "fcgi-app", "log-forward", "log-profile",
    "crt-store", "crt-list", "traces", "acme",
  ]

  init(_ source: SourceText) throws(Faults) {
    var defaults: [Line] = []
    var named: [String: [Line]] = [:]
    for line in try Self.lines(of: source) {
      guard Self.kinds.contains(line[0]) else {
        guard let last = sections.indices.last else {
          throw Faults([
            Fault(origin: line.origin, message: "\"\(line[0])\" stands before the first section")
          ])
        }
        sections[last].lines.append(line)
        continue
      }
      // What the defaults before it said is known now.
      if let last = sections.last, last.kind == "defaults" {
        defaults = last.defaults + last.lines
        named[last.name] = defaults
      }
      var section = Section(kind: line[0], name: line[1], origin: line.origin)
      let from = line.words.firstIndex(of: "from").flatMap { named[line[$0 + 1]] }
      section.defaults = from ?? (section.kind == "defaults" ? [] : defaults)
      sections.append(section)
    }
  }

  /// Lines without comments, as words without quotes and backslashes.
  private static func lines(of source: SourceText) throws(Faults) -> [Line] {
    var lines: [Line] = []
    // CR LF is one character.
    let texts = source.text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, text) in texts.enumerated() {
      let origin = source.origin(index + 1)
      guard let words = words(of: text) else {
        throw Faults([Fault(origin: origin, message: "a quote is not closed")])
      }
      if !words.isEmpty { lines.append(Line(words: words, origin: origin)) }
    }
    return lines
  }

  /// nil: a quote is not closed.
  private static func words(of text: Substring) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text where character != "\r" {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "\"" || character == "'" {
        quote = character
        word = word ?? ""
      } else if character == "#" {
        break
      } else if character.isWhitespace {
        if let whole = word { words.append(whole) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let whole = word { words.append(whole) }
    return quote == nil ? words : nil
  }
}

/// Milliseconds of a time of HAProxy: a number alone counts those; nil if it is none.
func haproxyMilliseconds(_ text: String) -> Int? {
  let digits = text.prefix { $0.isASCII && $0.isNumber }
  let units = ["": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
  guard let number = Int(digits), number <= 1 << 30 else { return nil }
  if text.dropFirst(digits.count) == "us" { return number / 1000 }
  return units[String(text.dropFirst(digits.count))].map { number * $0 }
}
