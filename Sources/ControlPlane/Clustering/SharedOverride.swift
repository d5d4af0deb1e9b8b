package import Publishing
package import Routing

/// What operators have said of one target, anywhere in the fleet: the words that no later one has
/// replaced. There is one, but where two were said that did not know of each other.
///
///     edge-1: drain  {edge-1: 1} ─┬─ together: both, the safer one in force, a conflict
///     edge-2: up     {edge-2: 1} ─┘        └─ acknowledged: drain {edge-1: 1, edge-2: 2} alone
///
/// An override that was taken back is a word as well (``Word/isRemoval``): it replaces what it
/// knew, so that an old copy of that never comes back.
package struct SharedOverride: Sendable, Equatable {
  package struct Word: Sendable, Hashable {
    package var state: OverrideState
    /// 0...1.
    package var dial: Double?
    package var reason: String
    package var author: String
    /// Seconds since 1970; nil: never.
    package var expiresAt: Double?
    /// Seconds since 1970.
    package var setAt: Double
    /// To whom it was said.
    package var node: String
    package var version: VersionVector

    package init(_ override: Override, node: String, version: VersionVector) {
      state = override.state
      dial = override.dial
      reason = override.reason
      author = override.author
      expiresAt = override.expiresAt
      setAt = override.setAt
      self.node = node
      self.version = version
    }

    /// It asks for nothing.
    package var isRemoval: Bool { state == .auto && dial == nil }

    package func override(of target: Override.Target) -> Override {
      Override(
        target: target, state: state, dial: dial, reason: reason, author: author,
        expiresAt: expiresAt, setAt: setAt)
    }

    package func isOver(at now: Double) -> Bool { expiresAt.map { $0 <= now } ?? false }

    /// Whether it asks for the same as another one.
    func saysTheSame(as other: Word) -> Bool { state == other.state && dial == other.dial }
  }

  /// More words than nodes that said one in the same partition are none.
  package static let mostWords = 32

  /// None of them follows another; the safest first.
  package private(set) var words: [Word]

  /// - Parameter words: in any order, at least one; those that others follow are left out.
  package init(_ words: [Word]) {
    let latest = Set(words).filter { word in
      !words.contains { $0.version.follows(word.version) }
    }
    self.words = Array(latest.sorted { $0.isSafer(than: $1) }.prefix(Self.mostWords))
  }

  /// Both together: commutative, associative and idempotent.
  package func merged(with other: SharedOverride) -> SharedOverride {
    SharedOverride(words + other.words)
  }

  /// What comes of saying something in knowledge of this.
  package func replaced(by override: Override, node: String, now: Double) -> SharedOverride {
    Self.first(override, node: node, now: now, knowing: version)
  }

  /// What comes of saying something where nothing was said.
  package static func first(
    _ override: Override, node: String, now: Double, knowing version: VersionVector = .init()
  ) -> SharedOverride {
    SharedOverride([
      Word(override, node: node, version: version.next(of: node, now: now))
    ])
  }

  /// All that its words knew.
  package var version: VersionVector {
    words.reduce(VersionVector()) { $0.joined(with: $1.version) }
  }

  /// Whether it says all that `other` says, and perhaps more.
  package func covers(_ other: SharedOverride) -> Bool { merged(with: other) == self }
}

// MARK: - what it comes to

extension SharedOverride {
  /// The words that hold now, removals among them.
  package func standing(at now: Double) -> [Word] { words.filter { !$0.isOver(at: now) } }

  /// Words that ask for different things, until somebody settles which it is; else empty.
  package func conflict(at now: Double) -> [Word] {
    let standing = standing(at: now)
    guard let first = standing.first else { return [] }
    return standing.allSatisfy { $0.saysTheSame(as: first) } ? [] : standing
  }

  /// The safest of all that hold: the safest state, the lowest dial, and until the last word ends
  /// that asks for that state; nil: nothing is asked for.
  package func inForce(on target: Override.Target, at now: Double) -> Override? {
    let standing = standing(at: now)
    guard let first = standing.first else { return nil }
    var override = first.override(of: target)
    override.dial = standing.compactMap(\.dial).min()
    guard override.state != .auto || override.dial != nil else { return nil }
    let ends = standing.filter { $0.state == first.state && !$0.isRemoval }.map(\.expiresAt)
    override.expiresAt = ends.contains(nil) ? nil : ends.compactMap(\.self).max()
    return override
  }

  /// Nothing is asked for any more, for so long that nobody has an older copy.
  ///
  /// - Parameter seconds: since then.
  package func isForgettable(after seconds: Double, now: Double) -> Bool {
    words.allSatisfy { word in
      if word.isRemoval { return word.setAt + seconds <= now }
      return word.expiresAt.map { $0 + seconds <= now } ?? false
    }
  }
}

extension SharedOverride.Word {
  /// A total order, the same on all nodes: what takes more away is first.
  fileprivate func isSafer(than other: Self) -> Bool {
    let order: [OverrideState] = [.down, .drain, .up, .auto]
    func rank(_ word: Self) -> Int { order.firstIndex(of: word.state) ?? order.count }
    if state != other.state { return rank(self) < rank(other) }
    if dial != other.dial { return (dial ?? 2) < (other.dial ?? 2) }
    if expiresAt != other.expiresAt {
      return (expiresAt ?? .infinity) > (other.expiresAt ?? .infinity)
    }
    if setAt != other.setAt { return setAt > other.setAt }
    let texts = [node, author, reason, version.description]
    let others = [other.node, other.author, other.reason, other.version.description]
    return texts.lexicographicallyPrecedes(others)
  }
}
