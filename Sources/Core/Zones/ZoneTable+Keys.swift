import DNSWire

extension SteeredTypes {
  /// Of those that are more than `steered`.
  var unusualKind: ZoneTable.Kind {
    guard contains(.keyed) else { return .steeredAlias }
    return contains(.alias) ? .steeredAliasByKey : .steeredByKey
  }
}

extension ZoneTable.Finding {
  /// The label that is the key of a name: under a wildcard the one next to the name above the
  /// wildcard, so that all names below `acme.tenants.example.com.` have the key `acme` of
  /// `*.tenants.example.com.`; of any other name the first.
  ///
  /// - Parameters:
  ///   - bytes: hold the name uncompressed.
  ///   - nameByteCount: the root included.
  /// - Returns: where the label's bytes are, behind its length; 0 bytes of the root.
  public func keyLabel(
    _ bytes: RawSpan, at offset: Int, nameByteCount: Int
  ) -> (offset: Int, byteCount: Int) {
    let end = offset &+ nameByteCount &- cutByteCount
    var position = offset
    while true {
      let byteCount = Int(bytes.byte(at: position))
      let next = position &+ 1 &+ byteCount
      if cutByteCount == 0 || byteCount == 0 || next >= end { return (position &+ 1, byteCount) }
      position = next
    }
  }
}
