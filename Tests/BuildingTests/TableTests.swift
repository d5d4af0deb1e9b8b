import Building
import MaxMind
import Places
import TestSupport
import Testing

/// What a file says of prefixes, looked up one after the other: the longest around an address.
private struct NaiveTable {
  var entries: [(prefix: AddressPrefix, country: String, asn: UInt32)] = []

  func entry(of address: IPAddress) -> (country: String, asn: UInt32)? {
    entries.filter { $0.prefix.contains(address) }.max { $0.prefix.length < $1.prefix.length }
      .map { ($0.country, $0.asn) }
  }

  var text: String {
    "network,country,asn\n"
      + entries.map { "\($0.prefix),\($0.country),\($0.asn == 0 ? "" : "AS\($0.asn)")\n" }.joined()
  }
}

private let countries = ["JP", "DE", "US", "BR", "ZA", ""]

/// Prefixes around few centres, so that many are nested, none twice.
private func randomTable(_ random: inout SeededGenerator) -> NaiveTable {
  var table = NaiveTable()
  var seen: Set<AddressPrefix> = []
  let centre4 = UInt32.random(in: .min ... .max, using: &random)
  let centre6 = 0x2001_0db8 << 96 | UInt128.random(in: .min ... .max, using: &random) >> 32
  for _ in 0..<Int.random(in: 1...40, using: &random) {
    let prefix: AddressPrefix
    if Bool.random(using: &random) {
      let length = Int.random(in: 0...32, using: &random)
      let noise =
        UInt32.random(in: .min ... .max, using: &random)
        >> UInt32.random(
          in: 0...31, using: &random)
      prefix = AddressPrefix(ipv4: centre4 ^ noise, length: length)
    } else {
      let length = Int.random(in: 0...128, using: &random)
      let noise =
        UInt128.random(in: .min ... .max, using: &random)
        >> UInt128.random(
          in: 3...127, using: &random)
      prefix = AddressPrefix(ipv6: centre6 ^ noise, length: length)
    }
    let asn = UInt32.random(in: 0...5, using: &random)
    let country = countries.randomElement(using: &random) ?? ""
    guard !prefix.isFolded, asn != 0 || !country.isEmpty, seen.insert(prefix).inserted else {
      continue
    }
    table.entries.append((prefix, country, asn))
  }
  return table
}

/// Both ends of each prefix, their neighbours, and others.
private func addresses(_ table: NaiveTable, _ random: inout SeededGenerator) -> [IPAddress] {
  table.entries.flatMap { entry -> [IPAddress] in
    switch entry.prefix.address {
    case .ipv4(let first):
      let last = first | (entry.prefix.length == 32 ? 0 : .max >> UInt32(entry.prefix.length))
      let inside = UInt32.random(in: first...last, using: &random)
      return [first, last, inside, first &- 1, last &+ 1].map { .ipv4($0) }
    case .ipv6(let first):
      let last = first | (entry.prefix.length == 128 ? 0 : .max >> UInt128(entry.prefix.length))
      let inside = UInt128.random(in: first...last, using: &random)
      return [first, last, inside, first &- 1, last &+ 1].map { .ipv6($0) }
    }
  }
}

/// No IPv6 client comes from ::/96, and the folded forms are answered as IPv4.
private func isOwnIPv6(_ address: IPAddress) -> Bool {
  guard case .ipv6(let bits) = address else { return true }
  return bits >> 32 != 0 && !AddressPrefix(ipv6: bits, length: 128).isFolded
}

@Suite struct `A table of networks` {
  @Test(arguments: 0..<150)
  func `has for each address what the longest prefix says, in memory and as a file`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    let naive = randomTable(&random)
    guard !naive.entries.isEmpty else { return }
    let input = NetworkInput(Array(naive.text.utf8))
    #expect(input.kind == .csv && input.faults == [])
    let bits = [24, 28, 32][Int(seed % 3)]
    let written = try #require(
      MaxMindFile(input.table, metadata: .forTests, leastRecordBits: bits))
    #expect(written.recordBits == bits)
    let file = TemporaryFile(written.bytes)
    let database = try MaxMindDatabase(file: file.path)
    for address in addresses(naive, &random) where isOwnIPv6(address) {
      let wanted = naive.entry(of: address)
      let record = input.table.record(of: address)
      #expect(record.country?.description ?? "" == wanted?.country ?? "", "\(address)")
      #expect(record.asn == wanted?.asn ?? 0, "\(address)")
      let place = database.layer.places[Int(database.layer.addresses.find(address.client).value)]
      #expect(NetworkRecord(place, cityNames: database.layer.cityNames) == record, "\(address)")
    }
  }

  @Test(arguments: 0..<50)
  func `has of each property what the last input says that says any`(seed: UInt64) throws {
    var random = SeededGenerator(seed: 1_000 + seed)
    let naives = (0..<3).map { _ in randomTable(&random) }
    var table = NetworkTable()
    for naive in naives { table.lay(NetworkInput(Array(naive.text.utf8)).table) }
    for address in naives.flatMap({ addresses($0, &random) }) where isOwnIPv6(address) {
      let entries = naives.compactMap { $0.entry(of: address) }
      let record = table.record(of: address)
      #expect(
        record.country?.description ?? "" == entries.last { !$0.country.isEmpty }?.country ?? "")
      #expect(record.asn == entries.last { $0.asn != 0 }?.asn ?? 0)
    }
  }

  @Test(arguments: 0..<50)
  func `is the same as a table of override prefixes`(seed: UInt64) throws {
    var random = SeededGenerator(seed: 2_000 + seed)
    let naive = randomTable(&random)
    let table = NetworkInput(Array(naive.text.utf8)).table
    let (overrides, faults) = OverrideList.parse(Array(table.overrideText().text.utf8))
    #expect(faults == [])
    let places = PlaceTable(layers: [], overrides: [overrides], rulePrefixes: [])
    for address in addresses(naive, &random) where isOwnIPv6(address) {
      let place = places.places[places.place(of: address.client).place]
      let record = table.record(of: address)
      #expect(place.country == record.country && place.asn == record.asn, "\(address)")
    }
  }

  /// A later country is not put on an earlier city's place.
  @Test func `keeps a place and its country together`() throws {
    let base = "network,country,city,latitude,longitude,asn\n192.0.2.0/24,JP,Tokyo,35.7,139.7,1\n"
    let address = try #require(IPAddress("192.0.2.1"))
    func record(_ later: String) -> NetworkRecord {
      var table = NetworkInput(Array(base.utf8)).table
      table.lay(NetworkInput(Array(later.utf8)).table)
      return table.record(of: address)
    }
    let other = record("network,country\n192.0.2.0/25,DE\n")
    #expect(other.country == CountryCode("DE") && other.point == nil && other.city.isEmpty)
    #expect(other.asn == 1)
    let same = record("network,country\n192.0.2.0/25,JP\n")
    #expect(same.city == "Tokyo" && same.point != nil)
    let hidden = record("192.0.2.0/25,,,,\n")
    #expect(hidden.country == nil && hidden.point == nil && hidden.hidesLocation)
    #expect(hidden.asn == 1)
  }

  /// What is finer than what a later input says otherwise goes.
  @Test func `keeps no city in another subdivision, and no country on another continent`() throws {
    let base =
      "network,continent,country,subdivision,city,latitude,longitude,asn\n"
      + "192.0.2.0/24,AS,JP,JP-13,Tokyo,35.7,139.7,1\n"
    let address = try #require(IPAddress("192.0.2.1"))
    func record(_ later: String, over base: String = base) -> NetworkRecord {
      var table = NetworkInput(Array(base.utf8)).table
      table.lay(NetworkInput(Array(later.utf8)).table)
      return table.record(of: address)
    }
    let osaka = record("network,subdivision\n192.0.2.0/25,JP-27\n")
    #expect(osaka.subdivision == Subdivision("JP-27") && osaka.country == CountryCode("JP"))
    #expect(osaka.city.isEmpty && osaka.point == nil && osaka.asn == 1)
    let same = record("network,subdivision\n192.0.2.0/25,JP-13\n")
    #expect(same.city == "Tokyo" && same.point != nil)
    // Whose city it was is not known.
    let unknown = record(
      "network,subdivision\n192.0.2.0/25,JP-13\n",
      over: "network,country,city\n192.0.2.0/24,JP,Osaka\n")
    #expect(unknown.city.isEmpty)
    let africa = record("network,continent\n192.0.2.0/25,AF\n")
    #expect(africa.continent == ContinentCode("AF") && africa.country == nil)
    #expect(africa.subdivision == nil && africa.city.isEmpty && africa.point == nil)
    let asia = record(
      "network,continent\n192.0.2.0/25,AS\n", over: "network,country\n192.0.2.0/24,JP\n")
    #expect(asia.country == CountryCode("JP") && asia.continent == ContinentCode("AS"))
  }

  /// Half a million ranges, all of their properties.
  @Test func `of the shipped database is that database again`() throws {
    let shipped = try MaxMindDatabase(file: "\(repository)/geodata/azimuth-city.mmdb")
    let table = NetworkTable(shipped.layer)
    let written = try #require(MaxMindFile(table, metadata: .forTests))
    let file = TemporaryFile(written.bytes)
    let again = NetworkTable(try MaxMindDatabase(file: file.path).layer)
    #expect(table.rangeCount > 100_000 && again.rangeCount == table.rangeCount)
    #expect(again.ipv4.starts == table.ipv4.starts && again.ipv6.starts == table.ipv6.starts)
    for (one, two) in [(table.ipv4, again.ipv4), (table.ipv6, again.ipv6)] {
      let isSame = zip(one.values, two.values).allSatisfy {
        table.records[Int($0)] == again.records[Int($1)]
      }
      #expect(isSame)
    }
  }
}

@Suite struct `A written database` {
  /// Those who look an address up as it came.
  @Test func `is found by others as by us, and IPv4 in every form of IPv6 too`() throws {
    let text = """
      network,country,region,city,latitude,longitude,accuracy_radius,asn,european_union
      192.0.2.0/24,DE,DE-BE,"Berlin, Mitte",52.52,-13.405,20,AS64500,true
      192.0.2.128/25,JP,,,,,,,
      2001:db8::/32,BR,,São Paulo,-23.55,-46.63,,,
      """
    let written = try #require(
      MaxMindFile(NetworkInput(Array(text.utf8)).table, metadata: .forTests))
    let file = TemporaryFile(written.bytes)
    let script = """
      import json, maxminddb, sys
      reader = maxminddb.open_database(sys.argv[1], maxminddb.MODE_FILE)
      metadata = reader.metadata()
      assert metadata.database_type == "Test" and metadata.ip_version == 6, metadata
      assert metadata.build_epoch == 1790000000, metadata
      berlin = {"autonomous_system_number": 64500, "city": {"names": {"en": "Berlin, Mitte"}},
                "country": {"iso_code": "DE", "is_in_european_union": True},
                "location": {"accuracy_radius": 20, "latitude": 52.52, "longitude": -13.405},
                "subdivisions": [{"iso_code": "BE"}]}
      for text in ["192.0.2.1", "::192.0.2.1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1",
                   "2002:c000:201::1", "2001:0:c000:201::"]:
          assert reader.get(text) == berlin, (text, reader.get(text))
      assert reader.get_with_prefix_len("192.0.2.200")[1] == 25
      assert reader.get("192.0.2.200") == {"country": {"iso_code": "JP"}}
      assert reader.get("2001:db8::1")["city"]["names"]["en"] == "São Paulo"
      assert reader.get("198.51.100.1") is None and reader.get("2001:db9::") is None
      """
    let python = try RunningProcess("/usr/bin/python3", ["-c", script, file.path])
    python.waitForEnd()
    #expect(python.status == 0, "\(python.all)")
    let lookup = try RunningProcess(
      "/usr/bin/mmdblookup", ["--file", file.path, "--ip", "192.0.2.1", "country", "iso_code"])
    lookup.waitForEnd()
    #expect(lookup.status == 0 && lookup.output.contains("\"DE\""), "\(lookup.all)")
  }

  /// Pointers of every size, and records of 28 bits because 24 would not do.
  @Test func `holds more data than small records reach`() throws {
    let name = String(repeating: "x", count: 180)
    var text = "network,city\n"
    for index in 0..<100_000 {
      text += "10.\(index >> 16).\(index >> 8 & 255).\(index & 255),\(name)\(index)\n"
    }
    // Said again, far behind.
    text += "11.0.0.0/8,\(name)7\n"
    let table = NetworkInput(Array(text.utf8)).table
    let written = try #require(MaxMindFile(table, metadata: .forTests))
    #expect(written.recordBits == 28)
    let file = TemporaryFile(written.bytes)
    let layer = try MaxMindDatabase(file: file.path).layer
    for (address, number) in [("10.0.0.7", 7), ("11.1.1.1", 7), ("10.1.134.159", 99_999)] {
      let client = try #require(IPAddress(address)).client
      let place = layer.places[Int(layer.addresses.find(client).value)]
      #expect(layer.cityNames[Int(place.cityName)] == "\(name)\(number)")
    }
  }

  /// Equal subtrees are shared; here so few nodes would lead to so many networks that readers take
  /// it for an attack.
  @Test func `is one that can be read, however regular its networks are`() throws {
    var text = "network,country\n"
    for index in 0..<1 << 17 {
      text += "10.\(index >> 15).\(index >> 7 & 255).\((index & 127) * 2)/32,"
      text += index & 1 == 0 ? "JP\n" : "DE\n"
    }
    let table = NetworkInput(Array(text.utf8)).table
    let written = try #require(MaxMindFile(table, metadata: .forTests))
    let file = TemporaryFile(written.bytes)
    let again = NetworkTable(try MaxMindDatabase(file: file.path).layer)
    for (address, country) in [("10.0.0.0", "JP"), ("10.3.255.254", "DE"), ("10.3.255.252", "JP")] {
      let record = again.record(of: try #require(IPAddress(address)))
      #expect(record.country == CountryCode(country))
    }
  }

  @Test func `of one record for all addresses has a node to begin with`() throws {
    let table = NetworkInput(Array("0.0.0.0/0,JP,,,\n::/0,JP,,,\n".utf8)).table
    let written = try #require(MaxMindFile(table, metadata: .forTests))
    let file = TemporaryFile(written.bytes)
    let again = NetworkTable(try MaxMindDatabase(file: file.path).layer)
    for text in ["0.0.0.0", "255.255.255.255", "2a00::1"] {
      let address = try #require(IPAddress(text))
      #expect(again.record(of: address).country == CountryCode("JP"))
    }
  }
}

extension MaxMindFile.Metadata {
  fileprivate static let forTests = Self(
    type: "Test", description: "made by a test", buildEpochSeconds: 1_790_000_000)
}
