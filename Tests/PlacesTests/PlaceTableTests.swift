import Places
import TestSupport
import Testing

@Suite struct PlaceTableTests {
  private static func layer(_ place: Place, city: String = "", from start: UInt32) -> PlaceLayer {
    var builder = AddressTableBuilder()
    builder.append(ipv4: start, value: 1)
    return PlaceLayer(
      addresses: builder.build(), places: [Place(), place], cityNames: ["", city])
  }

  private static func place(_ table: PlaceTable, _ address: UInt32) -> Place {
    table.places[table.place(of: ClientAddress(ipv4: address)).place]
  }

  @Test func nothingIsKnownWithoutLayers() {
    let table = PlaceTable(layers: [])
    #expect(table.places == [Place()])
    #expect(table.addresses == PackedAddressTable(AddressTable()))
    #expect(table.prefixSets == [[]])
  }

  @Test func theFirstLayerThatKnowsAPropertyWins() {
    let city = Self.layer(
      Place(
        point: GeoPoint(latitude: 1, longitude: 2), accuracyRadiusKilometres: 3,
        continent: ContinentCode("AS"), country: CountryCode("JP"),
        subdivision: Subdivision("JP-13"), cityName: 1), city: "Tokyo", from: 100)
    let country = Self.layer(
      Place(continent: ContinentCode("EU"), country: CountryCode("DE")), from: 0)
    let network = Self.layer(Place(asn: 42), from: 50)
    let table = PlaceTable(layers: [city, country, network])
    let tokyo = Self.place(table, 100)
    #expect(tokyo.country == CountryCode("JP") && tokyo.asn == 42)
    #expect(table.cityNames[Int(tokyo.cityName)] == "Tokyo")
    let german = Self.place(table, 50)
    #expect(german.country == CountryCode("DE") && german.asn == 42)
    #expect(german.accuracyRadiusKilometres == 1000 && german.point != nil)
    #expect(Self.place(table, 49).asn == 0)

    let reversed = PlaceTable(layers: [country, city])
    let mixed = Self.place(reversed, 100)
    #expect(mixed.country == CountryCode("DE"))
    #expect(mixed.point == GeoPoint(latitude: 1, longitude: 2))
    #expect(mixed.subdivision == nil, "the subdivision is another country's")
  }

  @Test func equalPlacesBecomeOne() {
    let place = Place(asn: 5)
    var builder = AddressTableBuilder()
    builder.append(ipv4: 10, value: 1)
    builder.append(ipv4: 20, value: 2)
    builder.append(ipv4: 30, value: 0)
    builder.append(ipv6: 1 << 120, value: 2)
    let layer = PlaceLayer(
      addresses: builder.build(), places: [Place(), place, place], cityNames: [""])
    let table = PlaceTable(layers: [layer])
    #expect(table.places == [Place(), place])
    #expect(table.addresses.starts4 == [0, 10, 30])
    #expect(table.addresses.values4 == [0, 1, 0])
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func prefixSetsHoldAllRulePrefixesAround(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let prefixes = (0..<20).map { _ in
      Bool.random(using: &random)
        ? AddressPrefix(
          ipv4: .random(in: 0...15, using: &random) << 28,
          length: .random(in: 0...6, using: &random))
        : AddressPrefix(
          ipv6: .random(in: 0...15, using: &random) << 124,
          length: .random(in: 0...6, using: &random))
    }
    let layer = Self.layer(Place(asn: 3), from: 0x5000_0000)
    let table = PlaceTable(layers: [layer], rulePrefixes: prefixes)
    for _ in 0..<200 {
      let address: IPAddress =
        Bool.random(using: &random)
        ? .ipv4(.random(in: 0 ... .max, using: &random))
        : .ipv6(.random(in: 0 ... .max, using: &random))
      guard address.client.scopeOffsetBits == 0 else { continue }
      let place = table.places[table.place(of: address.client).place]
      let expected = prefixes.indices.filter { prefixes[$0].contains(address) }.map(UInt32.init)
      #expect(table.prefixSets[Int(place.prefixSet)] == expected, "seed \(seed), \(address)")
    }
  }
}
