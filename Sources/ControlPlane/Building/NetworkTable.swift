package import Places

/// What is said of every address: ranges, and records that they share.
package struct NetworkTable: Sendable {
  package private(set) var ipv4 = RangeMap(addressBits: 32)
  package private(set) var ipv6 = RangeMap(addressBits: 128)
  /// Distinct; the first says nothing.
  package private(set) var records = [NetworkRecord()]

  package init() {}

  /// What a database says; of IPv6 without the prefixes whose clients are answered as IPv4.
  package init(_ layer: PlaceLayer) {
    var numbers = RecordNumbers()
    let numberOfPlace = layer.places.map {
      numbers.number(of: NetworkRecord($0, cityNames: layer.cityNames))
    }
    let addresses = layer.addresses
    for (start, value) in zip(addresses.starts4, addresses.values4) {
      ipv4.append(start: UInt128(start), value: numberOfPlace[Int(value)])
    }
    for (index, value) in addresses.values6.enumerated() {
      ipv6.append(
        start: addresses.start6(at: index),
        value: value == AddressTable.foldedValue ? 0 : numberOfPlace[Int(value)])
    }
    records = numbers.records
  }

  init(ipv4: RangeMap, ipv6: RangeMap, records: [NetworkRecord]) {
    self.ipv4 = ipv4
    self.ipv6 = ipv6
    self.records = records
  }

  package func record(of address: IPAddress) -> NetworkRecord {
    switch address {
    case .ipv4(let bits): records[Int(ipv4.values[ipv4.index(of: UInt128(bits))])]
    case .ipv6(let bits): records[Int(ipv6.values[ipv6.index(of: bits)])]
    }
  }

  /// Ranges of which anything is said.
  package var rangeCount: Int {
    ipv4.values.count(where: { $0 != 0 }) + ipv6.values.count(where: { $0 != 0 })
  }

  package var isEmpty: Bool { records.allSatisfy { $0.isEmpty || $0.hidesLocation } }

  /// Lays what a later input says over this, as ``NetworkRecord/over(_:)`` says.
  package mutating func lay(_ later: NetworkTable) {
    var numbers = RecordNumbers()
    var numberOfPair: [UInt64: UInt32] = [:]
    func join(_ own: UInt32, _ other: UInt32) -> UInt32 {
      let pair = UInt64(own) << 32 | UInt64(other)
      if let known = numberOfPair[pair] { return known }
      let number = numbers.number(of: later.records[Int(other)].over(records[Int(own)]))
      numberOfPair[pair] = number
      return number
    }
    let (joined4, joined6) = (
      ipv4.combined(with: later.ipv4, join), ipv6.combined(with: later.ipv6, join)
    )
    self = NetworkTable(ipv4: joined4, ipv6: joined6, records: numbers.records)
  }
}

/// Gives equal records one number; nothing is 0.
struct RecordNumbers {
  private(set) var records = [NetworkRecord()]
  private var numbers = [NetworkRecord(): UInt32(0)]

  mutating func number(of record: NetworkRecord) -> UInt32 {
    if let known = numbers[record] { return known }
    let number = UInt32(records.count)
    records.append(record)
    numbers[record] = number
    return number
  }
}
