extension Settings {
  /// What is learned of round trips, for policies of type `latency`.
  package struct Latency: Sendable, Equatable {
    /// Absolute paths of CSV files: prefix, region, milliseconds, samples.
    package var tables: [File] = []
    /// CSV files of what regions measure between each other: from, to, milliseconds.
    package var regionTables: [File] = []
    /// After so long a sample counts half.
    package var halfLife: Duration = .seconds(6 * 3600)
    /// Networks (/24 or /48) of which something is kept, at most.
    package var maximumNetworks = 100_000

    /// How often maps follow what was learned.
    package var interval: Duration = .seconds(30)
    /// What is older is not taken up after a restart.
    package var maximumAge: Duration = .seconds(7 * 86_400)
    /// Index into ``Settings/regions``: where this node stands, and so what the proxy's round trips
    /// to its clients are measured from; nil: they are not measured.
    package var region: Int?

    package struct File: Sendable, Equatable {
      package var path: String
      /// Where it is named.
      package var origin: Origin
    }

    package init() {}
  }
}
