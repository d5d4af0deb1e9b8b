/// What a steered name of a service says of the regions that were decided. Lists are by region,
/// nil where nothing serves there: such a region is absent.
public enum SteeredContent: Sendable, Equatable {
  /// The addresses of the pool's endpoints.
  case endpoints
  /// A CNAME.
  case names([NamedTarget?])
  /// The addresses of the name, which Azimuth resolves itself.
  case resolved([NamedTarget?])
  /// A TXT record that says which region is the primary of another service, and its epoch.
  case primary(ofService: Int)

  /// By region; nil where endpoints serve.
  public var targets: [NamedTarget?]? {
    switch self {
    case .endpoints, .primary: nil
    case .names(let targets), .resolved(let targets): targets
    }
  }
}

/// A domain name that serves in a region in place of endpoints.
public struct NamedTarget: Sendable, Hashable {
  /// Uncompressed wire form in lower case.
  public var wire: [UInt8]
  /// Presentation form with the final dot.
  public var text: String

  public init(wire: [UInt8], text: String) {
    self.wire = wire
    self.text = text
  }
}

/// A service binding that the steered names of a service carry (RFC 9460 §2).
public struct BindingTemplate: Sendable, Equatable {
  public enum Kind: Sendable, Hashable { case https, svcb }

  public var kind: Kind
  /// RDATA without address hints.
  public var data: [UInt8]
  /// Whether the record speaks of the steered name itself and so gets hints: the addresses of the
  /// same outcome.
  public var takesHints: Bool
  /// Presentation form, for people.
  public var text: String

  public init(kind: Kind, data: [UInt8], takesHints: Bool, text: String) {
    self.kind = kind
    self.data = data
    self.takesHints = takesHints
    self.text = text
  }
}
