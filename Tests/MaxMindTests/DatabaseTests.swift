import MaxMind
import Places
import TestSupport
import Testing

@Suite struct DatabaseTests {
  static func city(
    _ country: String, _ latitude: Double, _ longitude: Double, name: String = "Somewhere"
  ) -> DataValue {
    .map([
      ("city", .map([("names", .map([("de", .text("Irgendwo")), ("en", .text(name))]))])),
      ("continent", .map([("code", .text("AS"))])),
      ("country", .map([("geoname_id", .uint32(1)), ("iso_code", .text(country))])),
      (
        "location",
        .map([
          ("accuracy_radius", .uint16(20)), ("latitude", .double(latitude)),
          ("longitude", .double(longitude)),
        ])
      ),
      ("subdivisions", .array([.map([("iso_code", .text("13"))]), .map([])])),
    ])
  }

  static func open(_ writer: DatabaseWriter) throws -> PlaceTable {
    let file = TemporaryFile(writer.file)
    return PlaceTable(layers: [try MaxMindDatabase(file: file.path).layer])
  }

  static func place(of text: String, in table: PlaceTable) throws -> Place {
    let client = try #require(IPAddress(text)).client
    return table.places[table.place(of: client).place]
  }

  static func prefix(_ text: String) throws -> AddressPrefix {
    try #require(AddressPrefix(text))
  }

  @Test(arguments: [24, 28, 32], [4, 6])
  func citiesAreRead(recordBits: Int, ipVersion: Int) throws {
    var writer = DatabaseWriter(ipVersion: ipVersion, recordBits: recordBits)
    writer.add(try Self.prefix("1.0.0.0/8"), Self.city("JP", 35.5, 139.5, name: "Tokyo"))
    writer.add(try Self.prefix("1.2.3.0/24"), Self.city("DE", -50.25, 8.5))
    if ipVersion == 6 {
      writer.add(try Self.prefix("2400::/12"), Self.city("JP", 35.5, 139.5, name: "Tokyo"))
      writer.add(try Self.prefix("2002::/16"), Self.city("FR", 1, 1))
    }
    let table = try Self.open(writer)
    let tokyo = try Self.place(of: "1.255.0.1", in: table)
    #expect(tokyo.point == GeoPoint(latitude: 35.5, longitude: 139.5))
    #expect(tokyo.accuracyRadiusKilometres == 20)
    #expect(tokyo.country == CountryCode("JP") && tokyo.continent == ContinentCode("AS"))
    #expect(tokyo.subdivision == Subdivision("JP-13"))
    #expect(table.cityNames[Int(tokyo.cityName)] == "Tokyo")
    #expect(try Self.place(of: "1.2.3.4", in: table).country == CountryCode("DE"))
    #expect(try Self.place(of: "2.0.0.0", in: table) == Place())
    #expect(try Self.place(of: "::ffff:1.2.3.4", in: table).country == CountryCode("DE"))
    #expect(try Self.place(of: "2002:102:304::1", in: table).country == CountryCode("DE"))
    #expect(try Self.place(of: "2001:0::fefd:fcfb", in: table).country == CountryCode("DE"))
    let six = try Self.place(of: "2400::1", in: table)
    #expect(six == (ipVersion == 6 ? tokyo : Place()))
    #expect(table.place(of: ClientAddress(ipv4: 0x0102_0304)).scopeBits == 24)
  }

  @Test func countryDatabasesGetCentres() throws {
    var writer = DatabaseWriter()
    let french = DataValue.map([
      ("iso_code", .text("FR")), ("is_in_european_union", .boolean(true)),
    ])
    writer.add(try Self.prefix("1.0.0.0/8"), .map([("country", french)]))
    writer.add(try Self.prefix("2.0.0.0/8"), .map([("registered_country", french)]))
    writer.add(try Self.prefix("3.0.0.0/8"), .map([("country", .map([("iso_code", .text("ZZ"))]))]))
    let table = try Self.open(writer)
    for address in ["1.1.1.1", "2.1.1.1"] {
      let place = try Self.place(of: address, in: table)
      #expect(place.country == CountryCode("FR") && place.isInEuropeanUnion)
      #expect(place.continent == ContinentCode("EU"))
      #expect(place.point != nil && place.accuracyRadiusKilometres == 1000)
    }
    #expect(try Self.place(of: "3.1.1.1", in: table) == Place())
  }

  @Test func networksAreReadFromASNAndEnterpriseDatabases() throws {
    var writer = DatabaseWriter(ipVersion: 4)
    writer.add(
      try Self.prefix("1.0.0.0/8"), .map([("autonomous_system_number", .uint32(2500))]))
    writer.add(
      try Self.prefix("2.0.0.0/8"),
      .map([("traits", .map([("autonomous_system_number", .uint16(7))]))]))
    let table = try Self.open(writer)
    #expect(try Self.place(of: "1.1.1.1", in: table).asn == 2500)
    #expect(try Self.place(of: "2.1.1.1", in: table).asn == 7)
  }

  @Test func pointersAreFollowedAndNumbersOfAnyTypeAreTaken() throws {
    var writer = DatabaseWriter(ipVersion: 4)
    let location = DataValue.map([
      ("latitude", .float(1.5)), ("longitude", .int32(-7)), ("accuracy_radius", .uint64(1 << 40)),
    ])
    writer.add(try Self.prefix("1.0.0.0/8"), location)
    writer.add(try Self.prefix("1.0.0.0/8"), .map([("location", .pointer(0))]))
    let place = try Self.place(of: "1.1.1.1", in: try Self.open(writer))
    #expect(place.point == GeoPoint(latitude: 1.5, longitude: -7))
    #expect(place.accuracyRadiusKilometres == 65_535)
  }

  @Test func aNetworkAroundAFoldedPrefixDoesNotReachInside() throws {
    var writer = DatabaseWriter()
    writer.add(try Self.prefix("::/1"), .map([("autonomous_system_number", .uint32(1))]))
    let table = try Self.open(writer)
    #expect(try Self.place(of: "3fff::1", in: table).asn == 1)
    #expect(try Self.place(of: "9.9.9.9", in: table).asn == 1)
    for folded in ClientAddress.foldedPrefixes {
      guard case .ipv6(let bits) = folded.address else { continue }
      #expect(!table.addresses.starts6.filter { $0 == bits }.isEmpty, "\(folded)")
    }
  }

  @Test func whatTheDatabaseSaysOfItselfIsKept() throws {
    var writer = DatabaseWriter()
    writer.add(try Self.prefix("1.0.0.0/8"), Self.city("JP", 1, 2))
    let file = TemporaryFile(writer.file)
    let database = try MaxMindDatabase(file: file.path)
    #expect(database.type == "Test-City")
    #expect(database.buildEpochSeconds == 1_790_000_000)
  }
}
