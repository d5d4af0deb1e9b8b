import FoundationEssentials

/// What a node says of itself under its key, as JSON.
package struct NodeWord: Codable, Sendable, Equatable {
  package var version: String
  package var region: String?
  /// Its availability zone.
  package var zone: String?
  /// Where its admin server listens.
  package var admin: String?
  /// Of the newest layer in force; 0: nothing of the store is.
  package var revision: Int64
  /// What the store says of its configuration is in force.
  package var valid: Bool
  /// False: it waits for its first configuration.
  package var serving: Bool
  /// The revision of the text of a rollout that is in force; nil: none is.
  package var rollout: Int64?
  /// What it does for its clients; nil: a node of a version that does not say it.
  package var figures: NodeFigures?
  /// Seconds since 1970, by the node's own clock, as the others.
  package var startedAt: Int
  /// Since when its watch of the store stands; nil: none does.
  package var connectedSince: Int?
  /// When it was written.
  package var at: Int
  /// How it stands with its anycast addresses, a word of the gate's; nil: it has none.
  package var anycast: String?

  package init(
    version: String, region: String?, zone: String?, admin: String?, revision: Int64, valid: Bool,
    serving: Bool, rollout: Int64? = nil, figures: NodeFigures? = nil, startedAt: Int,
    connectedSince: Int?, at: Int, anycast: String? = nil
  ) {
    self.version = version
    self.region = region
    self.zone = zone
    self.admin = admin
    self.revision = revision
    self.valid = valid
    self.serving = serving
    self.rollout = rollout
    self.figures = figures
    self.startedAt = startedAt
    self.connectedSince = connectedSince
    self.at = at
    self.anycast = anycast
  }

  /// nil: these bytes are no node's.
  package init?(json: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let word = try? decoder.decode(NodeWord.self, from: Data(json)) else { return nil }
    self = word
  }

  package var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { Array($0) } ?? []
  }
}
