import Announcing
package import Routing

/// An operator's word on a region, an availability zone of it, its part of a pool, or one endpoint.
package struct Override: Sendable, Equatable {
  package var target: Target
  package var state: OverrideState
  /// Of a whole region: the share of its clients that it gets, 0...1, in place of the configured
  /// one.
  package var dial: Double?
  package var reason: String
  package var author: String
  /// Seconds since 1970; nil: until it is taken back.
  package var expiresAt: Double?
  /// Seconds since 1970.
  package var setAt: Double

  package init(
    target: Target, state: OverrideState, dial: Double? = nil, reason: String, author: String,
    expiresAt: Double?, setAt: Double
  ) {
    self.target = target
    self.state = state
    self.dial = dial
    self.reason = reason
    self.author = author
    self.expiresAt = expiresAt
    self.setAt = setAt
  }

  /// `tokyo`, `tokyo/@a` (an availability zone), `tokyo/web` or `tokyo/web/192.0.2.1:80`.
  package struct Target: Sendable, Hashable, CustomStringConvertible {
    package var region: String
    package var pool: String?
    package var socket: String?
    /// Without pool and socket.
    package var availabilityZone: String?

    /// nil unless it has one to three parts, none of them empty.
    package init?(_ text: String) {
      let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.allSatisfy({ !$0.isEmpty }), let region = parts.first else { return nil }
      self.region = String(region)
      if parts.count > 1, parts[1].hasPrefix("@") {
        guard parts.count == 2, parts[1].count > 1 else { return nil }
        availabilityZone = String(parts[1].dropFirst())
        return
      }
      pool = parts.count > 1 ? String(parts[1]) : nil
      socket = parts.count > 2 ? String(parts[2]) : nil
    }

    package var description: String {
      [region, availabilityZone.map { "@\($0)" }, pool, socket].compactMap(\.self)
        .joined(separator: "/")
    }

    /// Whether it is a region as a whole.
    package var isRegion: Bool { pool == nil && availabilityZone == nil }

    /// Whether it speaks of the endpoint, whose id is `region/pool/address:port`.
    func covers(_ endpoint: RoutingModel.Endpoint) -> Bool {
      if let availabilityZone {
        return endpoint.availabilityZone == availabilityZone && endpoint.id.hasPrefix(region + "/")
      }
      return endpoint.id == description || endpoint.id.hasPrefix(description + "/")
    }
  }
}

extension Override {
  /// What its setting is to consumers.
  func change(from before: Override?) -> Change {
    Change(
      .overrideSet, of: target.description, from: before?.summary ?? OverrideState.auto.rawValue,
      to: summary, cause: reason, author: author)
  }

  /// What its end is to consumers.
  func removal(_ kind: Event.Kind) -> Change {
    Change(
      kind, of: target.description, from: summary, to: OverrideState.auto.rawValue, cause: reason,
      author: author)
  }

  /// `down`, or `auto, dial 30%`.
  private var summary: String {
    let dial = dial.map { ", dial \(Int(($0 * 100).rounded()))%" } ?? ""
    return state.rawValue + dial
  }
}

extension OverrideState {
  /// The safer of two words on one endpoint: down before drain before up before auto.
  func safer(_ other: OverrideState) -> OverrideState {
    let order: [OverrideState] = [.down, .drain, .up, .auto]
    return order.first { $0 == self || $0 == other } ?? self
  }
}
