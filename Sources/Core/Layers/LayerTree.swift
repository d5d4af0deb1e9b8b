/// A configuration as a tree, each part of which knows where it was said.
///
///     mapping ─ key ─→ mapping │ list │ text │ nothing
///
/// Lists are one value: a layer that says one says all of it.
public struct LayerTree: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    /// A key that is there without a value: in a layer it takes away what is below it.
    case nothing
    case text(String)
    case list([LayerTree])
    /// In the order in which it was written.
    case mapping([Entry])
  }

  /// One key with what it has.
  public struct Entry: Sendable, Equatable {
    public var name: String
    /// Of the key, in its layer's text, from 1.
    public var line: Int?
    public var tree: LayerTree

    public init(name: String, line: Int? = nil, tree: LayerTree) {
      self.name = name
      self.line = line
      self.tree = tree
    }
  }

  public var content: Content
  /// The index of the layer that says it; of a mapping, of the first that does.
  public var layer: Int
  /// In that layer's text, from 1.
  public var line: Int?

  public init(_ content: Content, layer: Int = 0, line: Int? = nil) {
    self.content = content
    self.layer = layer
    self.line = line
  }

  /// The entries of a mapping; nil: it is none.
  public var entries: [Entry]? {
    if case .mapping(let entries) = content { return entries }
    return nil
  }

  /// What stands under a path such as `zones.example.org.ttl`; nil: nothing does. Keys may contain
  /// dots, so every way to read the path is tried.
  public func at(_ path: String) -> LayerTree? { at(path[...]) }

  private func at(_ path: Substring) -> LayerTree? {
    if path.isEmpty { return self }
    for entry in entries ?? [] {
      if path == entry.name { return entry.tree }
      if isBelow(path, entry.name),
        let found = entry.tree.at(path.dropFirst(entry.name.count + 1))
      {
        return found
      }
    }
    return nil
  }

  /// Every path with a value that is no mapping with keys, in order.
  public func leaves(below path: String = "") -> [(path: String, tree: LayerTree)] {
    guard let entries, !entries.isEmpty else { return [(path, self)] }
    return entries.flatMap { $0.tree.leaves(below: joined(path, $0.name)) }
  }

  /// What it becomes where `patch` is laid over it, as RFC 7396 §2 merges: mappings key by key,
  /// nothing takes a key away, anything else takes the place of what was there.
  public func merged(with patch: LayerTree) -> LayerTree {
    guard let patches = patch.entries else { return patch }
    var result = entries ?? []
    for entry in patches {
      let index = result.firstIndex { $0.name == entry.name }
      if case .nothing = entry.tree.content {
        if let index { result.remove(at: index) }
        continue
      }
      let base = index.map { result[$0].tree } ?? LayerTree(.nothing)
      let next = base.merged(with: entry.tree)
      if let index, entries != nil {
        let keepsPlace = base.entries != nil && next.entries != nil
        result[index].tree = next
        if !keepsPlace { result[index].line = entry.line }
      } else {
        result.append(Entry(name: entry.name, line: entry.line, tree: next))
      }
    }
    guard entries != nil else {
      return LayerTree(.mapping(result), layer: patch.layer, line: patch.line)
    }
    return LayerTree(.mapping(result), layer: layer, line: line)
  }
}

/// A path and one key more.
func joined(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

/// Whether a path goes on behind another.
func isBelow(_ path: some StringProtocol, _ other: some StringProtocol) -> Bool {
  path.count > other.count && path.hasPrefix(other) && path.dropFirst(other.count).first == "."
}
