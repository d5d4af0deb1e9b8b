package import Settings

/// The layers of a fleet's configuration, as its store has them.
package protocol SharedConfiguration: Sendable {
  /// All of them, as the cluster vouches for them.
  func layers() async throws(SharedConfigurationFault) -> [SharedLayer]

  /// What a layer would change, where it is read.
  ///
  /// - Parameters:
  ///   - layers: that are there now.
  ///   - text: nil: the layer is taken away.
  func proposal(
    _ name: SharedLayerName, _ text: String?, over layers: [SharedLayer]
  ) async -> LayerProposal

  /// Writes or takes away a layer, if it is still as it was read.
  ///
  /// - Parameter expected: nil: it was not there.
  /// - Returns: the new one's version; nil: somebody else was first.
  func write(
    _ name: SharedLayerName, _ text: String?, expected: SharedLayer?
  ) async throws(SharedConfigurationFault) -> LayerVersion?
}

/// What one key of the store says.
package struct SharedLayer: Sendable, Equatable {
  package var name: SharedLayerName
  package var text: String
  package var version: LayerVersion

  package init(name: SharedLayerName, text: String, version: LayerVersion) {
    self.name = name
    self.text = text
    self.version = version
  }
}

/// A strong validator (RFC 9110 §8.8.1): a store that was rebuilt counts revisions anew, and is
/// another cluster then.
package struct LayerVersion: Sendable, Hashable {
  package var clusterID: UInt64
  package var revision: Int64

  package init(clusterID: UInt64, revision: Int64) {
    self.clusterID = clusterID
    self.revision = revision
  }

  var entityTag: String { "\"\(String(clusterID, radix: 16))-\(revision)\"" }
}

/// What would become of the configuration.
package struct LayerProposal: Sendable {
  /// One value that would be another, for whoever reads the layer.
  package struct Change: Sendable, Equatable, Encodable {
    package var key: String
    /// nil: it is not said now.
    package var from: String?
    /// nil: nothing would be said any more.
    package var to: String?

    package init(key: String, from: String?, to: String?) {
      self.key = key
      self.from = from
      self.to = to
    }
  }

  package var changes: [Change]
  /// What would be wrong that is not wrong now.
  package var faults: [Fault]
  /// They are of the layer by itself: whoever reads it, and whatever else there is.
  package var isUnfit: Bool

  package init(changes: [Change], faults: [Fault], isUnfit: Bool) {
    self.changes = changes
    self.faults = faults
    self.isUnfit = isUnfit
  }
}

/// Why the store did not do what it was asked for.
package enum SharedConfigurationFault: Error, Sendable, Equatable {
  case unavailable(String)
  /// The node's user may not.
  case forbidden(String)
  /// A text of this layer is on its way through the fleet.
  case rollingOut
}
