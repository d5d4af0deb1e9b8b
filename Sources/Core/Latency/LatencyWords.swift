/// What the nodes of a fleet have told of what they measured. Each word has one writer, and of two
/// of one node the later counts; so it does not matter in which order they are heard, how often, or
/// by way of whom.
///
/// A node that is gone leaves its word here: it fades, and is forgotten when it is too old.
public struct LatencyWords: Sendable, Equatable {
  /// By node.
  public private(set) var byNode: [String: LatencyWord] = [:]

  public init() {}

  /// - Parameter now: seconds since 1970. A word from later than now, by a clock that is wrong,
  ///   counts as of now: it would not fade otherwise.
  /// - Returns: whether it says something new.
  @discardableResult
  public mutating func take(_ word: LatencyWord, of node: String, now: UInt32) -> Bool {
    var word = word
    word.writtenAt = min(word.writtenAt, now)
    guard let known = byNode[node] else {
      byNode[node] = word
      return true
    }
    guard word.isLater(than: known) else { return false }
    byNode[node] = word
    return true
  }

  /// Takes all that others have heard.
  public mutating func merge(_ others: LatencyWords) {
    byNode.merge(others.byNode) { $1.isLater(than: $0) ? $1 : $0 }
  }

  /// - Returns: whether any was older than `maximumAge` seconds.
  @discardableResult
  public mutating func forgetOld(now: UInt32, maximumAge: UInt32) -> Bool {
    let before = byNode.count
    byNode = byNode.filter { now <= $0.value.writtenAt || now - $0.value.writtenAt <= maximumAge }
    return byNode.count < before
  }

  public mutating func forget(_ node: String) { byNode[node] = nil }
}

extension LatencyWord {
  /// Of two that were written in the same second, one and the same on every node.
  fileprivate func isLater(than other: LatencyWord) -> Bool {
    // Mostly it is the same one again.
    guard self != other else { return false }
    guard writtenAt == other.writtenAt else { return writtenAt > other.writtenAt }
    return other.bytes.lexicographicallyPrecedes(bytes)
  }
}
