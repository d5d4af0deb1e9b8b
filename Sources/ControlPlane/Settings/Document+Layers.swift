package import Layers
import Yams

/// What a configuration is laid together from.
package struct ConfigurationLayers: Sendable {
  package var layers: Layers
  /// Of the texts, by layer.
  private var names: [String]
  private var linesBefore: [Int]

  /// Only what is no YAML is a fault, and what may not stand in a store: nothing else is checked.
  ///
  /// - Parameter shared: layers of a fleet's store, in their order.
  package init(
    file: String, environment: [String: String], sets: [String],
    shared: [ConfigurationText] = []
  ) throws(Faults) {
    try self.init(
      ConfigurationText.all(file: file, environment: environment, sets: sets, shared: shared),
      environment: environment)
  }

  /// - Parameter texts: in the order of their kinds, at least one.
  package init(
    _ texts: [ConfigurationText], environment: [String: String] = [:]
  ) throws(Faults) {
    let file = texts.first?.name ?? ""
    let document = Document(name: file, folder: "/", environment: environment)
    let trees = document.trees(texts)
    guard document.faults.isEmpty else {
      throw Faults(SettingsReader.inOrderOfFile(document.faults, names: texts.map(\.name)))
    }
    layers = Layers(trees.layers)
    names = document.parts.map(\.name)
    linesBefore = document.parts.map(\.lineBefore)
  }

  /// Where a layer says something.
  package func origin(layer: Int, line: Int?, path: String) -> Origin {
    Origin(file: names[layer], line: line.map { $0 - linesBefore[layer] }, path: path)
  }
}

extension Document {
  /// What lines stand for in the tree of Yams, which makes them itself.
  typealias Marks = [Int: Mark]

  /// Texts laid over each other, as one tree whose lines say where each part was said; nil, and
  /// faults, if one is no YAML.
  ///
  /// - Parameter texts: in the order of their kinds; this document was made with the first's name.
  func merged(_ texts: [ConfigurationText]) -> Node? {
    let (given, marks) = trees(texts)
    guard faults.isEmpty else { return nil }
    let layers = Layers(given)
    for refusal in layers.refusals {
      let origin = origin(line: refusal.line, path: refusal.path)
      let pin = texts[refusal.pinnedBy].name
      report(
        line: refusal.line, path: refusal.path,
        origin.file == pin
          ? "\(refusal.final) is final" : "\(refusal.final) is final in \(pin)",
        suggestion: "take it out here, or out of \"final\" there")
    }
    return layers.merged.node(marks)
  }

  /// The tree of each text, with the lines of this document.
  func trees(_ texts: [ConfigurationText]) -> (layers: [Layer], marks: Marks) {
    var marks: Marks = [:]
    var layers: [Layer] = []
    var lineBefore = 0
    for (index, text) in texts.enumerated() {
      if index > 0 {
        let lineCount = texts[index - 1].text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
        lineBefore = beginPart(text.name, after: lineCount)
      }
      // Lines go on from the text before it.
      let padded = String(repeating: "\n", count: lineBefore) + text.text
      guard let root = root(of: text, padded, lineBefore: lineBefore) else { continue }
      let value = Value(node: root, path: "", document: self)
      let final = value.entries()?.first { $0.name == SettingsReader.finalKey }
      var tree = tree(root, marks: &marks)
      tree.drop(SettingsReader.finalKey)
      let layer = Layer(text.kind, tree: tree, final: final?.value.finalPaths() ?? [])
      if text.kind.isShared { layer.reportUnfitForStore(in: self) }
      layers.append(layer)
    }
    return (layers, marks)
  }

  /// The mapping that a text is; nil, and a fault, if it is none. One that says nothing would take
  /// away all that was said before it, and a file or a layer that is empty was meant to have
  /// something.
  ///
  /// - Parameter padded: the text, with the lines of this document.
  func root(of text: ConfigurationText, _ padded: String, lineBefore: Int) -> Node? {
    let faultCount = faults.count
    guard let root = composed(padded) else {
      if faults.count == faultCount { reportEmpty(text, line: lineBefore + 1) }
      return nil
    }
    let value = Value(node: root, path: "", document: self)
    if value.isMapping { return root }
    if value.isNull {
      reportEmpty(text, line: root.mark?.line ?? lineBefore + 1)
    } else {
      value.report("wants a mapping such as {log: {level: debug}}, found \(value.found)")
    }
    return nil
  }

  private func reportEmpty(_ text: ConfigurationText, line: Int) {
    report(
      line: line, path: "", "is empty; wants a mapping such as {log: {level: debug}}",
      suggestion: text.kind == .file ? nil : "to say nothing, write {}")
  }

  private func tree(_ node: Node, marks: inout Marks) -> LayerTree {
    let line = node.mark?.line
    if let mark = node.mark { marks[mark.line] = mark }
    switch node {
    case .scalar(let scalar):
      let value = Value(node: node, path: "", document: self)
      return LayerTree(value.isNull ? .nothing : .text(scalar.string), line: line)
    case .sequence(let sequence):
      guard admits(sequence.count) else { return LayerTree(.nothing, line: line) }
      return LayerTree(.list(sequence.map { tree($0, marks: &marks) }), line: line)
    case .mapping(let mapping):
      guard admits(mapping.count) else { return LayerTree(.nothing, line: line) }
      let entries = mapping.compactMap { key, value -> LayerTree.Entry? in
        guard let name = name(ofKey: key, in: "") else { return nil }
        if let mark = key.mark { marks[mark.line] = mark }
        return LayerTree.Entry(
          name: name, line: key.mark?.line, tree: tree(value, marks: &marks))
      }
      return LayerTree(.mapping(entries), line: line)
    case .alias: return LayerTree(.nothing, line: line)
    }
  }
}

extension LayerTree {
  /// As Yams has it.
  fileprivate func node(_ marks: Document.Marks) -> Node {
    let mark = line.flatMap { marks[$0] }
    switch content {
    case .nothing: return .scalar(Node.Scalar("", Tag(.implicit), .plain, mark))
    case .text(let text): return .scalar(Node.Scalar(text, Tag(.implicit), .doubleQuoted, mark))
    case .list(let elements):
      return .sequence(Node.Sequence(elements.map { $0.node(marks) }, Tag(.implicit), .any, mark))
    case .mapping(let entries):
      let pairs = entries.map { entry in
        let mark = entry.line.flatMap { marks[$0] }
        return (
          Node.scalar(Node.Scalar(entry.name, Tag(.implicit), .doubleQuoted, mark)),
          entry.tree.node(marks)
        )
      }
      return .mapping(Node.Mapping(pairs, Tag(.implicit), .any, mark))
    }
  }

  fileprivate mutating func drop(_ name: String) {
    guard let entries else { return }
    content = .mapping(entries.filter { $0.name != name })
  }
}

// MARK: - final

extension SettingsReader {
  /// The paths that no later layer may change.
  static let finalKey = "final"
}

extension Section {
  func finalPaths() -> [String] { optional(SettingsReader.finalKey)?.finalPaths() ?? [] }
}

extension Value {
  fileprivate func finalPaths() -> [String] {
    elements().compactMap { $0.line("the path of a key, such as dns.listen") }
  }
}
