import Yams

/// One key of a mapping, with its value.
struct Entry {
  let name: String
  /// The key, for faults of the name itself.
  let key: Value
  let value: Value
}

/// A mapping whose keys are known beforehand.
///
/// Whatever is asked for is a known key; when the reading is over, the others are faults.
final class Section {
  let value: Value
  private let entries: [String: Value]
  fileprivate private(set) var asked: [String] = []

  fileprivate init(_ value: Value, _ entries: [Entry]) {
    self.value = value
    self.entries = Dictionary(
      entries.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// nil if the key is absent or its value is empty.
  func optional(_ key: String) -> Value? {
    asked.append(key)
    return entries[key].flatMap { $0.isNull ? nil : $0 }
  }

  /// nil, and a fault that `wanted` is missing, if the key is absent or its value is empty.
  func required(_ key: String, _ wanted: String) -> Value? {
    if let value = optional(key) { return value }
    let path = value.path.isEmpty ? key : "\(value.path).\(key)"
    value.document.report(
      line: entries[key]?.line ?? value.line, path: path, "is missing; wants \(wanted)")
    return nil
  }

  fileprivate func reportUnknown(_ entries: [Entry]) {
    for entry in entries where !asked.contains(entry.name) {
      entry.key.report("unknown key", suggestion: didYouMean(entry.name, asked))
    }
  }
}

extension Value {
  /// Reads a mapping with known keys; nil if it is no mapping. `read` must ask for all keys before
  /// it returns.
  func section<Result>(_ read: (Section) -> Result) -> Result? {
    guard let entries = entries() else { return nil }
    let section = Section(self, entries)
    let result = read(section)
    section.reportUnknown(entries)
    document.knownKeys[path, default: []].formUnion(section.asked)
    return result
  }

  /// The entries of a mapping in the order of the file; nil, and a fault, if it is no mapping.
  /// Duplicate keys are faults; the first one counts.
  func entries() -> [Entry]? {
    guard case .mapping(let mapping) = node else {
      if isNull { return [] }
      report("wants a mapping, found \(found)")
      return nil
    }
    guard document.admits(mapping.count) else { return nil }
    var entries: [Entry] = []
    var lines: [String: Int] = [:]
    for (keyNode, node) in mapping {
      guard let text = document.name(ofKey: keyNode, in: path) else { continue }
      let name = String(text.drop { $0 == Document.duplicateMark })
      let entryPath = path.isEmpty ? name : "\(path).\(name)"
      let key = Value(node: keyNode, path: entryPath, document: document)
      if let line = lines[name] {
        let first = document.origin(line: line, path: entryPath).line ?? line
        key.report("duplicate key, already on line \(first)")
        continue
      }
      lines[name] = keyNode.mark?.line ?? 0
      let value = Value(
        node: node, keyLine: keyNode.mark?.line, path: entryPath, document: document)
      entries.append(Entry(name: name, key: key, value: value))
    }
    return entries
  }

  /// The entries of a mapping whose keys are names that others may refer to. They appear in
  /// metrics, URLs and override files, hence the narrow alphabet.
  func definitions() -> [Entry] {
    let entries = entries() ?? []
    for entry in entries where !isName(entry.name) {
      entry.key.report(
        "wants a name of 1 to 63 letters, digits, '-', '_' and '.', the first a letter or digit")
    }
    return entries
  }
}

/// Whether `text` can name a region, policy, service and so on.
func isName(_ text: String) -> Bool {
  func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
  guard let first = text.utf8.first, text.utf8.count <= 63, isAlphanumeric(first) else {
    return false
  }
  return text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
}
