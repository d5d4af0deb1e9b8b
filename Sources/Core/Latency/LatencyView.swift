import Places

/// What was known of latencies when an edition was compiled.
public struct LatencyView: Sendable, Equatable {
  public let model: LatencyModel
  /// Views of the same regions are told apart by it.
  public let generation: UInt64

  public init(_ model: LatencyModel, generation: UInt64) {
    self.model = model
    self.generation = generation
  }

  public static func == (a: LatencyView, b: LatencyView) -> Bool {
    a.generation == b.generation && a.model.sites == b.model.sites
  }
}

extension LatencyModel {
  /// The networks of which something was published, ascending.
  public var measuredNetworks: [LatencyNetwork] {
    networks.filter { $1.contains { $0.published.weight > 0 } }.map(\.key)
      .sorted { $0.rawValue < $1.rawValue }
  }
}
