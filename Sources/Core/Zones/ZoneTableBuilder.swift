import DNSWire

/// Checks zones and compiles them into a ``ZoneTable``.
public struct ZoneTableBuilder: Sendable {
  /// The longest chain of aliases that is followed.
  public static let maximumAliasCount = 8
  /// Of the records of one type at one name: they go into one message with their question.
  static let maximumSetByteCount = 65_000

  private let seed: UInt64
  private var faults: [ZoneFault] = []
  private var sources: [ZoneSource] = []
  var nodes: [DomainName: Node] = [:]

  /// A name that exists, or that has something below it.
  struct Node {
    var zone: Int
    var sets: [RecordType: RecordSet] = [:]
    var service: Int?
    var steeredTypes: SteeredTypes = []
    /// The delegation at or above this name, the one nearest to the apex.
    var cut: DomainName?
    var glue: [GlueRecord] = []
  }

  struct RecordSet {
    var ttlSeconds: UInt32
    var data: [[UInt8]] = []
    /// Index into the source's records of the first.
    var firstRecord: Int
  }

  struct GlueRecord {
    var owner: DomainName
    var type: RecordType
    var ttlSeconds: UInt32
    var data: [UInt8]
  }

  /// - Parameter seed: random, this process's own: what clients ask must not choose slots.
  public init(seed: UInt64) { self.seed = seed }

  /// - Throws: everything that is wrong with the zones.
  public func build(_ sources: [ZoneSource]) throws(ZoneFaults) -> ZoneTable {
    var builder = self
    builder.sources = sources
    builder.compile()
    guard builder.faults.isEmpty else { throw ZoneFaults(faults: builder.faults) }
    return ZoneTableLayout(seed: seed, nodes: builder.nodes, sources: sources).table()
  }

  private mutating func compile() {
    for (zone, source) in sources.enumerated() {
      if nodes[source.name] != nil {
        fault(zone, .zone, "the zone \(source.name) stands twice")
        continue
      }
      nodes[source.name] = Node(
        zone: zone,
        sets: [
          .soa: RecordSet(
            ttlSeconds: source.soa.ttlSeconds, data: [source.soa.data], firstRecord: -1)
        ])
    }
    guard faults.isEmpty else { return }
    for (zone, source) in sources.enumerated() {
      for index in source.records.indices { add(record: index, zone: zone) }
      for index in source.steered.indices { add(steered: index, zone: zone) }
    }
    addEmptyNonTerminals()
    markCuts()
    for (name, node) in nodes.sorted(by: { $0.key.wire.lexicographicallyPrecedes($1.key.wire) }) {
      checkTypes(name, node)
      checkAlias(name, node)
    }
  }

  private mutating func fault(_ zone: Int, _ subject: ZoneFault.Subject, _ message: String) {
    faults.append(ZoneFault(zone: zone, subject: subject, message: message))
  }

  private mutating func add(record index: Int, zone: Int) {
    let record = sources[zone].records[index]
    let subject = ZoneFault.Subject.record(index)
    guard checkOwner(record.owner, type: record.type, zone: zone, subject: subject) else { return }
    if record.type.isMeta || record.type == .soa {
      fault(zone, subject, "a record of type \(record.type) cannot stand in a zone")
      return
    }
    if record.type == .ns && record.owner.isWildcard {
      // RFC 4592 §4.2: its meaning is undefined.
      fault(zone, subject, "a wildcard cannot have NS records")
      return
    }
    var node = nodes[record.owner] ?? Node(zone: zone)
    // Records that a zone has at the apex of another one here belong to the delegation only.
    guard node.zone == zone else { return }
    var set =
      node.sets[record.type] ?? RecordSet(ttlSeconds: record.ttlSeconds, firstRecord: index)
    guard set.ttlSeconds == record.ttlSeconds else {
      fault(
        zone, subject,
        "\(record.owner) \(record.type) has the TTLs \(set.ttlSeconds) and \(record.ttlSeconds): "
          + "the records of one type at one name have one TTL (RFC 2181 §5.2)")
      return
    }
    if !set.data.contains(record.data) { set.data.append(record.data) }
    node.sets[record.type] = set
    nodes[record.owner] = node
  }

  private mutating func add(steered index: Int, zone: Int) {
    let steered = sources[zone].steered[index]
    let subject = ZoneFault.Subject.steered(index)
    guard checkOwner(steered.owner, type: .a, zone: zone, subject: subject) else { return }
    var node = nodes[steered.owner] ?? Node(zone: zone)
    guard node.zone == zone, node.service == nil else {
      fault(zone, subject, "\(steered.owner) is steered already")
      return
    }
    guard !steered.types.contains(.alias) || steered.owner != sources[zone].name else {
      // RFC 1034 §3.6.2: SOA and NS stand there.
      fault(zone, subject, "\(steered.owner) is the zone's own name and cannot be an alias")
      return
    }
    node.service = steered.service
    node.steeredTypes = steered.types
    nodes[steered.owner] = node
  }

  /// Whether the record belongs to this zone, or may stand in it as the delegation of another one
  /// that is served here, too.
  private mutating func checkOwner(
    _ owner: DomainName, type: RecordType, zone: Int, subject: ZoneFault.Subject
  ) -> Bool {
    guard owner.isWithin(sources[zone].name) else {
      fault(zone, subject, "\(owner) is not within the zone \(sources[zone].name)")
      return false
    }
    let inner = sources.indices.filter { other in
      owner.isWithin(sources[other].name)
        && sources[other].name.labelCount > sources[zone].name.labelCount
    }
    guard let other = inner.first else { return true }
    let isDelegation = [.ns, .ds].contains(type) && owner == sources[other].name
    guard isDelegation || ([.a, .aaaa].contains(type) && !isSteered(subject)) else {
      fault(zone, subject, "\(owner) belongs to the zone \(sources[other].name)")
      return false
    }
    return false
  }

  private func isSteered(_ subject: ZoneFault.Subject) -> Bool {
    if case .steered = subject { true } else { false }
  }

  /// RFC 4592 §2.2.2: names that have nothing themselves but something below.
  private mutating func addEmptyNonTerminals() {
    for (name, node) in nodes {
      var ancestor = name
      while ancestor != sources[node.zone].name, let parent = ancestor.parent {
        if nodes[parent] == nil { nodes[parent] = Node(zone: node.zone) }
        ancestor = parent
      }
    }
  }

  private mutating func markCuts() {
    for name in nodes.keys {
      guard var node = nodes[name] else { continue }
      let apex = sources[node.zone].name
      var ancestor = name
      while ancestor != apex, let parent = ancestor.parent {
        if nodes[ancestor]?.sets[.ns] != nil { node.cut = ancestor }
        ancestor = parent
      }
      if node.cut == name { node.glue = glue(of: name, node) }
      nodes[name] = node
    }
  }

  /// The addresses of a delegation's name servers that nobody could ask elsewhere (RFC 9471 §2):
  /// those at or below a delegation of the zone.
  private func glue(of cut: DomainName, _ node: Node) -> [GlueRecord] {
    let targets = (node.sets[.ns]?.data ?? []).compactMap { DomainName(wire: $0) }
    return targets.flatMap { target -> [GlueRecord] in
      guard let host = nodes[target], host.zone == node.zone, isOccluded(target, zone: host.zone)
      else { return [] }
      return [RecordType.a, .aaaa].flatMap { type -> [GlueRecord] in
        guard let set = host.sets[type] else { return [] }
        return set.data.map {
          GlueRecord(owner: target, type: type, ttlSeconds: set.ttlSeconds, data: $0)
        }
      }
    }
  }

  private func isOccluded(_ name: DomainName, zone: Int) -> Bool {
    var ancestor = name
    while ancestor != sources[zone].name, let parent = ancestor.parent {
      if nodes[ancestor]?.sets[.ns] != nil { return true }
      ancestor = parent
    }
    return false
  }

  private mutating func checkTypes(_ name: DomainName, _ node: Node) {
    let types = node.sets.keys.sorted { $0.rawValue < $1.rawValue }
    for type in types {
      guard let set = node.sets[type] else { continue }
      let subject = set.firstRecord < 0 ? ZoneFault.Subject.zone : .record(set.firstRecord)
      if node.service != nil && (type == .cname || node.steeredTypes.contains(type)) {
        fault(node.zone, subject, "\(name) is steered and cannot have \(type) records")
      }
      let byteCount = set.data.reduce(0) { $0 + $1.count + 12 }
      if byteCount > Self.maximumSetByteCount {
        fault(node.zone, subject, "the \(type) records of \(name) do not fit into one message")
      }
      guard let cut = node.cut else { continue }
      let kept: [RecordType] = cut == name ? [.ns, .ds, .a, .aaaa] : [.a, .aaaa]
      if !kept.contains(type) {
        fault(
          node.zone, subject,
          "\(name) \(type) would never be answered: \(cut) is delegated by its NS records")
      }
    }
    if let cut = node.cut, node.service != nil {
      fault(node.zone, steeredSubject(name, node), "\(name) cannot be steered: \(cut) is delegated")
    }
  }

  private func steeredSubject(_ name: DomainName, _ node: Node) -> ZoneFault.Subject {
    sources[node.zone].steered.firstIndex { $0.owner == name }.map { .steered($0) } ?? .zone
  }

  /// RFC 1034 §3.6.2: an alias has nothing beside it, and leads somewhere.
  private mutating func checkAlias(_ name: DomainName, _ node: Node) {
    guard let set = node.sets[.cname] else { return }
    let subject = ZoneFault.Subject.record(set.firstRecord)
    if node.sets.count > 1 {
      let others = node.sets.keys.filter { $0 != .cname }.map(\.description).sorted()
      fault(
        node.zone, subject,
        "\(name) has a CNAME record and \(others.joined(separator: ", ")) beside it")
    }
    if set.data.count > 1 { fault(node.zone, subject, "\(name) has several CNAME records") }
    var target = name
    for _ in 0...Self.maximumAliasCount {
      guard let data = nodes[target]?.sets[.cname]?.data.first, let next = DomainName(wire: data)
      else { return }
      target = next
    }
    fault(
      node.zone, subject,
      "the aliases from \(name) on are a circle or longer than \(Self.maximumAliasCount)")
  }
}
