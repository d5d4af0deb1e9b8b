public import DNSWire

/// What stands behind a name, for denials that list its types (RFC 4034 §4.1.2).
public struct NameTypes: Sendable, BitwiseCopyable {
  /// -1: the name does not exist.
  fileprivate var node = -1
  /// Only what the delegating zone has to say of the name.
  fileprivate var isDelegation = false
  /// The types that routing decides.
  fileprivate var steered: SteeredTypes = []

  /// Whether the name is there, or a wildcard stands for it.
  public var exists: Bool { node >= 0 }

  fileprivate static let none = NameTypes()
}

extension ZoneTable {
  /// The types of a name: its own, else those of the wildcard that stands for it. Every steered
  /// type counts, whatever is decided at the moment.
  ///
  /// - Parameters:
  ///   - bytes: hold the name uncompressed, in any case, and reach 8 bytes beyond it.
  ///   - nameByteCount: the root included.
  ///   - zone: which is to deny. Of a zone inside it that is here as well, it knows the delegation.
  public func types(
    _ bytes: RawSpan, at offset: Int, nameByteCount: Int, zone: Int
  ) -> NameTypes {
    var node = node(bytes, at: offset, byteCount: nameByteCount)
    if let inner = node.map({ Int(words[$0 &+ 2] & 0xFF_FFFF) }), inner != zone {
      node = zones[inner].delegation == 0 ? nil : zones[inner].delegation
      if node == nil { return .none }
    }
    if node == nil,
      let encloser = closestEncloser(bytes, at: offset, nameByteCount: nameByteCount)
    {
      let wildcard = Int(words[encloser &+ 1] & 0xFFFF_FFFF)
      if wildcard != 0 { node = encloser &+ wildcard }
    }
    guard let node else { return .none }
    let flags = ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[node] >> 8))
    let steered = SteeredTypes(rawValue: UInt8(truncatingIfNeeded: words[node &+ 2] >> 24))
    return NameTypes(
      node: node, isDelegation: flags.contains(.delegation),
      steered: words[node] >> 32 == 0 ? [] : steered)
  }

  /// The next type of a name by number; nil if there is none.
  ///
  /// - Complexity: one step for each type that the name has.
  public func type(of name: NameTypes, after last: RecordType?) -> RecordType? {
    guard name.exists else { return nil }
    let least = last.map { UInt64($0.rawValue) + 1 } ?? 0
    var next = UInt64.max
    let firstSet = firstSet(of: name.node)
    for index in 0..<Int(words[name.node] >> 16 & 0xFFFF) {
      let type = words[firstSet &+ index &* 2]
      // RFC 4035 §2.3: of a delegation, NS and DS.
      let isHidden =
        type >= ZoneBlock.hiddenSet
        || name.isDelegation && type != UInt64(RecordType.ns.rawValue)
          && type != UInt64(RecordType.ds.rawValue)
      if type >= least, !isHidden { next = min(next, type) }
    }
    for (types, type) in Self.steeredTypes
    where !name.steered.isDisjoint(with: types) && UInt64(type.rawValue) >= least {
      next = min(next, UInt64(type.rawValue))
    }
    return next == .max ? nil : RecordType(rawValue: UInt16(truncatingIfNeeded: next))
  }

  private static let steeredTypes: [(SteeredTypes, RecordType)] = [
    (.addresses, .a), (.alias, .cname), (.text, .txt), (.addresses, .aaaa), (.svcb, .svcb),
    (.https, .https),
  ]
}
