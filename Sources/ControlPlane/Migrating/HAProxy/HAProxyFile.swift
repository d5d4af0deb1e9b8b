import Settings

/// A configuration of HAProxy, cut into sections and words ("Configuration file format" in its
/// manual).
struct HAProxyFile {
  struct Line {
    /// Of `no option …` without the `no`.
    var words: [String]
    var isNegated = false
    var origin: Origin

    /// The word at an index; empty behind the end.
    subscript(index: Int) -> String { index < words.count ? words[index] : "" }

    var text: String { words.joined(separator: " ") }
  }

  /// Lines that are found by their first two words, however many there are.
  final class Lines {
    let all: [Line]
    /// How many sections these came through, each `from` the one before.
    let depth: Int
    private let byWord: [String: [Line]]
    private let lastByWords: [String: Line]
    /// The last `option` that says how servers are checked.
    let check: Line?
    /// Whether the last of `disabled` and `enabled` is the former; nil: there is neither.
    let isDisabled: Bool?
    /// What `default-server` makes of a server, once for all sections that these are in force for.
    fileprivate(set) var server: HAProxyServer.Options?
    /// Whether what is not known of these has been told.
    var isTold = false

    init(_ all: [Line] = [], depth: Int = 0) {
      self.all = all
      self.depth = depth
      var byWord: [String: [Line]] = [:]
      var lastByWords: [String: Line] = [:]
      for line in all {
        byWord[line[0], default: []].append(line)
        lastByWords[line[0]] = line
        lastByWords["\(line[0]) \(line[1])"] = line
      }
      check = byWord["option"]?.last { HAProxyBackend.checkKinds.contains($0[1]) }
      isDisabled = all.last { ["disabled", "enabled"].contains($0[0]) }.map { $0[0] == "disabled" }
      self.byWord = byWord
      self.lastByWords = lastByWords
    }

    /// All that begin with a word.
    func all(_ word: String) -> [Line] { byWord[word] ?? [] }

    func last(_ words: [String]) -> Line? { lastByWords[words.joined(separator: " ")] }
  }

  struct Section {
    /// Such as `frontend`.
    var kind: String
    var name: String
    var origin: Origin
    var own = Lines()
    /// Those of the `defaults` that are in force for it.
    var defaults = Lines()

    /// The last line that begins with these words, one or two; defaults count where it has none
    /// itself.
    func last(_ words: String...) -> Line? { own.last(words) ?? defaults.last(words) }

    /// nil: it is not set, or taken back by `no option`.
    func option(_ name: String) -> Line? {
      last("option", name).flatMap { $0.isNegated ? nil : $0 }
    }

    /// All such lines of its own.
    func all(_ word: String) -> [Line] { own.all(word) }

    /// Rules that are evaluated one after the other: those of `defaults` come first.
    func rules(_ word: String) -> [Line] { defaults.all(word) + own.all(word) }

    /// Neither listens nor serves.
    var isDisabled: Bool { own.isDisabled ?? defaults.isDisabled ?? false }

    /// What `default-server` of its `defaults` says of a server.
    func inheritedServer(_ report: (Origin, String) -> Void) -> HAProxyServer.Options {
      if let known = defaults.server { return known }
      var options = HAProxyServer.Options()
      for line in defaults.all("default-server") {
        options.take(line.words.dropFirst(), of: "default-server", line.origin, report)
      }
      defaults.server = options
      return options
    }
  }

  private(set) var sections: [Section] = []
  /// Lines of `timeout` that say no time.
  private(set) var unreadTimes: [Line] = []
  /// Of its beginning.
  let origin: Origin

  private static let kinds: Set = [
    "global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist",
    "mailers", "program", "ring", "cache", "http-errors", "fcgi-app", "log-forward", "log-profile",
    "crt-store", "crt-list", "traces", "acme",
  ]
  /// Longer chains of `defaults … from …` are nobody's, and would cost their square.
  private static let longestChain = 32

  init(_ source: SourceText) throws(Faults) {
    origin = source.origin(1)
    var defaults = Lines()
    var named: [String: Lines] = [:]
    var open: (section: Section, lines: [Line])?
    func close() {
      guard case (var section, let lines)? = open else { return }
      section.own = Lines(lines)
      sections.append(section)
      guard section.kind == "defaults" else { return }
      defaults = Lines(section.defaults.all + lines, depth: section.defaults.depth + 1)
      named[section.name] = defaults
    }
    for line in try Self.lines(of: source) {
      guard Self.kinds.contains(line[0]) else {
        guard open != nil else {
          throw Faults([
            Fault(origin: line.origin, message: "\"\(line[0])\" stands before the first section")
          ])
        }
        if line[0] == "timeout", haproxyMilliseconds(line[2]) == nil {
          unreadTimes.append(line)
        } else {
          open?.lines.append(line)
        }
        continue
      }
      close()
      var section = Section(kind: line[0], name: line[1], origin: line.origin)
      let from = line.words.firstIndex(of: "from").flatMap { named[line[$0 + 1]] }
      section.defaults = from ?? (section.kind == "defaults" ? Lines() : defaults)
      guard section.kind != "defaults" || section.defaults.depth < Self.longestChain else {
        throw Faults([
          Fault(origin: line.origin, message: "more than \(Self.longestChain) defaults in a chain")
        ])
      }
      open = (section, [])
    }
    close()
  }

  /// Lines without comments, as words without quotes and backslashes.
  private static func lines(of source: SourceText) throws(Faults) -> [Line] {
    var lines: [Line] = []
    let texts = source.text.utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, text) in texts.enumerated() {
      let origin = source.origin(index + 1)
      guard var words = words(of: text) else {
        throw Faults([Fault(origin: origin, message: "a quote is not closed")])
      }
      let isNegated = words.count > 1 && words[0] == "no" && words[1] == "option"
      if isNegated { words.removeFirst() }
      if !words.isEmpty { lines.append(Line(words: words, isNegated: isNegated, origin: origin)) }
    }
    return lines
  }

  /// nil: a quote is not closed.
  private static func words(of text: Substring.UTF8View) -> [String]? {
    var words: [String] = []
    var word: [UInt8]?
    var quote: UInt8?
    var rest = text[...]
    // CR LF ends lines, too.
    if rest.last == UInt8(ascii: "\r") { rest = rest.dropLast() }
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
        if word == nil { word = [] }
        word?.append(contentsOf: escaped(&rest))
      } else if let open = quote {
        if byte == open { quote = nil } else { word?.append(byte) }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
        if word == nil { word = [] }
      } else if byte == UInt8(ascii: "#") {
        break
      } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
        if let whole = word { words.append(String(decoding: whole, as: UTF8.self)) }
        word = nil
      } else if word == nil {
        word = [byte]
      } else {
        word?.append(byte)
      }
    }
    if let whole = word { words.append(String(decoding: whole, as: UTF8.self)) }
    return quote == nil ? words : nil
  }

  /// What stands for a backslash and what is behind it (§2.2 of the manual).
  private static func escaped(_ rest: inout Substring.UTF8View.SubSequence) -> [UInt8] {
    guard let byte = rest.popFirst() else { return [] }
    switch byte {
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "x"):
      guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return [byte]
      }
      rest = rest.dropFirst(2)
      // Above it would be no text; the sign for what cannot be read is told where it counts.
      return value < 0x80 ? [value] : Array("\u{FFFD}".utf8)
    default: return [byte]
    }
  }
}

/// Milliseconds of a time of HAProxy: a number alone counts those; nil if it is none.
func haproxyMilliseconds(_ text: String) -> Int? {
  let digits = text.prefix { $0.isASCII && $0.isNumber }
  let units = ["": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
  guard let number = Int(digits), number <= Int32.max else { return nil }
  if text.dropFirst(digits.count) == "us" { return number / 1000 }
  return units[String(text.dropFirst(digits.count))].map { number * $0 }
}
