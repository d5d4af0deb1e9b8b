import Places
import TestSupport
import Testing

/// The invariant of every scope: all clients inside it have the client's value, and no wider
/// prefix around the client has that property.
@Suite struct ScopeTests {
  /// Prefixes that nest often, near the borders of folded prefixes and the ends of the space too.
  private static func randomPrefixes(_ random: inout SeededGenerator) -> [AddressPrefix] {
    var prefixes: [AddressPrefix] = []
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      let length = Int.random(in: 0...32, using: &random)
      let bits =
        UInt32.random(in: 0...255, using: &random) << 24 | .random(in: 0...7, using: &random)
      prefixes.append(AddressPrefix(ipv4: bits, length: length))
    }
    let anchors: [UInt128] =
      ClientAddress.foldedPrefixes.compactMap {
        if case .ipv6(let bits) = $0.address { bits } else { nil }
      } + [0, .max, 0x2001_0DB8 << 96, 0x3FFF << 112]
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      let anchor = anchors[Int.random(in: 0..<anchors.count, using: &random)]
      let flipped = anchor ^ (1 << UInt128(Int.random(in: 0...127, using: &random)))
      let prefix = AddressPrefix(ipv6: flipped, length: Int.random(in: 0...128, using: &random))
      if !prefix.isFolded { prefixes.append(prefix) }
    }
    return prefixes
  }

  /// A table in which each of few regions' clients are one place.
  private static func table(
    of prefixes: [AddressPrefix], _ random: inout SeededGenerator
  ) -> (PlaceTable, [AddressPrefix: String]) {
    var regions: [AddressPrefix: String] = [:]
    for prefix in prefixes { regions[prefix] = "r\(Int.random(in: 0...3, using: &random))" }
    let text = regions.map { "\($0.key) regions=\($0.value)\n" }.joined()
    let (list, faults) = OverrideList.parse(Array(text.utf8))
    #expect(faults.isEmpty)
    return (PlaceTable(layers: [], overrides: [list]), regions)
  }

  private static func clients(of table: AddressTable) -> [IPAddress] {
    table.starts4.flatMap { [.ipv4($0), .ipv4($0 &- 1), .ipv4($0 &+ 1)] }
      + table.starts6.flatMap {
        [.ipv6($0), .ipv6($0 &- 1), .ipv6($0 &+ 1), .ipv6($0 ^ 1 << 64), .ipv6($0 ^ 1 << 63)]
      }
  }

  /// The distinct values in a prefix, by looking at every range.
  private static func values(_ table: AddressTable, in prefix: AddressPrefix) -> Set<UInt32> {
    switch prefix.address {
    case .ipv4(let first):
      let last = prefix.length == 0 ? .max : first | (UInt64(1) << (32 - prefix.length) - 1).low
      return overlapping(table.starts4, table.values4, first, last)
    case .ipv6(let first):
      let last = prefix.length == 128 ? first : first | (UInt128.max >> UInt128(prefix.length))
      return overlapping(table.starts6, table.values6, first, last)
    }
  }

  private static func overlapping<Bits: FixedWidthInteger>(
    _ starts: [Bits], _ values: [UInt32], _ first: Bits, _ last: Bits
  ) -> Set<UInt32> {
    var found: Set<UInt32> = []
    for (index, start) in starts.enumerated() where start <= last {
      if index + 1 == starts.count || starts[index + 1] > first { found.insert(values[index]) }
    }
    return found
  }

  private static func prefix(_ address: IPAddress, _ length: Int) -> AddressPrefix {
    switch address {
    case .ipv4(let bits): AddressPrefix(ipv4: bits, length: length)
    case .ipv6(let bits): AddressPrefix(ipv6: bits, length: length)
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func scopesAreExactAndTheLongestPrefixWins(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let (places, regions) = Self.table(of: Self.randomPrefixes(&random), &random)
    let table = places.addresses.unpacked()
    let maps = CohortMaps([AddressTable(7), table, table])
    for address in Self.clients(of: table) {
      let client = address.client
      let (value, scope) = table.find(client)
      let match = maps.find(map: 1, client: client)
      #expect(match == CohortMatch(cohort: value, scopeBits: scope), "seed \(seed), \(address)")
      #expect(maps.find(map: 2, client: client) == match)
      #expect(maps.find(map: 0, client: client).cohort == 7)

      let place = places.places[Int(value)]
      let region = place.override == 0 ? nil : places.overrides[Int(place.override) - 1][0]
      let used = client.family == .ipv4 ? IPAddress.ipv4(UInt32(client.bits)) : address
      let innermost = regions.keys.filter { $0.contains(used) }.max { $0.length < $1.length }
      #expect(region == innermost.flatMap { regions[$0] }, "seed \(seed), \(address)")

      let own = Int(scope) - Int(client.scopeOffsetBits)
      #expect(Self.values(table, in: Self.prefix(used, own)) == [value], "seed \(seed), \(address)")
      if own > 0 {
        #expect(
          Self.values(table, in: Self.prefix(used, own - 1)).count > 1, "seed \(seed), \(address)")
      }
    }
  }

  @Test func rangesAreMaximalAndBeginAtZero() {
    var random = SeededGenerator(seed: 99)
    for _ in 0..<50 {
      let table = Self.table(of: Self.randomPrefixes(&random), &random).0.addresses.unpacked()
      #expect(table.starts4[0] == 0 && table.starts6[0] == 0)
      #expect(zip(table.starts4, table.starts4.dropFirst()).allSatisfy { $0 < $1 })
      #expect(zip(table.starts6, table.starts6.dropFirst()).allSatisfy { $0 < $1 })
      #expect(zip(table.values4, table.values4.dropFirst()).allSatisfy { $0 != $1 })
      #expect(zip(table.values6, table.values6.dropFirst()).allSatisfy { $0 != $1 })
      let merged = table.mapValues(Array(repeating: 0, count: 100))
      #expect(merged == AddressTable())
    }
  }

  @Test func noIPv6ScopeReachesIntoAFoldedPrefix() {
    let table = AddressTable()
    for address in ["::", "::1", "2001:1::", "2003::", "64:ff9b:1::", "3fff::", "ffff::"] {
      guard let client = IPAddress(address)?.client else { continue }
      let scope = Int(table.find(client).scopeBits)
      let around = AddressPrefix(ipv6: client.bits, length: scope)
      for folded in ClientAddress.foldedPrefixes {
        #expect(!around.contains(folded.address), "\(around) holds \(folded)")
      }
    }
    #expect(table.find(ClientAddress(ipv4: 1)).scopeBits == 0)
    #expect(IPAddress("::ffff:1.2.3.4").map { table.find($0.client).scopeBits } == 96)
    #expect(IPAddress("2002:102:304::").map { table.find($0.client).scopeBits } == 16)
  }

  @Test func anEvenlyDividedWorldHasEvenScopes() {
    var builder = AddressTableBuilder()
    for part in UInt32(0)..<256 { builder.append(ipv4: part << 24, value: part & 1) }
    let maps = CohortMaps([builder.build()])
    #expect(
      maps.find(map: 0, client: ClientAddress(ipv4: 0x0102_0304))
        == CohortMatch(cohort: 1, scopeBits: 8))
    #expect(
      maps.find(map: 0, client: ClientAddress(ipv4: .max))
        == CohortMatch(cohort: 1, scopeBits: 8))
  }
}

extension UInt64 {
  fileprivate var low: UInt32 { UInt32(truncatingIfNeeded: self) }
}
