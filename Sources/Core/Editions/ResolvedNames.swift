public import Places

/// What the names that serve in place of endpoints were last found to be: their addresses by name
/// and family. Nothing is known of a name before its first resolution.
public struct ResolvedNames: Sendable, Equatable {
  /// A name and one of the two kinds of addresses.
  public struct Question: Sendable, Hashable {
    /// Wire form in lower case.
    public var name: [UInt8]
    public var isIPv6: Bool

    public init(name: [UInt8], isIPv6: Bool) {
      self.name = name
      self.isIPv6 = isIPv6
    }
  }

  /// The addresses of a name; none if it has none of that family.
  public struct Addresses: Sendable, Equatable {
    /// In ascending order, so that equal answers compare equal.
    public var addresses: [IPAddress]
    /// For how long clients may keep them: all that is left of their life when they are renewed.
    public var ttlSeconds: UInt32
    /// They could not be renewed in time and are kept for want of better (RFC 8767 §4).
    public var isStale: Bool

    public init(addresses: [IPAddress], ttlSeconds: UInt32, isStale: Bool = false) {
      self.addresses = addresses
      self.ttlSeconds = ttlSeconds
      self.isStale = isStale
    }
  }

  public private(set) var answers: [Question: Addresses]

  public static let none = ResolvedNames([:])

  public init(_ answers: [Question: Addresses]) { self.answers = answers }

  public subscript(question: Question) -> Addresses? {
    get { answers[question] }
    set { answers[question] = newValue }
  }
}
