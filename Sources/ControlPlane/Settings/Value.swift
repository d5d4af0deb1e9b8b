import Yams

/// One value of the document: knows where it stands, and reports what is wrong with it.
///
/// Readers return nil after they have reported a fault; whoever calls goes on with any stand-in,
/// so that the other faults are found too: settings with a fault are never handed out.
struct Value {
  let node: Node
  /// Of the key for mappings and lists in block style, otherwise of the value; from 1.
  let line: Int?
  /// Such as `zones.example.org.records[3]`.
  let path: String
  let document: Document

  init(node: Node, keyLine: Int? = nil, path: String, document: Document) {
    self.node = node
    self.path = path
    self.document = document
    line = if case .scalar = node { node.mark?.line ?? keyLine } else { keyLine ?? node.mark?.line }
  }

  var origin: Origin { document.origin(line: line, path: path) }

  func report(_ message: String, suggestion: String? = nil) {
    document.report(line: line, path: path, message, suggestion: suggestion)
  }

  var isMapping: Bool { if case .mapping = node { true } else { false } }

  var isList: Bool { if case .sequence = node { true } else { false } }

  /// Empty, `~` or `null`: as if the key were not there.
  var isNull: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else {
      return false
    }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// What stands here, for "found …". What came out of a file or the environment may be a secret,
  /// and is not shown.
  var found: String {
    switch node {
    case .mapping: return "a mapping"
    case .sequence: return "a list"
    case .alias: return "an alias"
    case .scalar(let scalar):
      if isNull { return "nothing" }
      let text = String(scalar.string.prefix(60)).debugDescription
      return scalar.string.contains("${") ? "the value of \(text)" : text
    }
  }

  /// The value of a scalar, if `parse` accepts it; otherwise reports that `wanted` was.
  ///
  /// - Parameter isSecret: what stands there is not shown, however wrong it is: it goes to logs.
  func parsed<Result>(
    _ wanted: String, isSecret: Bool = false, hint: (String) -> String? = { _ in nil },
    _ parse: (String) -> Result?
  ) -> Result? {
    guard case .scalar(let scalar) = node, !isNull else {
      report("wants \(wanted), found \(found)")
      return nil
    }
    guard let text = expanded(scalar.string) else { return nil }
    if let result = parse(text) { return result }
    let found = isSecret ? "something else, which is not shown" : self.found
    report("wants \(wanted), found \(found)", suggestion: hint(text))
    return nil
  }

  func text(_ wanted: String = "text") -> String? { parsed(wanted) { $0.isEmpty ? nil : $0 } }

  /// Text that fits into one line of a protocol: printable, no line ends, no control characters.
  func line(_ wanted: String) -> String? {
    parsed(wanted) { text in
      let isPrintable = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
      return isPrintable && !text.isEmpty ? text : nil
    }
  }

  func integer(_ range: ClosedRange<Int>) -> Int? {
    parsed("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func flag() -> Bool? {
    parsed("true or false") { ["true": true, "false": false][$0] }
  }

  func duration(_ range: ClosedRange<Duration>) -> Duration? {
    let limits = "\(rendered(range.lowerBound)) to \(rendered(range.upperBound))"
    return parsed("a duration from \(limits)", hint: durationHint) { text in
      parsedDuration(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// A duration of whole seconds.
  func seconds(_ range: ClosedRange<Int>) -> UInt32? {
    let limits = ClosedRange(
      uncheckedBounds: (
        lower: Duration.seconds(range.lowerBound), upper: Duration.seconds(range.upperBound)
      ))
    guard let duration = duration(limits) else { return nil }
    guard duration.components.attoseconds == 0 else {
      report("wants whole seconds, found \(found)")
      return nil
    }
    return UInt32(duration.components.seconds)
  }

  func byteCount(_ range: ClosedRange<Int>) -> Int? {
    let limits = "\(rendered(bytes: range.lowerBound)) to \(rendered(bytes: range.upperBound))"
    return parsed("a size from \(limits), such as 64KiB or 4MiB") { text in
      parsedByteCount(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func share(_ range: ClosedRange<Double>) -> Double? {
    let limits = "\(Int(range.lowerBound * 100))% to \(Int(range.upperBound * 100))%"
    return parsed("a share from \(limits)") { text in
      parsedShare(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// One of a few words.
  func choice<Result>(_ words: KeyValuePairs<String, Result>) -> Result? {
    let list = words.map(\.key).joined(separator: ", ")
    return parsed("one of \(list)", hint: { didYouMean($0, nearest: words.map(\.key)) }) { text in
      words.first { $0.key == text }?.value
    }
  }

  /// The index of what a name stands for.
  func reference(to names: Names) -> Int? {
    guard let name = text("the name of a \(names.kind)") else { return nil }
    return names.index(of: name, at: self)
  }

  /// The elements of a list; a value that is no list stands for a list of one.
  func elements() -> [Value] {
    guard case .sequence(let sequence) = node else { return isNull ? [] : [self] }
    guard document.admits(sequence.count) else { return [] }
    return sequence.enumerated().map { index, node in
      Value(node: node, path: "\(path)[\(index)]", document: document)
    }
  }

  private func durationHint(_ text: String) -> String? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
    return "a duration needs its unit: \(text)s or \(text)ms"
  }
}

/// Names that others may refer to, with the index of each.
struct Names {
  /// Such as `region`, for faults.
  let kind: String
  let all: [String]
  private let indices: [String: Int]

  init(kind: String, _ names: [String]) {
    self.kind = kind
    all = names
    indices = Dictionary(
      names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(name: String) -> Int? { indices[name] }

  /// The index of `name`; reports a fault at `value` if there is none.
  func index(of name: String, at value: Value) -> Int? {
    if let index = indices[name] { return index }
    value.report("there is no \(kind) \"\(name)\"", suggestion: didYouMean(name, all))
    return nil
  }
}

/// The near spelling as a question.
func didYouMean(_ word: String, nearest candidates: [String]) -> String? {
  nearSpelling(of: word, among: candidates).map { "did you mean \"\($0)\"?" }
}

/// The near spelling, or the whole choice where it is small.
func didYouMean(_ word: String, _ candidates: [String]) -> String? {
  if let near = didYouMean(word, nearest: candidates) { return near }
  guard (1...16).contains(candidates.count) else { return nil }
  return "known: \(candidates.joined(separator: ", "))"
}
