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

  public var description: String {
    switch kind {
    case .exact: name
    case .wildcard: "*.\(name)"
    case .any: "*"
    }
  }
}
