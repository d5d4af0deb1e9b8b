import DNSWire

/// For which names a route is: `www.example.com`, `*.example.com` or `*`.
public struct ServerNamePattern: Sendable, Hashable, CustomStringConvertible {
  enum Kind: Hashable { case exact, wildcard, any }

  let kind: Kind
  /// In lower case, without the wildcard. Empty: of `*`.
  let name: String

  /// Reads a pattern: a host name as it stands in a ClientHello (its Unicode labels encoded, as
  /// `xn--…`), in any case, a trailing dot left out.
  ///
  /// - Returns: nil if it is none, or a literal address, which no hello may name; and if `*` is not
  ///   the whole of the first label.
  public init?(_ text: String) {
    let lowered = text.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    if lowered == [UInt8(ascii: "*")] {
      (kind, name) = (.any, "")
      return
    }
    let isWildcard = lowered.starts(with: "*.".utf8)
    let rest = Array(isWildcard ? lowered[2...] : lowered[...])
    guard case .name(let count) = unsafe hostNameKind(rest.span.bytes, byteCount: rest.count) else {
      return nil
    }
    kind = isWildcard ? .wildcard : .exact
    name = String(decoding: rest[..<count], as: UTF8.self)
  }

  /// Whether it stands for all names.
  public var isAny: Bool { kind == .any }

  /// The label of a name under this pattern that tells its tenants apart: the one next to the name
  /// that a wildcard stands before, else the first one. Asked names of a zone have theirs in the
  /// same place.
  ///
  /// - Parameter name: one that the pattern is for, in lower case.
  public func keyLabel(of name: RawSpan) -> Range<Int> {
    let dot = UInt8(ascii: ".")
    if kind == .wildcard, name.byteCount > self.name.utf8.count {
      let end = name.byteCount &- self.name.utf8.count &- 1
      var start = end
      while start > 0, name.byte(at: start &- 1) != dot { start &-= 1 }
      return start..<end
    }
    var end = 0
    while end < name.byteCount, name.byte(at: end) != dot { end &+= 1 }
    return 0..<end
  }

  public var description: String {
    switch kind {
    case .exact: name
    case .wildcard: "*.\(name)"
    case .any: "*"
    }
  }
}
