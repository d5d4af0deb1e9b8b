import DNSWire

/// Checks the records of a zone and lays them out as a ``ZoneBlock``: one pass over the owners in
/// canonical order, in which whatever is above a name came before it.
struct BlockLayout {
  private let source: ZoneBlockBuilder
  private let order: [UInt32]
  private let hosts: GlueHosts
  private var faults: [ZoneBlockFault]
  private var words: [UInt64] = []
  private var path = NamePath()
  private var nameCount = 0
  private var maximumLabelCount = 0
  private var serial: UInt32 = 0
  /// Where the nodes of the current owner and of what is above it stand, the apex first.
  private var nodes: [Int] = []
  /// Of each of them the boundary that holds below it, -1 if none does.
  private var boundaries: [Int] = []
  /// The entries of the current owner, by type.
  private var group: [ZoneBlockBuilder.Entry] = []
  /// Those of one type each, in ``group``; steered ones left out.
  private var sets: [Range<Int>] = []

  typealias Entry = ZoneBlockBuilder.Entry

  init(_ source: ZoneBlockBuilder) {
    self.source = source
    faults = source.faults
    if source.isOrdered {
      order = source.entries.indices.map { UInt32(truncatingIfNeeded: $0) }
    } else {
      order = CanonicalSort(source.keys, names: source.entries.map(\.key)).order()
    }
    hosts = GlueHosts(source, order: order)
  }

  mutating func block() throws(ZoneBlockFaults) -> ZoneBlock {
    reserve()
    var start = 0
    if order.isEmpty || source.entries[Int(order[0])].key.byteCount > 0 {
      zoneFault("the zone \(source.name) has no SOA record")
    }
    while start < order.count, faults.count < ZoneBlockBuilder.maximumFaultCount {
      let key = source.entries[Int(order[start])].key
      var end = start + 1
      while end < order.count, source.keys.isEqual(source.entries[Int(order[end])].key, key) {
        end += 1
      }
      takeGroup(start..<end)
      appendOwner(key)
      start = end
    }
    guard faults.isEmpty else { throw ZoneBlockFaults(faults: faults) }
    return ZoneBlock(
      name: source.name, serial: serial, rules: source.rules, nameCount: nameCount,
      maximumLabelCount: source.name.labelCount + maximumLabelCount, storage: words,
      range: 0..<words.count)
  }

  /// Not exact: names that have nothing themselves come on top.
  private mutating func reserve() {
    let fixedWordCount = ZoneBlock.nodeHeaderWordCount + 2 + 3
    words.reserveCapacity(
      source.entries.count * (fixedWordCount + source.loweredApex.count / 8)
        + source.keys.words.count + source.data.count / 8)
  }

  /// The entries by type, those of one type in the order in which they came, each once.
  private mutating func takeGroup(_ range: Range<Int>) {
    group.removeAll(keepingCapacity: true)
    for position in range { group.append(source.entries[Int(order[position])]) }
    let isByType = (1..<max(1, group.count)).allSatisfy { group[$0 - 1].type <= group[$0].type }
    if !isByType {
      let sorted = group.indices.sorted { (group[$0].type, $0) < (group[$1].type, $1) }
      group = sorted.map { group[$0] }
    }
    findSets()
    if sets.contains(where: { $0.count > 1 }) {
      removeRepetitions()
      findSets()
    }
  }

  private mutating func findSets() {
    sets.removeAll(keepingCapacity: true)
    var start = 0
    while start < group.count {
      var end = start + 1
      while end < group.count, group[end].type == group[start].type { end += 1 }
      if !group[start].isSteered { sets.append(start..<end) }
      start = end
    }
  }

  /// RFC 2181 §5: a set has no record twice.
  private mutating func removeRepetitions() {
    var seen: Set<ArraySlice<UInt8>> = []
    var type: RecordType?
    group.removeAll { entry in
      if entry.isSteered { return false }
      if entry.type != type {
        type = entry.type
        seen.removeAll(keepingCapacity: true)
      }
      return !seen.insert(source.data(of: entry)).inserted
    }
  }
}

// MARK: - Nodes

extension BlockLayout {
  /// The node of the owner whose entries are in ``group``, behind those of names above it that have
  /// nothing themselves (RFC 4592 §2.2.2).
  private mutating func appendOwner(_ key: CanonicalKeys.Key) {
    let commonCount = path.follow(key, in: source.keys)
    nodes.removeLast(max(0, nodes.count - commonCount - 1))
    boundaries.removeLast(max(0, boundaries.count - commonCount - 1))
    for depth in nodes.count..<max(nodes.count, path.labelCount) {
      appendNode(depth: depth, flags: [], setCount: 0, steered: nil)
    }
    checkGroup()
    appendRecords()
  }

  /// The node of the owner whose entries are in ``group``.
  private mutating func appendRecords() {
    let isApex = path.labelCount == 0
    let flags = flags(isApex: isApex)
    let glue = flags.contains(.delegation) && (boundaries.last ?? -1) < 0 ? glue() : []
    let hasHiddenSet = isApex || !glue.isEmpty
    let node = appendNode(
      depth: path.labelCount, flags: flags, setCount: sets.count + (hasHiddenSet ? 1 : 0),
      steered: group.first { $0.isSteered })
    var index = words.count
    for _ in 0..<((sets.count + (hasHiddenSet ? 1 : 0)) * 2) { words.append(0) }
    for set in sets {
      appendSet(UInt64(group[set.lowerBound].type.rawValue), set, at: index, node: node)
      index += 2
    }
    if isApex { appendNegativeSOA(at: index, node: node) }
    if !glue.isEmpty { appendGlue(glue, at: index, node: node) }
    words[node + 2] |= UInt64(words.count - node) << 32
  }

  /// A node up to its name; its length is set here if nothing comes behind.
  @discardableResult
  private mutating func appendNode(
    depth: Int, flags: ZoneBlock.Flags, setCount: Int, steered: Entry?
  ) -> Int {
    let node = words.count
    var boundary = boundaries.last ?? -1
    if boundary < 0 && !flags.isEmpty { boundary = node }
    let service = UInt64(steered.map { $0.ttlSeconds + 1 } ?? 0)
    let nameByteCount = path.nameByteCount(depth: depth) + source.loweredApex.count
    words.append(
      UInt64(nameByteCount) | UInt64(flags.rawValue) << 8 | UInt64(setCount) << 16 | service << 32)
    words.append(boundary < 0 ? 0 : UInt64(node - boundary + 1) << 32)
    words.append(UInt64(steered?.dataByteCount ?? 0) << 24)
    path.append(depth: depth, apex: source.loweredApex, to: &words)
    if depth < path.labelCount { words[node + 2] |= UInt64(words.count - node) << 32 }
    if depth > 0, path.isWildcard(depth: depth), let parent = nodes.last {
      words[parent + 1] |= UInt64(node - parent)
    }
    nodes.append(node)
    boundaries.append(boundary)
    nameCount += 1
    maximumLabelCount = max(maximumLabelCount, depth)
    return node
  }

  private func flags(isApex: Bool) -> ZoneBlock.Flags {
    var flags: ZoneBlock.Flags = []
    for entry in group {
      if entry.type == .ns && !isApex { flags.insert(.delegation) }
      if entry.type == .dname { flags.insert(.redirection) }
    }
    return flags
  }

  /// Writes one set's words, and its records behind everything.
  private mutating func appendSet(_ type: UInt64, _ set: Range<Int>, at index: Int, node: Int) {
    let start = words.count
    var packer = WordPacker()
    var byteCount = 0
    for entry in set { byteCount += appendRecord(group[entry], to: &packer) }
    packer.pad(&words)
    words[index] = type
    words[index + 1] =
      RecordRun(wordIndex: start - node, byteCount: byteCount, recordCount: set.count).rawValue
  }

  private mutating func appendRecord(_ entry: Entry, to packer: inout WordPacker) -> Int {
    packer.append(UInt16(0xC000 | Query.nameOffset), to: &words)
    return 2 + appendRecordBehindOwner(entry, to: &packer)
  }

  private mutating func appendRecordBehindOwner(
    _ entry: Entry, to packer: inout WordPacker
  ) -> Int {
    packer.append(entry.type.rawValue, to: &words)
    packer.append(RecordClass.internet.rawValue, to: &words)
    packer.append(entry.ttlSeconds, to: &words)
    packer.append(entry.dataByteCount, to: &words)
    let end = Int(entry.dataOffset) + Int(entry.dataByteCount)
    for index in Int(entry.dataOffset)..<end { packer.append(source.data[index], to: &words) }
    return 10 + Int(entry.dataByteCount)
  }

  /// The SOA as negative answers carry it (RFC 2308 §3).
  private mutating func appendNegativeSOA(at index: Int, node: Int) {
    guard let soa = group.firstIndex(where: { $0.type == .soa }) else { return }
    let ttlSeconds = group[soa].ttlSeconds
    let numbers = source.data(of: group[soa]).suffix(20)
    let minimumSeconds = numbers.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    serial = numbers.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    group[soa].ttlSeconds = min(ttlSeconds, minimumSeconds)
    appendSet(ZoneBlock.hiddenSet, soa..<(soa + 1), at: index, node: node)
  }

  /// The addresses of the current delegation's name servers that nobody could ask elsewhere (RFC
  /// 9471 §2): those at or below a delegation of the zone.
  private func glue() -> [(owner: ArraySlice<UInt8>, entry: Entry)] {
    group.filter { $0.type == .ns }.flatMap { server in
      let target = source.data(of: server)
      return hosts.addresses(of: target, source, order: order).map { (target, $0) }
    }
  }

  private mutating func appendGlue(
    _ glue: [(owner: ArraySlice<UInt8>, entry: Entry)], at index: Int, node: Int
  ) {
    let start = words.count
    var packer = WordPacker()
    var byteCount = 0
    for (owner, entry) in glue {
      for byte in owner { packer.append(byte, to: &words) }
      byteCount += owner.count + appendRecordBehindOwner(entry, to: &packer)
    }
    packer.pad(&words)
    if byteCount > ZoneBlockBuilder.maximumSetByteCount {
      fault(group[0], "the glue of \(ownerName) does not fit into one message")
      return
    }
    words[index] = ZoneBlock.hiddenSet
    words[index + 1] =
      RecordRun(wordIndex: start - node, byteCount: byteCount, recordCount: glue.count).rawValue
  }
}

// MARK: - Checks

extension BlockLayout {
  private var ownerName: DomainName {
    DomainName(wire: path.wire + source.name.wire) ?? source.name
  }

  private mutating func fault(_ entry: Entry, _ message: String) {
    guard faults.count < ZoneBlockBuilder.maximumFaultCount else { return }
    let position = source.entries.firstIndex {
      $0.mark == entry.mark && $0.key.start == entry.key.start
    }
    faults.append(
      ZoneBlockFault(mark: entry.mark, position: position ?? 0, message: message))
  }

  private mutating func zoneFault(_ message: String) {
    faults.append(ZoneBlockFault(mark: nil, position: 0, message: message))
  }

  private mutating func checkGroup() {
    let isApex = path.labelCount == 0
    let boundary = boundaries.last ?? -1
    if group.count == 1 && boundary < 0 && !isApex && group[0].dataByteCount < 16_000 {
      // The common case: an address or text of a name that nothing is special about.
      let type = group[0].type
      if type == .a || type == .aaaa || type == .txt { return }
    }
    for set in sets { checkSet(set) }
    checkAuthority(isApex: isApex)
    checkAliases()
    checkSteering()
    if boundary >= 0 {
      checkOccluded(by: boundary)
    } else if !isApex && types.contains(.ns) {
      checkDelegation()
    }
  }

  private var types: [RecordType] { sets.map { group[$0.lowerBound].type } }

  private mutating func checkSet(_ set: Range<Int>) {
    let first = group[set.lowerBound]
    let byteCount = group[set].reduce(0) { $0 + Int($1.dataByteCount) + 12 }
    if byteCount > ZoneBlockBuilder.maximumSetByteCount {
      fault(first, "the \(first.type) records of \(ownerName) do not fit into one message")
    }
    // RFC 4034 §3: the TTL of a signature is that of what it signs.
    guard first.type != .rrsig,
      let other = group[set].first(where: { $0.ttlSeconds != first.ttlSeconds })
    else { return }
    if source.rules == .transferred {
      let lowest = group[set].map(\.ttlSeconds).min() ?? 0
      for index in set { group[index].ttlSeconds = lowest }
    } else {
      fault(
        other,
        "\(ownerName) \(first.type) has the TTLs \(first.ttlSeconds) and \(other.ttlSeconds): "
          + "the records of one type at one name have one TTL (RFC 2181 §5.2)")
    }
  }

  /// SOA and NS where they belong, once.
  private mutating func checkAuthority(isApex: Bool) {
    let soas = group.filter { $0.type == .soa }
    if isApex {
      if soas.isEmpty { zoneFault("the zone \(source.name) has no SOA record") }
      if soas.count > 1 { fault(soas[1], "the zone \(source.name) has several SOA records") }
      if source.rules == .file, !types.contains(.ns) {
        zoneFault("the zone \(source.name) has no NS records of its own")
      }
    } else if let soa = soas.first {
      fault(soa, "\(ownerName) is not the zone's own name and cannot have a SOA record")
    }
    guard path.isWildcard(depth: path.labelCount) else { return }
    for type in [RecordType.ns, .dname] {
      // RFC 4592 §4.2 and §4.4: their meaning is undefined.
      guard let entry = group.first(where: { $0.type == type }) else { continue }
      fault(entry, "a wildcard cannot have \(type) records")
    }
  }

  /// RFC 1034 §3.6.2: an alias has nothing beside it but what DNSSEC puts there (RFC 4034 §3).
  private mutating func checkAliases() {
    for set in sets where set.count > 1 {
      let first = group[set.lowerBound]
      guard first.type == .cname || first.type == .dname else { continue }
      fault(first, "\(ownerName) has several \(first.type) records")
    }
    let types = types
    if let alias = group.first(where: { $0.type == .cname }) {
      let others = types.filter { ![.cname, .rrsig, .nsec].contains($0) }
      if !others.isEmpty {
        let names = others.map(\.description).sorted().joined(separator: ", ")
        fault(alias, "\(ownerName) has a CNAME record and \(names) beside it")
      }
    }
    // RFC 6672 §2.3.
    if path.labelCount > 0, let dname = group.first(where: { $0.type == .dname }),
      types.contains(.ns)
    {
      fault(dname, "\(ownerName) has a DNAME record and NS beside it")
    }
  }

  private mutating func checkSteering() {
    let steered = group.filter(\.isSteered)
    guard let first = steered.first else { return }
    let steeredTypes = SteeredTypes(rawValue: UInt8(truncatingIfNeeded: first.dataByteCount))
    if steered.count > 1 { fault(steered[1], "\(ownerName) is steered already") }
    if path.labelCount == 0, steeredTypes.contains(.alias) {
      // RFC 1034 §3.6.2: SOA and NS stand there.
      fault(first, "\(ownerName) is the zone's own name and cannot be an alias")
      return
    }
    for set in sets {
      let record = group[set.lowerBound]
      guard record.type == .cname || steeredTypes.contains(record.type) else { continue }
      fault(record, "\(ownerName) is steered and cannot have \(record.type) records")
    }
  }

  /// What is below a boundary and could not be answered.
  private mutating func checkOccluded(by boundary: Int) {
    let flags = ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[boundary] >> 8))
    let depth = nodes.firstIndex(of: boundary) ?? 0
    let above = DomainName(wire: path.wire(depth: depth) + source.name.wire) ?? source.name
    guard flags.contains(.delegation) else {
      return refuse(
        { _ in true }, unless: source.rules == .transferred,
        because: "\(above) has a DNAME record (RFC 6672 §2.4)")
    }
    refuse(
      { ![.a, .aaaa].contains($0) }, unless: source.rules != .configured,
      because: "\(above) is delegated by its NS records")
  }

  /// What stands at a delegation and could not be answered (RFC 4035 §2.6 for what can).
  private mutating func checkDelegation() {
    refuse(
      { ![.ns, .ds, .a, .aaaa, .nsec, .rrsig].contains($0) },
      unless: source.rules != .configured,
      because: "\(ownerName) is delegated by its NS records")
  }

  private mutating func refuse(
    _ isRefused: (RecordType) -> Bool, unless isLenient: Bool, because reason: String
  ) {
    if let steered = group.first(where: \.isSteered) {
      fault(steered, "\(ownerName) cannot be steered: \(reason)")
    }
    guard !isLenient else { return }
    for set in sets where isRefused(group[set.lowerBound].type) {
      let record = group[set.lowerBound]
      fault(record, "\(ownerName) \(record.type) would never be answered: \(reason)")
    }
  }
}

extension ZoneBlockBuilder {
  func data(of entry: Entry) -> ArraySlice<UInt8> {
    entry.isSteered
      ? [] : data[Int(entry.dataOffset)..<(Int(entry.dataOffset) + Int(entry.dataByteCount))]
  }
}
