import Places

/// The lines that ExaBGP is told over its pipe, each once.
package struct ExaBGPScript: Sendable {
  /// The MED that was said last; nil: withdrawn.
  private var said: [AddressPrefix: UInt32?] = [:]

  package init() {}

  /// What is to be said now, without line ends. A prefix of which nothing was said yet is withdrawn
  /// expressly: ExaBGP may have the routes of a predecessor.
  package mutating func lines(for follower: RouteFollower) -> [String] {
    var lines: [String] = []
    for prefix in follower.known.sorted(by: { "\($0)" < "\($1)" }) {
      let med = follower.routes[prefix]
      if let before = said[prefix], before == med { continue }
      said[prefix] = .some(med)
      lines.append(
        med.map { "announce route \(prefix) next-hop self med \($0)" }
          ?? "withdraw route \(prefix) next-hop self")
    }
    return lines
  }
}
