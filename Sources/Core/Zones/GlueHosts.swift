import DNSWire

/// The names at or below a zone's delegations that have addresses: whose addresses are glue for
/// the name servers that they are (RFC 9471 §2).
struct GlueHosts {
  /// By the hash of the key: the first position in the canonical order. Whoever writes the zone can
  /// make hashes equal, and loses only glue that would have been found one step on.
  private var positions: [UInt64: UInt32] = [:]

  /// - Parameter order: of the builder's entries, canonical.
  init(_ source: ZoneBlockBuilder, order: [UInt32]) {
    let entries = source.entries
    guard entries.contains(where: { $0.type == .ns && $0.key.byteCount > 0 }) else { return }
    var cut: CanonicalKeys.Key?
    var position = 0
    while position < order.count {
      let start = position
      let key = entries[Int(order[start])].key
      var hasServers = false
      var hasAddresses = false
      while position < order.count,
        source.keys.isEqual(entries[Int(order[position])].key, key)
      {
        let type = entries[Int(order[position])].type
        hasServers = hasServers || type == .ns
        hasAddresses = hasAddresses || type == .a || type == .aaaa
        position += 1
      }
      if let above = cut, !source.keys.isWithin(key, above) { cut = nil }
      if cut == nil, hasServers, key.byteCount > 0 { cut = key }
      guard cut != nil, hasAddresses else { continue }
      var hash = source.keys.hash(key)
      while positions[hash] != nil { hash &+= 1 }
      positions[hash] = UInt32(truncatingIfNeeded: start)
    }
  }

  /// The A and then the AAAA records of a name in wire form, if it is among these.
  func addresses(
    of name: ArraySlice<UInt8>, _ source: ZoneBlockBuilder, order: [UInt32]
  ) -> [ZoneBlockBuilder.Entry] {
    guard !positions.isEmpty, let name = DomainName(wire: Array(name)), name.isWithin(source.name)
    else { return [] }
    var keys = CanonicalKeys()
    let wire = name.wire
    let key = unsafe keys.append(wire.span.bytes, apexByteCount: source.loweredApex.count)
    var hash = keys.hash(key)
    while let position = positions[hash] {
      let first = source.entries[Int(order[Int(position)])].key
      if first.byteCount == key.byteCount,
        (0..<key.wordCount).allSatisfy({
          keys.word(key, at: $0) == source.keys.word(first, at: $0)
        })
      {
        return addresses(from: Int(position), of: first, source, order: order)
      }
      hash &+= 1
    }
    return []
  }

  private func addresses(
    from start: Int, of key: CanonicalKeys.Key, _ source: ZoneBlockBuilder, order: [UInt32]
  ) -> [ZoneBlockBuilder.Entry] {
    var found: [ZoneBlockBuilder.Entry] = []
    var seen: Set<ArraySlice<UInt8>> = []
    var position = start
    while position < order.count {
      let entry = source.entries[Int(order[position])]
      guard source.keys.isEqual(entry.key, key) else { break }
      if [.a, .aaaa].contains(entry.type), seen.insert(source.data(of: entry)).inserted {
        found.append(entry)
      }
      position += 1
    }
    return found.filter { $0.type == .a } + found.filter { $0.type == .aaaa }
  }
}
