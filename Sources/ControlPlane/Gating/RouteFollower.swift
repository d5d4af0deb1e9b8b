package import Places

/// What routers are to be told, by what a node says of itself, or by its silence.
///
/// A node that does not answer is taken for lost after some patience: the admin server of one that
/// is replaced by a hot restart is away for a moment.
package struct RouteFollower: Sendable {
  /// Since the last good answer. With the pace of the questions and the time-out of one, a node
  /// that was killed is withdrawn within three seconds.
  package static let patience = Duration.seconds(2)
  /// Between two questions to the node.
  package static let interval = Duration.milliseconds(500)

  /// The prefixes that are to be announced, and the MED of each.
  package private(set) var routes: [AddressPrefix: UInt32] = [:]
  /// All prefixes that were ever heard of: what is not in ``routes`` is to be withdrawn.
  package private(set) var known: Set<AddressPrefix>
  /// Something is known of the node: what it says, or that it is lost. Until then routers are told
  /// nothing, whatever they have.
  package private(set) var isSettled = false
  private var lastHeard: Duration

  /// - Parameter prefixes: that routers may have from before.
  package init(_ prefixes: [AddressPrefix] = [], now: Duration) {
    known = Set(prefixes)
    lastHeard = now
  }

  package mutating func heard(_ report: AnycastReport, now: Duration) {
    lastHeard = now
    isSettled = true
    let prefixes = report.prefixes.compactMap { AddressPrefix($0) }
    known.formUnion(prefixes)
    routes =
      report.announced
      ? Dictionary(prefixes.map { ($0, report.med) }, uniquingKeysWith: { first, _ in first })
      : [:]
  }

  /// The node did not answer, or not with what it should.
  package mutating func missed(now: Duration) {
    guard now - lastHeard >= Self.patience else { return }
    routes = [:]
    isSettled = true
  }

  /// Whoever speaks ends.
  package mutating func end() { routes = [:] }
}
