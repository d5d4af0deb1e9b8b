/// Who says something of the configuration. A later one's word counts for more.
public enum LayerKind: Int, Sendable, Comparable, CaseIterable {
  case builtIn, file, global, region, zone, node, environment, flag

  public static func < (left: LayerKind, right: LayerKind) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What one of them says.
public struct Layer: Sendable, Equatable {
  public var kind: LayerKind
  public var tree: LayerTree
  /// Paths that no later layer may change: neither at them, nor below, nor by taking away what they
  /// are part of. That there is nothing at them is pinned too.
  public var final: [String]

  public init(_ kind: LayerKind, tree: LayerTree, final: [String] = []) {
    self.kind = kind
    self.tree = tree
    self.final = final
  }
}

/// Layers laid over each other: the configuration that they make, what of it may not be, and who
/// has said what.
public struct Layers: Sendable {
  /// A word on what an earlier layer has pinned.
  public struct Refusal: Sendable, Equatable {
    /// Of what was said.
    public var path: String
    public var layer: Int
    public var line: Int?
    /// The path that is final, and the layer that has pinned it.
    public var final: String
    public var pinnedBy: Int
  }

  /// A value, who says it, and what it hides.
  public struct Explanation: Sendable, Equatable {
    public struct Word: Sendable, Equatable {
      public var layer: Int
      public var line: Int?
      /// `nothing`: this layer takes it away.
      public var content: LayerTree.Content

      public init(layer: Int, line: Int?, content: LayerTree.Content) {
        self.layer = layer
        self.line = line
        self.content = content
      }
    }

    public var path: String
    /// In force; nil: no layer says anything that holds, so the built-in default does.
    public var word: Word?
    /// What others say of the same path, the strongest first.
    public var hidden: [Word]
    /// The layer that has made it final.
    public var pinnedBy: Int?
  }

  /// In the order of their kinds; of the same kind, as they were given.
  public let layers: [Layer]
  public let merged: LayerTree
  public let refusals: [Refusal]

  /// Refused words are not merged.
  public init(_ given: [Layer]) {
    layers = given.enumerated()
      .sorted { ($0.element.kind, $0.offset) < ($1.element.kind, $1.offset) }
      .enumerated().map { index, layer in
        var layer = layer.element
        layer.tree.mark(layer: index)
        return layer
      }
    var merged = LayerTree(.mapping([]))
    var refusals: [Refusal] = []
    var pins: [(path: String, layer: Int)] = []
    for (index, layer) in layers.enumerated() {
      var tree = layer.tree
      for pin in pins {
        tree.remove(touching: pin.path) { path, line in
          refusals.append(
            Refusal(path: path, layer: index, line: line, final: pin.path, pinnedBy: pin.layer))
        }
      }
      // The first is what the others are laid over, so a key without a value stays in it.
      merged = index == 0 && layer.kind <= .file ? tree : merged.merged(with: tree)
      pins += layer.final.map { ($0, index) }
    }
    self.merged = merged
    self.refusals = refusals
  }

  /// What is in force at a path, and below it: one for each value.
  public func explain(_ path: String) -> [Explanation] {
    guard let tree = merged.at(path) else { return [explanation(path, nil)] }
    return tree.leaves(below: path).map { explanation($0.path, $0.tree) }
  }

  private func explanation(_ path: String, _ tree: LayerTree?) -> Explanation {
    let words = layers.indices.reversed().compactMap { index -> Explanation.Word? in
      layers[index].tree.at(path).map { .init(layer: index, line: $0.line, content: $0.content) }
    }
    let word = tree.map { Explanation.Word(layer: $0.layer, line: $0.line, content: $0.content) }
    let pin = layers.indices.first { index in
      layers[index].final.contains { $0 == path || isBelow(path, $0) }
    }
    return Explanation(
      path: path, word: word, hidden: words.filter { $0.layer != word?.layer }, pinnedBy: pin)
  }
}

extension LayerTree {
  fileprivate mutating func mark(layer: Int) {
    self.layer = layer
    switch content {
    case .nothing, .text: break
    case .list(var elements):
      for index in elements.indices { elements[index].mark(layer: layer) }
      content = .list(elements)
    case .mapping(var entries):
      for index in entries.indices { entries[index].tree.mark(layer: layer) }
      content = .mapping(entries)
    }
  }

  /// Takes out all that would change what stands at a pinned path, and tells each.
  fileprivate mutating func remove(
    touching pinned: String, below path: String = "", told: (String, Int?) -> Void
  ) {
    guard var entries else { return }
    entries.removeAll { entry in
      let here = joined(path, entry.name)
      // At the pinned path or below it, whatever it says; above it, what is no mapping.
      let isTouching =
        here == pinned || isBelow(here, pinned)
        || (isBelow(pinned, here) && entry.tree.entries == nil)
      if isTouching { told(here, entry.line ?? entry.tree.line) }
      return isTouching
    }
    for index in entries.indices where isBelow(pinned, joined(path, entries[index].name)) {
      entries[index].tree.remove(
        touching: pinned, below: joined(path, entries[index].name), told: told)
    }
    content = .mapping(entries)
  }
}
