import Settings

/// gdnsd's configuration language: hashes, arrays and text (gdnsd.config(5), "LOW-LEVEL SYNTAX").
///
///     plugins => { multifo => { www => { lb01 = 192.0.2.1, lb02 = 192.0.2.2 } } }
struct VSCFNode {
  indirect enum Content {
    case text(String)
    case array([VSCFNode])
    case hash(VSCFHash)
  }

  var content: Content
  /// Of its beginning.
  var origin: Origin

  /// nil of an array and of a hash.
  var text: String? { if case .text(let text) = content { text } else { nil } }

  /// nil of an array and of text.
  var hash: VSCFHash? { if case .hash(let hash) = content { hash } else { nil } }

  /// Its elements; what is no array stands for an array of one.
  var elements: [VSCFNode] { if case .array(let nodes) = content { nodes } else { [self] } }

  /// The texts among its elements.
  var texts: [String] { elements.compactMap(\.text) }
}

/// Keys and values in the order of the file.
struct VSCFHash {
  struct Entry {
    var key: String
    var node: VSCFNode
  }

  private(set) var entries: [Entry] = []
  private var position: [String: Int] = [:]

  subscript(key: String) -> VSCFNode? { position[key].map { entries[$0].node } }

  /// - Returns: false if the key is there already.
  mutating func add(_ key: String, _ node: VSCFNode) -> Bool {
    guard position[key] == nil else { return false }
    position[key] = entries.count
    entries.append(Entry(key: key, node: node))
    return true
  }
}

/// Reads a file of that language, and those that it includes.
struct VSCFReader {
  private let source: SourceText
  private let included: (String) -> SourceText?
  private let depth: Int
  private let bytes: [UInt8]
  private var offset = 0
  private var line = 1

  /// Deeper than anyone nests values or files.
  private static let deepest = 64

  /// - Parameter included: the file of a name that `$include{name}` says.
  init(_ source: SourceText, included: @escaping (String) -> SourceText?, depth: Int = 0) {
    self.source = source
    self.included = included
    self.depth = depth
    bytes = Array(source.text.utf8)
  }

  /// The file as a hash.
  mutating func document() throws(Faults) -> VSCFHash {
    skipSpace()
    if peek == UInt8(ascii: "{") {
      offset += 1
      let hash = try hash(end: UInt8(ascii: "}"), depth: depth + 1)
      skipSpace()
      guard offset == bytes.count else { throw fault("nothing may stand behind the last brace") }
      return hash
    }
    return try hash(end: nil, depth: depth + 1)
  }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func fault(_ message: String) -> Faults {
    Faults([Fault(origin: source.origin(line), message: message)])
  }

  private mutating func skipSpace() {
    while let byte = peek {
      switch byte {
      case 0x0A: line += 1
      case 0x20, 0x09, 0x0D: break
      case UInt8(ascii: "#"), UInt8(ascii: ";"):
        while let next = peek, next != 0x0A { offset += 1 }
        continue
      default: return
      }
      offset += 1
    }
  }

  private mutating func skipComma() {
    skipSpace()
    if peek == UInt8(ascii: ",") { offset += 1 }
    skipSpace()
  }

  private mutating func hash(end: UInt8?, depth: Int) throws(Faults) -> VSCFHash {
    guard depth <= Self.deepest else { throw fault("nests deeper than \(Self.deepest)") }
    var hash = VSCFHash()
    func add(_ key: String, _ node: VSCFNode) throws(Faults) {
      guard hash.add(key, node) else {
        throw Faults([Fault(origin: node.origin, message: "\"\(key)\" stands here twice")])
      }
    }
    while true {
      skipSpace()
      guard let byte = peek else {
        if end == nil { return hash }
        throw fault("a brace is not closed")
      }
      if byte == end {
        offset += 1
        return hash
      }
      if let name = try includedName() {
        let file = try file(name, depth: depth)
        for entry in file.entries { try add(entry.key, entry.node) }
        skipComma()
        continue
      }
      let key = try text()
      skipSpace()
      guard peek == UInt8(ascii: "=") else { throw fault("wants => behind \"\(key)\"") }
      offset += 1
      if peek == UInt8(ascii: ">") { offset += 1 }
      try add(key, value(depth: depth))
      skipComma()
    }
  }

  private mutating func value(depth: Int) throws(Faults) -> VSCFNode {
    skipSpace()
    let origin = source.origin(line)
    guard let byte = peek else { throw fault("the file ends where a value is wanted") }
    switch byte {
    case UInt8(ascii: "{"):
      offset += 1
      let hash = try hash(end: UInt8(ascii: "}"), depth: depth + 1)
      return VSCFNode(content: .hash(hash), origin: origin)
    case UInt8(ascii: "["):
      offset += 1
      return VSCFNode(content: .array(try array(depth: depth + 1)), origin: origin)
    default:
      if let name = try includedName() {
        return VSCFNode(content: .hash(try file(name, depth: depth)), origin: origin)
      }
      return VSCFNode(content: .text(try text()), origin: origin)
    }
  }

  private mutating func array(depth: Int) throws(Faults) -> [VSCFNode] {
    guard depth <= Self.deepest else { throw fault("nests deeper than \(Self.deepest)") }
    var nodes: [VSCFNode] = []
    while true {
      skipSpace()
      guard let byte = peek else { throw fault("a bracket is not closed") }
      if byte == UInt8(ascii: "]") {
        offset += 1
        return nodes
      }
      nodes.append(try value(depth: depth))
      skipComma()
    }
  }

  /// The name in `$include{name}`, if that stands here.
  private mutating func includedName() throws(Faults) -> String? {
    guard bytes[offset...].starts(with: "$include{".utf8) else { return nil }
    offset += "$include{".utf8.count
    skipSpace()
    let name = try text()
    skipSpace()
    guard peek == UInt8(ascii: "}") else { throw fault("wants $include{name}") }
    offset += 1
    return name
  }

  private func file(_ name: String, depth: Int) throws(Faults) -> VSCFHash {
    guard let file = included(name) else { throw fault(Self.unread(name)) }
    var reader = VSCFReader(file, included: included, depth: depth)
    return try reader.document()
  }

  /// Of a file that is included.
  static func unread(_ name: String) -> String {
    "\(name) cannot be read, or more than \(Migration.Gdnsd.mostInclusions) files are included"
  }

  /// Text with or without quotes.
  private mutating func text() throws(Faults) -> String {
    let isQuoted = peek == UInt8(ascii: "\"")
    if isQuoted { offset += 1 }
    var text: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\\"):
        offset += 1
        text.append(try escaped())
        continue
      case UInt8(ascii: "\"") where isQuoted:
        offset += 1
        return String(decoding: text, as: UTF8.self)
      case _ where isQuoted: if byte == 0x0A { line += 1 }
      case 0x20, 0x09, 0x0A, 0x0D: return try unquoted(text)
      case _ where "][}{;#,\"=".utf8.contains(byte): return try unquoted(text)
      default: break
      }
      text.append(byte)
      offset += 1
    }
    guard !isQuoted else { throw fault("a quote is not closed") }
    return try unquoted(text)
  }

  private func unquoted(_ text: [UInt8]) throws(Faults) -> String {
    guard !text.isEmpty else {
      let found = peek.map { String(decoding: [$0], as: UTF8.self) } ?? "nothing"
      throw fault("wants a value, found \(found)")
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func escaped() throws(Faults) -> UInt8 {
    guard let byte = peek else { throw fault("the file ends with a backslash") }
    guard (0x30...0x39).contains(byte) else {
      if byte == 0x0A { line += 1 }
      offset += 1
      return byte
    }
    let digits = bytes[offset...].prefix(3)
    guard digits.count == 3, let value = UInt8(String(decoding: digits, as: UTF8.self)) else {
      throw fault("wants three digits up to 255 behind a backslash")
    }
    offset += 3
    return value
  }
}
