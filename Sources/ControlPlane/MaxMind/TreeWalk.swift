import CMaxMindDB
import Places

/// Walks the search tree of an open database in the order of addresses, each network once.
///
/// The tree may be a DAG: equal subtrees are shared, so there can be more networks than nodes. A
/// damaged one may hold circles or explode; every path ends at the address's length and the whole
/// walk within a number of nodes.
struct TreeWalk {
  /// The most nodes that are visited, whatever the database: about two seconds.
  static let maximumVisits = 1 << 27
  /// The most ranges of a family: 128 MiB of IPv4, 320 MiB of IPv6.
  static let maximumRanges = 1 << 24
  /// A database holds its data behind the nodes and 16 zero bytes.
  static let separatorSize: UInt64 = 16

  private let database: OpenDatabase
  private let nodeCount: UInt64
  private let dataSize: UInt64
  private var remainingVisits: Int
  private var table = AddressTableBuilder()
  private var records = RecordNumbers()
  private var reader: RecordReader

  /// A record of a node and the prefix that leads to it.
  private struct Step {
    var record: UInt64
    var depth: Int
    var bits: UInt128
    /// The bit that the next branch decides; 0 behind the last.
    var nextBit: UInt128
  }

  init(database: OpenDatabase) {
    self.database = database
    nodeCount = unsafe UInt64(database.metadata.node_count)
    dataSize = UInt64(database.data.count)
    remainingVisits = min(Self.maximumVisits, 100_000 + 256 * Int(nodeCount))
    reader = RecordReader(data: database.data)
  }

  /// - Returns: the layer, if any record in it says something that we know.
  consuming func run() throws(MalformedDatabase) -> PlaceLayer {
    if unsafe database.metadata.ip_version == 4 {
      try walk(from: Step(record: 0, depth: 0, bits: 0, nextBit: 1 << 31), isIPv6: false)
    } else {
      try walk(from: try ipv4Start(), isIPv6: false)
      try walk(from: Step(record: 0, depth: 0, bits: 0, nextBit: 1 << 127), isIPv6: true)
    }
    guard reader.hasKnownField else {
      throw MalformedDatabase(
        """
        no record has a country, a location or an AS number; they hold \
        \(reader.unknownShape ?? "nothing")
        """)
    }
    return PlaceLayer(
      addresses: table.build(), places: reader.places, cityNames: reader.cityNames)
  }

  /// Where IPv4 begins in an IPv6 tree: ::/96, or a network around it.
  private mutating func ipv4Start() throws(MalformedDatabase) -> Step {
    var record: UInt64 = 0
    var depth = 0
    while depth < 96 && record < nodeCount {
      record = try children(of: record).left
      depth += 1
    }
    return Step(record: record, depth: 0, bits: 0, nextBit: 1 << 31)
  }

  private mutating func walk(
    from start: Step, isIPv6: Bool
  ) throws(MalformedDatabase) {
    var steps = [start]
    while var step = steps.popLast() {
      while step.record < nodeCount && !(isIPv6 && Self.isAlias(step)) {
        guard step.nextBit != 0 else {
          throw MalformedDatabase("the search tree goes on behind \(step.depth) bits")
        }
        let (left, right) = try children(of: step.record)
        let bit = step.nextBit
        step.nextBit = bit &>> 1
        step.depth += 1
        step.record = right
        step.bits |= bit
        steps.append(step)
        step.record = left
        step.bits ^= bit
      }
      if isIPv6 {
        let value = Self.isAlias(step) ? 0 : try number(of: step.record)
        table.append(ipv6: step.bits, value: value)
        try checkSize(table.rangeCounts.ipv6)
      } else {
        table.append(
          ipv4: UInt32(truncatingIfNeeded: step.bits), value: try number(of: step.record))
        try checkSize(table.rangeCounts.ipv4)
      }
    }
  }

  /// Whether a subtree mirrors the IPv4 tree: the table answers those clients from its IPv4 ranges.
  /// ::/96 is where the format keeps IPv4; no IPv6 client comes from there.
  private static func isAlias(_ step: Step) -> Bool {
    switch step.depth {
    case 96:
      step.bits == 0 || step.bits == 0xFFFF << 32 || step.bits == 0x64_FF9B << 96
    case 32: step.bits == 0x2001_0000 << 96
    case 16: step.bits == 0x2002 << 112
    default: false
    }
  }

  private mutating func children(
    of node: UInt64
  ) throws(MalformedDatabase) -> (left: UInt64, right: UInt64) {
    remainingVisits -= 1
    guard remainingVisits > 0 else {
      throw MalformedDatabase(
        "the search tree leads to too many networks for its \(nodeCount) nodes")
    }
    return try database.records(ofNode: UInt32(truncatingIfNeeded: node))
  }

  /// The index of a record's place; records are read when they are first met.
  private mutating func number(of record: UInt64) throws(MalformedDatabase) -> UInt32 {
    guard record != nodeCount else { return 0 }
    let offset = record - nodeCount
    guard offset >= Self.separatorSize, offset - Self.separatorSize < dataSize else {
      throw MalformedDatabase(
        "the search tree points outside the data, to \(record) with \(nodeCount) nodes")
    }
    let start = UInt32(truncatingIfNeeded: offset - Self.separatorSize)
    if let known = records[start] { return known }
    try reader.read(at: Int(start))
    let number = UInt32(reader.places.count - 1)
    records.add(start, number: number)
    return number
  }

  private func checkSize(_ count: Int) throws(MalformedDatabase) {
    guard count <= Self.maximumRanges else {
      throw MalformedDatabase("it holds more than \(Self.maximumRanges) different networks")
    }
  }
}

/// Offset of a record → its number, by open addressing: every network asks once.
private struct RecordNumbers {
  private struct Slot {
    var offset: UInt32 = 0
    /// 0: free, since no record has the number 0.
    var number: UInt32 = 0
  }

  private var slots = [Slot](repeating: Slot(), count: 1 << 12)
  private var count = 0

  subscript(offset: UInt32) -> UInt32? {
    let slot = slots[position(of: offset)]
    return slot.number == 0 ? nil : slot.number
  }

  mutating func add(_ offset: UInt32, number: UInt32) {
    if count * 2 >= slots.count { grow() }
    slots[position(of: offset)] = Slot(offset: offset, number: number)
    count += 1
  }

  /// Where the offset is, or the free slot where it belongs; half of the slots are free.
  private func position(of offset: UInt32) -> Int {
    let mask = slots.count - 1
    var position = Int((UInt64(offset) &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while slots[position].number != 0 && slots[position].offset != offset {
      position = (position + 1) & mask
    }
    return position
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for slot in old where slot.number != 0 { slots[position(of: slot.offset)] = slot }
  }
}
