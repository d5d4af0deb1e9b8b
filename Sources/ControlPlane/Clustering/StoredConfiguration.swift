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

  package var clusterID: UInt64
  /// In the order of their kinds.
  package var layers: [Layer]

  package init(clusterID: UInt64, layers: [Layer]) {
    self.clusterID = clusterID
    self.layers = layers
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

  /// For ``SettingsReader``; faults name the key.
  package var texts: [ConfigurationText] {
    layers.map { ConfigurationText($0.kind, name: $0.key, text: $0.text) }
  }

  /// Whether a node would read the same from both, whenever they were written. Without layers it
  /// is as good as none.
  package func saysTheSame(as other: StoredConfiguration?) -> Bool {
    texts == (other?.texts ?? [])
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
