package import Announcing

/// How a node stands with its anycast addresses: `GET /v1/anycast`. Whoever speaks to routers
/// follows it.
package struct AnycastReport: Codable, Sendable, Equatable {
  /// Routes to the prefixes are to lead to this node.
  package var announced: Bool
  /// A value of ``AnycastStanding``.
  package var standing: String
  /// What the standing rests on, for people.
  package var why: String
  /// Since when it stands so.
  package var since: Timestamp
  /// Of the routes (RFC 4271 §5.1.4): the lower the better.
  package var med: UInt32
  /// Why the routes are worse than usual; nil: they are not.
  package var degraded: String?
  /// `192.0.2.53/32`.
  package var prefixes: [String]
  /// Own questions that have gone wrong since the last that went well.
  package var failures: Int
  /// What the last own question that went wrong met; nil: none has.
  package var lastFault: String?

  package init(
    announced: Bool, standing: String, why: String, since: Timestamp, med: UInt32,
    degraded: String?, prefixes: [String], failures: Int, lastFault: String?
  ) {
    self.announced = announced
    self.standing = standing
    self.why = why
    self.since = since
    self.med = med
    self.degraded = degraded
    self.prefixes = prefixes
    self.failures = failures
    self.lastFault = lastFault
  }
}
