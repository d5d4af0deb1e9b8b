import Places
import TestSupport
import Testing

/// The compact forms of an `AddressTable` say of every client what it says itself.
@Suite struct CompactTableTests {
  /// Borders of all sizes, many of them close together: in one bucket, in one cell, inside a /64.
  private static func table(
    _ random: inout SeededGenerator, largestValue: UInt32 = 40
  ) -> AddressTable {
    var builder = AddressTableBuilder()
    for start in starts(anchors: [0, 0x0A00_0000, 0xFFFF_0000] as [UInt32], &random) {
      builder.append(ipv4: start, value: .random(in: 0...largestValue, using: &random))
    }
    let folds: [UInt128] = ClientAddress.foldedPrefixes.compactMap {
      if case .ipv6(let bits) = $0.address { bits } else { nil }
    }
    let anchors: [UInt128] =
      folds + [
        0, 1 << 125, 0x2001_0DB8 << 96, 0x2A00_1450_4001_0800 << 64, 0x3FFF << 112, 1 << 126,
        0xFD00 << 112, .max << 64,
      ]
    for start in starts(anchors: anchors, &random) {
      builder.append(ipv6: start, value: .random(in: 0...largestValue, using: &random))
    }
    return builder.build()
  }

  private static func starts<Bits: FixedWidthInteger & UnsignedInteger>(
    anchors: [Bits], _ random: inout SeededGenerator
  ) -> [Bits] {
    var starts: Set<Bits> = []
    for anchor in anchors where Int.random(in: 0..<4, using: &random) > 0 {
      var start = anchor
      for _ in 0..<Int.random(in: 0...80, using: &random) {
        starts.insert(start)
        start = anchor ^ (1 << Bits(Int.random(in: 0..<Bits.bitWidth, using: &random)))
        start &+= 1 << Bits(Int.random(in: 0..<Bits.bitWidth, using: &random))
      }
    }
    return starts.sorted()
  }

  /// On both sides of every border, and some anywhere.
  private static func clients(
    of table: AddressTable, _ random: inout SeededGenerator
  ) -> [ClientAddress] {
    let flips4: [UInt32] = [0, 0x8000, 1 << 16]
    var addresses4 = table.starts4.flatMap { start in flips4.map { start ^ $0 } + [start &- 1] }
    let flips6: [UInt128] = [0, 1 << 63, 1 << 64, 1 << 76, 1 << 77, 1 << 109]
    var addresses6 = table.starts6.flatMap { start in flips6.map { start ^ $0 } + [start &- 1] }
    for _ in 0..<100 {
      addresses4.append(.random(in: 0 ... .max, using: &random))
      addresses6.append(.random(in: 0 ... .max, using: &random))
    }
    return addresses4.map { ClientAddress(ipv4: $0) } + addresses6.map { ClientAddress(ipv6: $0) }
  }

  @Test(arguments: 0..<9 as Range<UInt64>)
  func aPackedTableIsTheTable(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let table = Self.table(&random, largestValue: seed % 3 == 0 ? .max - 1 : 40)
    let packed = PackedAddressTable(table)
    #expect(packed.unpacked() == table, "seed \(seed)")
    #expect(packed == PackedAddressTable(packed.unpacked()), "seed \(seed)")
    #expect(packed.rangeCounts == (table.starts4.count, table.values6.count))
    #expect(packed.starts4 == table.starts4 && packed.values4 == table.values4)
    #expect(packed.starts6 == table.starts6 && packed.values6 == table.values6)
    let wrong = Self.clients(of: table, &random).filter { packed.find($0) != table.find($0) }
    #expect(wrong == [], "seed \(seed)")
    guard seed % 3 != 0 else { return }
    let changes = (0...40).map { _ in UInt32.random(in: 0...3, using: &random) }
    #expect(packed.mapValues(changes) == table.mapValues(changes), "seed \(seed)")
  }

  /// The largest values make the maps use other shares of bits for starts and cohorts.
  @Test(arguments: 0..<5 as Range<UInt64>, [40, 1 << 17, 1 << 20, (1 << 31) - 1] as [UInt32])
  func mapsAgreeWithTheirTables(seed: UInt64, largestValue: UInt32) {
    var random = SeededGenerator(seed: seed)
    let tables = [
      Self.table(&random, largestValue: largestValue), AddressTable(7), Self.table(&random),
    ]
    let maps = CohortMaps(tables)
    for (map, table) in tables.enumerated() {
      let clients = Self.clients(of: tables[0], &random) + Self.clients(of: table, &random)
      let wrong = clients.filter { client in
        let (value, scopeBits) = table.find(client)
        return value != AddressTable.foldedValue
          && maps.find(map: map, client: client) != CohortMatch(cohort: value, scopeBits: scopeBits)
      }
      #expect(wrong == [], "seed \(seed), map \(map)")
    }
  }

  @Test func manyClientsOfOneNetworkEachHaveTheirCohort() {
    let network: UInt128 = 0x2001_0DB8 << 96
    var builder = AddressTableBuilder()
    for client in UInt128(0)..<100_000 {
      builder.append(ipv6: network + client * 3, value: UInt32(client % 1000) + 1)
    }
    builder.append(ipv6: network + 1 << 64, value: 0)
    let maps = CohortMaps([builder.build()])
    var wrong = 0
    for client in UInt128(0)..<299_997 {
      let match = maps.find(map: 0, client: ClientAddress(ipv6: network + client))
      if match.cohort != UInt32(client / 3 % 1000) + 1 || match.scopeBits < 126 { wrong += 1 }
    }
    #expect(wrong == 0)
    #expect(maps.find(map: 0, client: ClientAddress(ipv6: network + 1 << 64)).cohort == 0)
  }

  @Test func moreDividedNetworksThanHaveRoomAreToldApart() {
    var builder = AddressTableBuilder()
    let count = 1 << 18
    for network in 0..<UInt128(count) {
      builder.append(ipv6: 1 << 125 | network << 64 | 5, value: UInt32(network % 7) + 1)
      builder.append(ipv6: 1 << 125 | network << 64 | 9, value: 0)
    }
    let table = builder.build()
    let maps = CohortMaps([table])
    var wrong = 0
    for network in stride(from: 0, to: UInt128(count), by: 97) {
      for host in [0, 4, 5, 8, 9, 1 << 63] as [UInt128] {
        let client = ClientAddress(ipv6: 1 << 125 | network << 64 | host)
        let (value, scopeBits) = table.find(client)
        guard value != AddressTable.foldedValue else { continue }
        let match = maps.find(map: 0, client: client)
        if match != CohortMatch(cohort: value, scopeBits: scopeBits) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }
}
