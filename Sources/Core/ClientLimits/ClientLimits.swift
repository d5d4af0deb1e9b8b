/// What clients of one listener may have: each limit for every group of its kind by itself.
public struct ClientLimits: Sendable, Equatable, BitwiseCopyable {
  /// Of whom connections are counted together.
  public enum Group: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case address
    /// A /24 or a /56: what providers give to one customer.
    case prefix
    case asn
    case country

    /// In the configuration, in metrics and in logs.
    public var name: String {
      switch self {
      case .address: "address"
      case .prefix: "prefix"
      case .asn: "asn"
      case .country: "country"
      }
    }
  }

  /// Of one group.
  public struct Limit: Sendable, Equatable, BitwiseCopyable {
    /// Connections open at once; nil: as many as they like.
    public var connections: Int?
    /// New connections a second, a second's worth at once after a rest; nil: no limit.
    public var perSecond: Int?

    public static let none = Limit()

    public init(connections: Int? = nil, perSecond: Int? = nil) {
      self.connections = connections
      self.perSecond = perSecond
    }
  }

  public var address = Limit.none
  public var prefix = Limit.none
  public var asn = Limit.none
  public var country = Limit.none

  public init() {}

  public subscript(group: Group) -> Limit {
    switch group {
    case .address: address
    case .prefix: prefix
    case .asn: asn
    case .country: country
    }
  }

  /// Whether there is nothing to count.
  public var isEmpty: Bool { Group.allCases.allSatisfy { self[$0] == .none } }
}
