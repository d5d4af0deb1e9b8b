package import Layers

/// Which layer of the fleet's store, by its path: `global`, `region/tokyo`, `zone/tokyo/a` or
/// `node/edge-1`.
package struct SharedLayerName: Sendable, Hashable, CustomStringConvertible {
  package var kind: LayerKind
  /// Of a region, or of an availability zone.
  package var region: String?
  package var zone: String?
  package var node: String?

  /// nil: no layer has this path.
  package init?(path: some StringProtocol) {
    let parts = String(path).split(separator: "/", omittingEmptySubsequences: false)
      .map { String($0) }
    guard parts.dropFirst().allSatisfy(isName) else { return nil }
    switch (parts[0], parts.count) {
    case ("global", 1): kind = .global
    case ("region", 2):
      kind = .region
      region = parts[1]
    case ("zone", 3):
      kind = .zone
      (region, zone) = (parts[1], parts[2])
    case ("node", 2):
      kind = .node
      node = parts[1]
    default: return nil
    }
  }

  package var description: String {
    let kind =
      switch kind {
      case .region: "region"
      case .zone: "zone"
      case .node: "node"
      default: "global"
      }
    return [kind, region, zone, node].compactMap(\.self).joined(separator: "/")
  }
}

/// Who reads layers of the store, and so which.
package struct LayerReader: Sendable, Hashable {
  package var region: String?
  package var zone: String?
  package var node: String?

  package init(region: String? = nil, zone: String? = nil, node: String? = nil) {
    self.region = region
    self.zone = zone
    self.node = node
  }

  /// In the order in which they are laid over each other.
  package var names: [SharedLayerName] {
    let paths = [
      "global", region.map { "region/\($0)" },
      region.flatMap { region in zone.map { "zone/\(region)/\($0)" } }, node.map { "node/\($0)" },
    ]
    return paths.compactMap { $0.flatMap { SharedLayerName(path: $0) } }
  }
}
