package import Engine

/// The values below one part of a fleet's prefix, decoded once each: only what has changed since is
/// decoded anew.
package struct FleetSection<Value: Sendable>: Sendable {
  private let prefix: String
  private let decode: @Sendable ([UInt8]) -> Value?
  private var clusterID: UInt64?
  /// Of every key below the prefix.
  private var revisions: [String: Int64] = [:]

  /// By what follows the prefix in the key. With the revision of each, for compare and swap.
  package private(set) var values: [String: (value: Value, revision: Int64)] = [:]
  /// What follows the prefix in the keys whose values were not understood. They are in no other
  /// way there: what they said before counts no more.
  package private(set) var malformed: Set<String> = []

  /// - Parameters:
  ///   - prefix: with the slash at its end.
  ///   - decode: nil: it is none of these values.
  package init(prefix: String, decode: @escaping @Sendable ([UInt8]) -> Value?) {
    self.prefix = prefix
    self.decode = decode
  }

  /// - Returns: whether something below the prefix is other than before.
  /// - Complexity: one look at each key of the picture.
  package mutating func take(_ picture: StorePicture) -> Bool {
    if clusterID != picture.clusterID {
      // Another cluster's revisions say nothing of these.
      revisions = revisions.mapValues { _ in -1 }
      clusterID = picture.clusterID
    }
    var count = 0
    var isChanged = false
    for (key, entry) in picture.entries where key.hasPrefix(prefix) {
      count += 1
      guard revisions[key] != entry.revision else { continue }
      revisions[key] = entry.revision
      isChanged = true
      take(entry, of: name(key))
    }
    guard count < revisions.count else { return isChanged }
    for key in revisions.keys where picture.entries[key] == nil {
      revisions[key] = nil
      values[name(key)] = nil
      malformed.remove(name(key))
    }
    return true
  }

  private mutating func take(_ entry: StoreEntry, of name: String) {
    if let value = decode(entry.value) {
      values[name] = (value, entry.revision)
      malformed.remove(name)
    } else {
      values[name] = nil
      malformed.insert(name)
    }
  }

  private func name(_ key: String) -> String { String(key.dropFirst(prefix.count)) }
}
