/// The round trip expected between a client and a region, and what it rests on.
public struct LatencyEstimate: Sendable, Equatable {
  public var milliseconds: Double
  public var basis: LatencyBasis
  /// 0...1: the part of the figure that was measured and not assumed.
  public var confidence: Double

  public init(milliseconds: Double, basis: LatencyBasis, confidence: Double) {
    self.milliseconds = milliseconds
    self.basis = basis
    self.confidence = confidence
  }

  /// Whether it rests on more than the distance.
  public var isMeasured: Bool { basis != .distance }
}

/// The narrowest knowledge that an estimate rests on.
public enum LatencyBasis: UInt8, Sendable, BitwiseCopyable {
  /// The client's own network was measured.
  case network
  /// Others of its ASN were.
  case system
  /// Others of its country were.
  case country
  /// Nobody near: the distance, and what regions measure among each other.
  case distance

  /// The word for it in the API.
  public var name: String {
    switch self {
    case .network: "network"
    case .system: "asn"
    case .country: "country"
    case .distance: "distance"
    }
  }
}

/// How the levels of knowledge are weighed against each other. Chosen on meshes of hosts with
/// `make quality`; see docs/measurements.md.
package struct LatencyWeights: Sendable, Equatable {
  /// Samples that the expectation of a network is worth against its own.
  package var network = 0.1
  /// Networks that the country's residual is worth against the ASN's.
  package var system = 1.0
  /// Networks that no residual is worth against the country's.
  package var country = 1.0

  package init() {}
}
