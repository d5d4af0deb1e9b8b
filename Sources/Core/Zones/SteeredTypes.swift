public import DNSWire

/// Which types of a steered name routing decides; the others are the zone's own records.
public struct SteeredTypes: OptionSet, Sendable, Hashable, BitwiseCopyable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A and AAAA.
  @inlinable public static var addresses: SteeredTypes { SteeredTypes(rawValue: 1) }
  /// HTTPS (RFC 9460 §9).
  @inlinable public static var https: SteeredTypes { SteeredTypes(rawValue: 2) }
  /// SVCB (RFC 9460 §2).
  @inlinable public static var svcb: SteeredTypes { SteeredTypes(rawValue: 4) }
  /// Every type gets the service's CNAME, so that nothing else can stand at the name.
  @inlinable public static var alias: SteeredTypes { SteeredTypes(rawValue: 8) }
  /// TXT: which region is a service's primary.
  @inlinable public static var text: SteeredTypes { SteeredTypes(rawValue: 16) }

  /// Which service it is, a label of the asked name decides.
  @inlinable public static var keyed: SteeredTypes { SteeredTypes(rawValue: 32) }

  /// Whether routing decides this type; of an alias, every one.
  @inlinable
  public func contains(_ type: RecordType) -> Bool {
    switch type {
    case .a, .aaaa: !isDisjoint(with: [.addresses, .alias])
    case .https: !isDisjoint(with: [.https, .alias])
    case .svcb: !isDisjoint(with: [.svcb, .alias])
    case .txt: !isDisjoint(with: [.text, .alias])
    default: contains(.alias)
    }
  }
}
