import Announcing

extension EditionPublisher {
  /// Takes these in place of all overrides that are set, for those who decide on them elsewhere.
  /// Those whose targets the configuration does not have are passed over.
  package func replaceOverrides(with next: [Override]) {
    guard !isFrozen else { return }
    let before = keeper.overrides
    var changed = keeper
    changed.replaceOverrides(with: next)
    guard changed.overrides != before else { return }
    keeper = changed
    let set = changed.overrides.filter { !before.contains($0) }.map { override in
      override.change(from: before.first { $0.target == override.target })
    }
    let gone = before.filter { old in !changed.overrides.contains { $0.target == old.target } }
    publish(
      saying: set
        + gone.map { override in
          let isOver = override.expiresAt.map { .seconds($0) <= moment } ?? false
          return override.removal(isOver ? .overrideExpired : .overrideRemoved)
        })
  }

  /// Whether the configuration has such a target.
  package func isKnown(_ target: Override.Target) -> Bool { keeper.isKnown(target) }
}
