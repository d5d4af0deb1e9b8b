/// What a word was said in knowledge of: by node, the count of its last word that was known.
///
/// A node's counts only grow, also where its disk is lost: each is at least the milliseconds since
/// 1970 (a hybrid logical clock; Kulkarni et al. 2014, and Parker et al. 1983 for the vectors).
package struct VersionVector: Sendable, Hashable, CustomStringConvertible {
  package private(set) var counts: [String: UInt64]

  package init(_ counts: [String: UInt64] = [:]) { self.counts = counts }

  /// Whether all that `other` knew is known here.
  package func covers(_ other: VersionVector) -> Bool {
    other.counts.allSatisfy { node, count in counts[node, default: 0] >= count }
  }

  /// Whether it came later than `other`: it knew all of that, and more.
  package func follows(_ other: VersionVector) -> Bool { self != other && covers(other) }

  package func joined(with other: VersionVector) -> VersionVector {
    VersionVector(counts.merging(other.counts, uniquingKeysWith: max))
  }

  /// The vector of the next word that a node says.
  ///
  /// - Parameter now: seconds since 1970.
  package func next(of node: String, now: Double) -> VersionVector {
    var next = self
    let greatest = counts.values.max() ?? 0
    next.counts[node] = max(greatest, UInt64(max(0, min(now, Self.latest)) * 1000)) + 1
    return next
  }

  /// `edge-1=7 edge-2=3`.
  package var description: String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  /// No time is later, in seconds since 1970: counts fit in what JSON has of whole numbers.
  static let latest = 1e12
}
