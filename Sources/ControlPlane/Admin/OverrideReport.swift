import Announcing
import Clustering
import Publishing
import Routing

/// An override as the API shows it.
struct OverrideReport: Encodable {
  var target: String
  var state: String
  /// Share, 0...1.
  var dial: Double?
  var reason: String
  var author: String
  var setAt: Timestamp
  /// nil: until it is taken back.
  var expiresAt: Timestamp?
  /// In a fleet: whether only this node has it yet.
  var localOnly: Bool?
  /// In a fleet: what else was said without knowledge of each other; nil: nothing.
  var conflict: [WordReport]?

  init(_ override: Override, _ entry: SharedOverrides.Entry? = nil) {
    target = override.target.description
    state = override.state.rawValue
    dial = override.dial
    reason = override.reason
    author = override.author
    setAt = Timestamp(seconds: override.setAt)
    expiresAt = override.expiresAt.map { Timestamp(seconds: $0) }
    localOnly = entry?.isLocalOnly
    conflict = entry.flatMap { $0.conflict.isEmpty ? nil : $0.conflict.map(WordReport.init) }
  }
}

/// One of several words on a target.
struct WordReport: Encodable {
  var state: String
  var dial: Double?
  var reason: String
  var author: String
  var node: String
  var setAt: Timestamp
  var expiresAt: Timestamp?

  init(_ word: SharedOverride.Word) {
    state = word.state.rawValue
    dial = word.dial
    reason = word.reason
    author = word.author
    node = word.node
    setAt = Timestamp(seconds: word.setAt)
    expiresAt = word.expiresAt.map { Timestamp(seconds: $0) }
  }
}
