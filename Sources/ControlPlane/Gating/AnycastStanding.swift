/// How a node stands with its anycast addresses: whether routes to them are to lead to it, and why
/// not.
///
/// The raw values are what nodes of a fleet tell each other.
package enum AnycastStanding: String, Sendable, CaseIterable {
  /// The node has been well for long enough.
  case announced
  /// It is not well, or not for long enough yet; but no other node of the fleet announces.
  case lastHope = "last_hope"
  /// It is well, and it is waited whether it stays so; or it has not yet been asked.
  case waiting
  /// It does not answer its own questions.
  case failing
  /// It finds itself cut off from the other regions.
  case isolated
  /// An operator has taken its region, or its part of that, away.
  case drained
  /// It was told to end.
  case ending

  /// Whether routes are to lead here.
  package var isAnnounced: Bool { self == .announced || self == .lastHope }

  /// Whether the node is kept from it by what is wrong with it.
  package var isImpeded: Bool { self == .failing || self == .isolated }
}
