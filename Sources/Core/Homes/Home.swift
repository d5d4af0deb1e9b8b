/// Where the data of a key is: the one region that its clients get.
public struct Home: Sendable, Hashable, BitwiseCopyable {
  /// Index of a region, as whoever made the map counts them.
  public var region: Int
  /// While the key moves: the region that it comes from. Both have its data; ``region`` is
  /// preferred.
  public var former: Int?

  public init(region: Int, former: Int? = nil) {
    self.region = region
    self.former = former
  }
}

/// What of a map has said where a key's home is, the strongest first.
public enum HomeRule: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
  /// A line of the table of overrides.
  case override
  /// The key itself.
  case exact
  /// The longest of the prefixes that the key begins with.
  case prefix
  /// The range that the key's hash falls into.
  case range
  /// Nothing of these: what the map has for all other keys, if anything.
  case otherwise

  /// The word for it in the API and in explanations.
  public var name: String {
    switch self {
    case .override: "override"
    case .exact: "exact"
    case .prefix: "prefix"
    case .range: "range"
    case .otherwise: "default"
    }
  }
}

/// What a map says of one key.
public struct HomeMatch: Sendable, Equatable, BitwiseCopyable {
  @usableFromInline let homeIndex: UInt16
  public let rule: HomeRule

  @usableFromInline static let noHome = UInt16.max
  static let unknown = HomeMatch(homeIndex: noHome, rule: .otherwise)

  init(homeIndex: UInt16, rule: HomeRule) {
    self.homeIndex = homeIndex
    self.rule = rule
  }

  /// Into the homes that the map was made with; nil: the key has none.
  @inlinable public var home: Int? { homeIndex == Self.noHome ? nil : Int(homeIndex) }
}
