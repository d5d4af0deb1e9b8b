package import Engine
package import Layers
package import Settings

/// What the shared store says of one node's configuration: a text for each of its layers that is
/// there.
package struct StoredConfiguration: Sendable, Equatable {
  package struct Layer: Sendable, Equatable {
    package var key: String
    package var kind: LayerKind
    package var text: String
    /// Of its last change.
    package var revision: Int64

    package init(key: String, kind: LayerKind, text: String, revision: Int64) {
      self.key = key
      self.kind = kind
      self.text = text
      self.revision = revision
    }
  }

  /// A layer whose text is that of a rollout.
  package struct RolledLayer: Sendable, Equatable {
    package var key: String
    /// What the layer is elsewhere, and here again if the rollout stops; nil: there is none.
    package var before: Layer?

    package init(key: String, before: Layer?) {
      self.key = key
      self.before = before
    }
  }

  package var clusterID: UInt64
  /// In the order of their kinds.
  package var layers: [Layer]
  /// nil: all layers are as they stand in the store.
  package private(set) var rolled: RolledLayer?

  package init(clusterID: UInt64, layers: [Layer], rolled: RolledLayer? = nil) {
    self.clusterID = clusterID
    self.layers = layers
    self.rolled = rolled
  }

  /// What a node reads: its layers, or in place of one of them the text that is being rolled out,
  /// where that has begun in the node's region.
  package init(_ picture: StorePicture, of start: FleetStart) {
    self.init(picture, keys: start.layerKeys)
    guard let stored = StoredRollout(picture, prefix: start.prefix),
      stored.rollout.isInForce(in: start.region)
    else { return }
    let key = start.key(of: stored.rollout.plan.layer)
    guard let kind = start.layerKeys.first(where: { $0.key == key })?.kind else { return }
    rolled = RolledLayer(key: key, before: layers.first { $0.key == key })
    replace(
      key, with: Layer(key: key, kind: kind, text: stored.text, revision: stored.textRevision))
  }

  /// What it goes back to if the rollout stops; nil: nothing is being rolled out here.
  package var settledIfRolled: StoredConfiguration? {
    guard let rolled else { return nil }
    var settled = self
    settled.rolled = nil
    settled.replace(rolled.key, with: rolled.before)
    return settled
  }

  private mutating func replace(_ key: String, with layer: Layer?) {
    layers = (layers.filter { $0.key != key } + [layer].compactMap(\.self))
      .sorted { $0.kind < $1.kind }
  }

  /// - Parameter keys: of the node's layers, in order.
  package init(_ picture: StorePicture, keys: [(key: String, kind: LayerKind)]) {
    clusterID = picture.clusterID
    layers = keys.compactMap { key, kind in
      picture.entries[key].map {
        // What is no UTF-8 is refused as no YAML, for the characters that take its place.
        Layer(
          key: key, kind: kind, text: String(decoding: $0.value, as: UTF8.self),
          revision: $0.revision)
      }
    }
  }

  /// Of the newest layer; 0: there is none. The same on all nodes that have the same layers.
  package var revision: Int64 { layers.map(\.revision).max() ?? 0 }

  /// Of the text of a rollout that is in force here; nil: none is.
  package var rolloutRevision: Int64? {
    rolled.flatMap { rolled in layers.first { $0.key == rolled.key }?.revision }
  }

  /// For ``SettingsReader``; faults name the key.
  package var texts: [ConfigurationText] {
    layers.map { layer in
      let isRolled = layer.key == rolled?.key
      return ConfigurationText(
        layer.kind, name: isRolled ? "\(layer.key) (rollout)" : layer.key, text: layer.text)
    }
  }

  /// Whether a node would read the same from both, whenever they were written. Without layers it
  /// is as good as none.
  package func saysTheSame(as other: StoredConfiguration?) -> Bool {
    layers.elementsEqual(other?.layers ?? []) { $0.key == $1.key && $0.text == $1.text }
  }

  /// As what a follower knows at its start.
  package var picture: StorePicture {
    StorePicture(
      clusterID: clusterID, revision: revision,
      entries: Dictionary(
        layers.map { ($0.key, StoreEntry(value: Array($0.text.utf8), revision: $0.revision)) },
        uniquingKeysWith: { $1 }),
      isVerified: false)
  }
}
