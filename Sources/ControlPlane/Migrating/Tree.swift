import Settings

/// A part of a configuration that is to be written: text, a list or a mapping.
indirect enum Tree {
  case text(String)
  case list([Element])
  case mapping(Mapping)

  /// One element of a list, and what it was made of.
  struct Element {
    var tree: Tree
    var origin: Origin?
  }

  static func list(_ trees: [Tree]) -> Tree { .list(trees.map { Element(tree: $0) }) }
}

/// Keys and their values, in the order in which they are written.
struct Mapping: ExpressibleByDictionaryLiteral {
  struct Entry {
    var key: String
    var tree: Tree
    /// What it was made of.
    var origin: Origin?
  }

  private(set) var entries: [Entry] = []

  init() {}

  init(dictionaryLiteral elements: (String, Tree)...) {
    entries = elements.map { Entry(key: $0, tree: $1) }
  }

  var isEmpty: Bool { entries.isEmpty }

  /// Adds an entry at the end.
  mutating func add(_ key: String, _ tree: Tree, _ origin: Origin? = nil) {
    entries.append(Entry(key: key, tree: tree, origin: origin))
  }
}

extension Tree: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  init(stringLiteral value: String) { self = .text(value) }
}

// MARK: - YAML

extension Tree {
  /// In one line of YAML.
  var flow: String {
    switch self {
    case .text(let text): scalar(text.replacing("${", with: "$${"))
    case .list(let elements): "[\(elements.map(\.tree.flow).joined(separator: ", "))]"
    case .mapping(let mapping):
      "{\(mapping.entries.map { "\(scalar($0.key)): \($0.tree.flow)" }.joined(separator: ", "))}"
    }
  }

  /// Whether it reads well in one line.
  fileprivate func isShort(_ room: Int) -> Bool { isFlat && flow.count <= room }

  private var isFlat: Bool {
    switch self {
    case .text: true
    case .list(let elements): elements.allSatisfy(\.tree.isFlat)
    case .mapping(let mapping):
      mapping.entries.allSatisfy { if case .mapping = $0.tree { false } else { $0.tree.isFlat } }
    }
  }
}

/// A scalar of YAML that is read as this text, plain where nothing speaks against it.
private func scalar(_ text: String) -> String {
  if isPlain(text) { return text }
  if text.unicodeScalars.allSatisfy({ (0x20...0x7E).contains($0.value) }) {
    return "'\(text.replacing("'", with: "''"))'"
  }
  let escaped = text.unicodeScalars.map { scalar -> String in
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case _ where (0x20...0x7E).contains(scalar.value): String(scalar)
    default: "\\U" + leftPadded(String(scalar.value, radix: 16), to: 8)
    }
  }
  return "\"\(escaped.joined())\""
}

private func leftPadded(_ text: String, to length: Int) -> String {
  String(repeating: "0", count: max(0, length - text.count)) + text
}

/// Letters, digits and few signs, none of them where YAML sees more in it; no word for nothing.
private func isPlain(_ text: String) -> Bool {
  func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
  }
  guard let first = text.utf8.first, isAlphanumeric(first) || first == UInt8(ascii: "/"),
    text.utf8.last != UInt8(ascii: ":"), text.lowercased() != "null"
  else { return false }
  return text.utf8.allSatisfy { isAlphanumeric($0) || "._-/%+:".utf8.contains($0) }
}

/// Lines of YAML, and what each was made of.
struct YAMLWriter {
  private(set) var lines: [(text: String, origin: Origin?)] = []
  private static let width = 100

  /// What may stand in one line of a comment: hostile input has no line of its own, by whatever
  /// sign YAML ends lines (NEL, U+2028, U+2029), nor does it turn the text's direction.
  mutating func comment(_ text: String) {
    let printable = text.unicodeScalars.map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        "?"
      default: scalar.value <= 0xD7FF ? String(scalar) : "?"
      }
    }
    lines.append(("# \(printable.joined())", nil))
  }

  mutating func blank() { lines.append(("", nil)) }

  mutating func write(_ mapping: Mapping, indent: Int = 0) {
    let margin = String(repeating: " ", count: indent)
    for entry in mapping.entries {
      let start = "\(margin)\(scalar(entry.key)):"
      if indent > 0 || !entry.tree.isMapping, entry.tree.isShort(Self.width - start.count - 1) {
        lines.append(("\(start) \(entry.tree.flow)", entry.origin))
        continue
      }
      lines.append((start, entry.origin))
      switch entry.tree {
      case .text(let text): lines[lines.count - 1].text += " \(Tree.text(text).flow)"
      case .mapping(let inner) where inner.isEmpty: lines[lines.count - 1].text += " {}"
      case .mapping(let inner): write(inner, indent: indent + 2)
      case .list(let elements) where elements.isEmpty: lines[lines.count - 1].text += " []"
      case .list(let elements):
        for element in elements {
          lines.append(("\(margin)  - \(element.tree.flow)", element.origin))
        }
      }
    }
  }
}

extension Tree {
  fileprivate var isMapping: Bool { if case .mapping = self { true } else { false } }
}
