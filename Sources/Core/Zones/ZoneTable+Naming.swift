public import DNSWire

extension ZoneTable {
  /// What a name comes to for addresses, aliases followed: for the API and the command line.
  public enum Naming: Sendable, Equatable {
    /// Routing decides: the service's index.
    case steered(service: Int)
    /// The same, by a service that goes by a key, and the key.
    case steeredByKey(service: Int, key: [UInt8])
    /// The same for every client, or delegated.
    case fixed
    case noSuchName
    case notOurs
  }

  /// - Complexity: a look-up for each alias on the way, at most
  ///   ``ZoneTableBuilder/maximumAliasCount``.
  public func naming(of name: DomainName) -> Naming {
    var wire = name.wire
    for _ in 0...ZoneTableBuilder.maximumAliasCount {
      let padded = wire + Array(repeating: 0, count: 8)
      let finding = unsafe find(padded.span.bytes, at: 0, nameByteCount: wire.count, type: .a)
      switch finding.kind {
      case .steered, .steeredAlias: return .steered(service: finding.service)
      case .steeredByKey, .steeredAliasByKey:
        let label = unsafe finding.keyLabel(padded.span.bytes, at: 0, nameByteCount: wire.count)
        return .steeredByKey(
          service: finding.service, key: Array(padded[label.offset...].prefix(label.byteCount)))
      case .records, .noData, .referral, .unavailable: return .fixed
      case .nameError: return .noSuchName
      case .notOurs: return .notOurs
      case .redirection:
        let suffix = aliasTarget(finding.records)
        wire = Array(wire.dropLast(finding.cutByteCount)) + suffix
        guard wire.count <= Query.maximumNameByteCount else { return .fixed }
      case .alias: wire = aliasTarget(finding.records)
      }
    }
    return .fixed
  }

  /// The name that a CNAME record points at: its data, behind owner pointer, type, class, TTL and
  /// length.
  func aliasTarget(_ run: RecordRun) -> [UInt8] {
    let bytes = unsafe words.span.bytes
    let fixedByteCount = 12
    return (fixedByteCount..<run.byteCount).map {
      unsafe bytes.unsafeLoad(fromByteOffset: run.wordIndex * 8 + $0, as: UInt8.self)
    }
  }
}
