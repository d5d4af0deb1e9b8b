import FoundationEssentials
import Places
import Yams

/// What is being read, and the faults found so far.
final class Document {
  /// Of its texts, the first of which begins on line 1.
  private(set) var parts: [(name: String, lineBefore: Int)]
  /// Absolute; relative paths start here.
  let folder: String
  let environment: [String: String]
  private(set) var faults: [Fault] = []
  /// By the paths of the mappings that have been read: the keys that each may have.
  var knownKeys: [String: Set<String>] = [:]
  /// Every address that something is to listen on.
  var listeners: [Listener] = []

  struct Listener {
    let address: SocketAddress
    let line: Int
    let path: String
  }

  init(name: String, folder: String, environment: [String: String]) {
    parts = [(name, 0)]
    self.folder = folder
    self.environment = environment
  }

  func report(line: Int?, path: String, _ message: String, suggestion: String? = nil) {
    let fault = Fault(
      origin: origin(line: line, path: path), message: message, suggestion: suggestion)
    guard faults.count < Self.mostFaults, !faults.contains(fault) else { return }
    faults.append(fault)
  }

  /// Texts that are read one after the other have lines that go on from one to the next.
  ///
  /// - Returns: the lines before it.
  func beginPart(_ name: String, after lineCount: Int) -> Int {
    let lineBefore = (parts.last?.lineBefore ?? 0) + lineCount
    parts.append((name, lineBefore))
    return lineBefore
  }

  /// Where something was said, in the text in which it was. What has no line counts to the first.
  func origin(line: Int?, path: String) -> Origin {
    let part = parts.last { $0.lineBefore < line ?? 1 } ?? ("", 0)
    return Origin(file: part.name, line: line.map { $0 - part.lineBefore }, path: path)
  }

  /// Counts values; false, and a fault, once there are too many. YAML's aliases let a short text
  /// stand for a tree that would take years to read.
  func admits(_ count: Int) -> Bool {
    valueCount += count
    if valueCount <= Self.mostValues { return faults.count < Self.mostFaults }
    report(line: nil, path: "", "holds more than \(Self.mostValues) values, aliases followed")
    return false
  }

  private var valueCount = 0
  private static let mostValues = 5_000_000
  /// More than anyone reads; the reading ends there.
  private static let mostFaults = 1000

  /// The absolute form of a path that stands in the document.
  func absolutePath(_ path: String) -> String {
    path.hasPrefix("/") ? path : folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// The tree of the document; nil, and a fault, if it is no YAML.
  ///
  /// Yams refuses a mapping with a duplicate key, and the whole document with it. So that the other
  /// faults are found too, the first of the two keys gets ``duplicateMark`` in front, and the
  /// document is composed again; ``Value/entries()`` takes the mark away and reports the second.
  func composed(_ text: String) -> Node? {
    var text = text
    for _ in 0..<Self.mostDuplicates {
      do {
        return try compose(yaml: text, Resolver.basic)
      } catch let error as YamlError {
        if let marked = marked(text, after: error) {
          text = marked
        } else {
          report(error)
          return nil
        }
      } catch {
        report(line: nil, path: "", "is no YAML: \(error)")
        return nil
      }
    }
    report(line: nil, path: "", "has more than \(Self.mostDuplicates) duplicate keys")
    return nil
  }

  /// What a key is called; nil, and a fault, if it is called nothing.
  ///
  /// - Parameter path: of the mapping that it stands in.
  func name(ofKey key: Node, in path: String) -> String? {
    guard case .scalar(let scalar) = key else {
      report(line: key.mark?.line, path: path, "wants plain keys")
      return nil
    }
    let value = Value(node: key, path: path, document: self)
    if scalar.string.isEmpty {
      report(line: key.mark?.line, path: path, "has a key without a name")
      return nil
    }
    guard !value.isNull else {
      report(
        line: key.mark?.line, path: path, "has the key \(scalar.string), which is nothing in YAML",
        suggestion: "if it is a name, quote it: \"\(scalar.string)\"")
      return nil
    }
    return scalar.string
  }

  /// A private-use character that no name may contain.
  static let duplicateMark: Character = "\u{E000}"
  private static let mostDuplicates = 100

  private func marked(_ text: String, after error: YamlError) -> String? {
    guard case .duplicatedKeysInMapping(_, let context) = error else { return nil }
    var scalars = text.unicodeScalars[...]
    for _ in 1..<max(context.mark.line, 1) {
      guard let end = scalars.firstIndex(of: "\n") else { return nil }
      scalars = scalars[scalars.index(after: end)...]
    }
    scalars = scalars.dropFirst(context.mark.column - 1)
    if let quote = scalars.first, quote == "\"" || quote == "'" { scalars = scalars.dropFirst() }
    guard let first = scalars.first, !"&*!?[{\n".unicodeScalars.contains(first) else { return nil }
    var marked = text
    marked.insert(Self.duplicateMark, at: scalars.startIndex)
    return marked
  }

  private func report(_ error: YamlError) {
    switch error {
    case .composer(_, let problem, let mark, _) where problem.contains("another document"):
      report(line: mark.line, path: "", "holds more than one YAML document")
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = context.map { context in
        let began = origin(line: context.mark.line, path: "").line ?? context.mark.line
        let start = context.mark.line == mark.line ? "" : " that began on line \(began)"
        return " \(context.text)\(start)"
      }
      report(
        line: mark.line, path: "", "is no YAML: \(problem)\(place ?? "")",
        suggestion: problem.contains("cannot start any token")
          ? "quote it; indent with spaces, not tabs" : nil)
    case .reader(let problem, let offset, _, let yaml):
      let line = offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }
      report(line: line, path: "", "is no YAML: \(problem)")
    case .duplicatedKeysInMapping(let names, let context):
      let keys = names.map { "\"\($0)\"" }.joined(separator: ", ")
      report(line: context.mark.line, path: "", "duplicate keys: \(keys)")
    default:
      report(line: nil, path: "", "is no YAML: \(error)")
    }
  }
}
