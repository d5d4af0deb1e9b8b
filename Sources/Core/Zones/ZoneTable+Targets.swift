public import DNSWire

extension ZoneTable {
  /// What our zones say of a name that serves in place of endpoints.
  public enum TargetReading: Sendable, Equatable {
    /// The RDATA of its addresses, none if it has none, and how long they may be kept.
    case addresses([[UInt8]], ttlSeconds: UInt32)
    /// Not ours to say: this name is to be resolved elsewhere. Wire form in lower case.
    case elsewhere([UInt8])
    /// A policy decides.
    case steered(service: Int)
    case noSuchName
  }

  /// Follows the aliases of our zones from a name to its addresses.
  ///
  /// - Parameters:
  ///   - name: in wire form.
  ///   - type: A or AAAA.
  public func target(_ name: [UInt8], type: RecordType) -> TargetReading {
    var name = name
    var ttlSeconds = UInt32.max
    for _ in 0...ZoneTableBuilder.maximumAliasCount {
      let padded = name + Array(repeating: 0, count: 8)
      let finding = unsafe find(padded.span.bytes, at: 0, nameByteCount: name.count, type: type)
      switch finding.kind {
      case .records, .alias:
        let records = records(of: finding.records)
        ttlSeconds = records.reduce(ttlSeconds) { min($0, $1.ttlSeconds) }
        guard finding.kind == .alias, let next = records.first?.data else {
          return .addresses(records.map(\.data), ttlSeconds: ttlSeconds)
        }
        name = next
      case .noData: return .addresses([], ttlSeconds: ttlSeconds)
      case .steered, .steeredAlias, .steeredByKey, .steeredAliasByKey:
        return .steered(service: finding.service)
      case .nameError: return .noSuchName
      default: return .elsewhere(DomainName(wire: name)?.loweredWire ?? name)
      }
    }
    return .addresses([], ttlSeconds: ttlSeconds)
  }

  /// Behind owner pointer, type and class: TTL, length, data.
  private func records(of run: RecordRun) -> [(ttlSeconds: UInt32, data: [UInt8])] {
    let bytes = unsafe words.span.bytes
    var offset = run.wordIndex * 8
    return (0..<run.recordCount).map { _ in
      let start = offset + 12
      let end = start + Int(bytes.uint16(at: offset + 10))
      let ttlSeconds = bytes.uint32(at: offset + 6)
      offset = end
      return (ttlSeconds, (start..<end).map { bytes.byte(at: $0) })
    }
  }
}
