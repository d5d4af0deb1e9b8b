package import Engine

/// Every change of a rollout: all of it or nothing, and only if nobody was first.
extension StoredRollout {
  /// Another state in its place. A node that has had the text and has gone back is not to be taken
  /// for one that has it, so a rollout that begins anew has its text written anew.
  package func transaction(to next: Rollout, prefix: String) -> StoreTransaction {
    var writes = [Self.put(next, prefix)]
    if rollout.phase == .stopped, next.phase == .baking { writes.append(Self.put(text, prefix)) }
    return StoreTransaction(expected: expected(prefix), writes: writes)
  }

  /// The text becomes the layer, if that is still what it was.
  package func finish(prefix: String) -> StoreTransaction {
    let layer = Self.layerKey(rollout.plan, prefix)
    var expected = expected(prefix)
    expected[layer] = rollout.base
    return StoreTransaction(
      expected: expected,
      writes: [.put(layer, Array(text.utf8), lease: 0)] + Self.deletions(prefix))
  }

  /// The layer stays as it was.
  package func abandonment(prefix: String) -> StoreTransaction {
    StoreTransaction(expected: expected(prefix), writes: Self.deletions(prefix))
  }

  /// - Parameter picture: of all that stands there now, in which there is no rollout.
  package static func beginning(
    _ rollout: Rollout, text: String, over picture: StorePicture, prefix: String
  ) -> StoreTransaction {
    var expected = [layerKey(rollout.plan, prefix): rollout.base]
    for key in ["\(prefix)\(statePath)", "\(prefix)\(textPath)"] {
      expected[key] = picture.entries[key]?.revision ?? 0
    }
    return StoreTransaction(
      expected: expected, writes: [put(rollout, prefix), put(text, prefix)])
  }

  private func expected(_ prefix: String) -> [String: Int64] {
    ["\(prefix)\(Self.statePath)": revision, "\(prefix)\(Self.textPath)": textRevision]
  }

  private static func deletions(_ prefix: String) -> [StoreTransaction.Write] {
    [.delete("\(prefix)\(statePath)"), .delete("\(prefix)\(textPath)")]
  }

  private static func put(_ rollout: Rollout, _ prefix: String) -> StoreTransaction.Write {
    .put("\(prefix)\(statePath)", rollout.json, lease: 0)
  }

  private static func put(_ text: String, _ prefix: String) -> StoreTransaction.Write {
    .put("\(prefix)\(textPath)", Array(text.utf8), lease: 0)
  }

  /// Of the layer that a text is to replace.
  package static func layerKey(_ plan: Rollout.Plan, _ prefix: String) -> String {
    "\(prefix)config/\(plan.layer)"
  }
}
