import DNSWire
package import Zones

extension ZoneContents {
  /// Compiles the zone, with names of ours laid over it: of the types that routing decides there,
  /// what came is left out.
  ///
  /// - Throws: what the zone cannot be served with.
  package func block(under steered: [ZoneSource.Steered]) throws(ZoneBlockFaults) -> ZoneBlock {
    var laidOver: [DomainName: SteeredTypes] = [:]
    for steered in steered { laidOver[steered.owner, default: []].formUnion(steered.types) }
    var builder = ZoneBlockBuilder(name: name, rules: .transferred)
    builder.add(
      owner: name, ttlSeconds: authority.ttlSeconds, type: .soa, data: authority.data, mark: 0)
    for (index, record) in records.enumerated() {
      if !laidOver.isEmpty, let types = laidOver[record.owner], types.replaces(record.type) {
        continue
      }
      builder.add(
        owner: record.owner, ttlSeconds: record.ttlSeconds, type: record.type, data: record.data,
        mark: UInt32(truncatingIfNeeded: index + 1))
    }
    for steered in steered {
      let wire = steered.owner.wire
      builder.addSteered(
        owner: wire.span.bytes, service: UInt32(steered.service), types: steered.types, mark: 0)
    }
    return try builder.build()
  }
}

extension SteeredTypes {
  /// The types of records that routing decides.
  var recordTypes: [RecordType] {
    if contains(.alias) { return [.cname] }
    var types: [RecordType] = []
    if contains(.addresses) { types += [.a, .aaaa] }
    if contains(.https) { types.append(.https) }
    if contains(.svcb) { types.append(.svcb) }
    return types
  }

  /// Whether records of this type that came from elsewhere give way.
  fileprivate func replaces(_ type: RecordType) -> Bool {
    contains(.alias) || type == .cname || recordTypes.contains(type)
  }
}

extension ServedZone {
  /// A zone as an edition has it.
  package init(_ block: ZoneBlock) {
    var walk = block.walk()
    var authority: Authority?
    if block.isAvailable, let first = walk.next(),
      case .record(.soa, let ttlSeconds, let data) = first.content
    {
      authority = Authority(ttlSeconds: ttlSeconds, data: Array(data))
    }
    self.init(name: block.name, authority: authority) {
      var walk = block.walk()
      // The SOA.
      _ = walk.next()
      return {
        while let entry = walk.next() {
          if let item = Item(entry) { return item }
        }
        return nil
      }
    }
  }
}

extension ServedZone.Item {
  fileprivate init?(_ entry: ZoneWalk.Entry) {
    guard let owner = DomainName(wire: entry.owner) else { return nil }
    switch entry.content {
    case .record(let type, let ttlSeconds, let data):
      self = .record(
        ZoneRecord(owner: owner, ttlSeconds: ttlSeconds, type: type, data: Array(data)))
    case .steered(_, let types): self = .steered(owner, types.recordTypes)
    }
  }
}
