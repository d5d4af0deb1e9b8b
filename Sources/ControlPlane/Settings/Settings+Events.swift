package import Announcing

extension Settings {
  /// What consumers are told of transitions.
  package struct Events: Sendable, Equatable {
    /// Events that can be asked for again.
    package var keep = 10_000
    package var webhooks: [Webhook] = []

    package init() {}
  }
}
