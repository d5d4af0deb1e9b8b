import Places
import TestSupport
import Testing

@Suite struct OverrideListTests {
  private static func parse(_ text: String) -> (overrides: OverrideList, faults: [OverrideFault]) {
    OverrideList.parse(Array(text.utf8))
  }

  private static func place(
    of address: String, _ text: String, layers: [PlaceLayer] = []
  ) throws -> (place: Place, table: PlaceTable) {
    let (list, faults) = parse(text)
    #expect(faults == [])
    let table = PlaceTable(layers: layers, overrides: [list])
    let client = try #require(IPAddress(address)).client
    return (table.places[table.place(of: client).place], table)
  }

  @Test func everyPropertyIsRead() throws {
    let (place, table) = try Self.place(
      of: "127.81.3.4",
      """
      # clients for the demo

        127.81.0.0/16\tat=35.68,-139.69 radius=20 continent=EU subdivision=jp-13 asn=2500 \
      city=Tokyo eu=true regions=nrt,sin # and this\r
      """)
    #expect(place.point == GeoPoint(latitude: 35.68, longitude: -139.69))
    #expect(place.accuracyRadiusKilometres == 20)
    #expect(place.country == CountryCode("JP"))
    #expect(place.continent == ContinentCode("EU"))
    #expect(place.subdivision == Subdivision("JP-13"))
    #expect(place.asn == 2500)
    #expect(place.isInEuropeanUnion)
    #expect(table.cityNames[Int(place.cityName)] == "Tokyo")
    #expect(table.overrides[Int(place.override) - 1] == ["nrt", "sin"])
  }

  @Test func aCountryAloneBringsItsContinentCentreAndMembership() throws {
    let place = try Self.place(of: "2001:db8::1", "2001:db8::/32 country=de").place
    let germany = try #require(CountryCode("DE").flatMap { Country.all[$0] })
    #expect(place.continent == ContinentCode("EU"))
    #expect(place.point == germany.centroid)
    #expect(place.accuracyRadiusKilometres == 1000)
    #expect(place.isInEuropeanUnion)
  }

  @Test func aChangeLeavesWhatItDoesNotSay() throws {
    let tokyo = Place(
      point: GeoPoint(latitude: 35, longitude: 139), accuracyRadiusKilometres: 5,
      continent: ContinentCode("AS"), country: CountryCode("JP"),
      subdivision: Subdivision("JP-13"), asn: 7, cityName: 1)
    var builder = AddressTableBuilder()
    builder.append(ipv4: 0, value: 1)
    let layer = PlaceLayer(
      addresses: builder.build(), places: [Place(), tokyo], cityNames: ["", "Tokyo"])
    let text = """
      1.0.0.0/8 regions=fra
      2.0.0.0/8 at=1,2
      3.0.0.0/8 country=FR
      4.0.0.0/8 asn=9 radius=0
      """
    func place(_ address: String) throws -> Place {
      try Self.place(of: address, text, layers: [layer]).place
    }
    var expected = tokyo
    #expect(try place("9.1.1.1") == expected)
    expected.override = 1
    #expect(try place("1.1.1.1") == expected)
    expected = tokyo
    (expected.point, expected.accuracyRadiusKilometres, expected.cityName) =
      (GeoPoint(latitude: 1, longitude: 2), 0, 0)
    #expect(try place("2.1.1.1") == expected)
    expected = tokyo
    (expected.asn, expected.accuracyRadiusKilometres) = (9, 0)
    #expect(try place("4.1.1.1") == expected)
    let french = try place("3.1.1.1")
    #expect(french.subdivision == nil && french.cityName == 0 && french.asn == 7)
    #expect(french.continent == ContinentCode("EU") && french.isInEuropeanUnion)
    #expect(french.accuracyRadiusKilometres == 1000)
  }

  @Test func laterListsWinOverEarlierOnes() throws {
    let file = Self.parse("10.0.0.0/8 regions=a country=DE\n10.1.0.0/16 regions=b").overrides
    let inline = Self.parse("10.0.0.0/9 regions=c").overrides
    let table = PlaceTable(layers: [], overrides: [file, inline])
    func regions(_ address: String) -> ([String], CountryCode?)? {
      guard let client = IPAddress(address)?.client else { return nil }
      let place = table.places[table.place(of: client).place]
      guard place.override > 0 else { return ([], place.country) }
      return (table.overrides[Int(place.override) - 1], place.country)
    }
    #expect(regions("10.1.0.1")?.0 == ["c"])
    #expect(regions("10.1.0.1")?.1 == nil)
    #expect(regions("10.2.0.1")?.0 == ["c"])
    #expect(regions("10.2.0.1")?.1 == CountryCode("DE"))
    #expect(regions("10.200.0.1")?.0 == ["a"])
    #expect(regions("11.0.0.1")?.0 == [])
  }

  @Test func regionNamesComeOnceWithTheirFirstLine() {
    let list = Self.parse("\n1.0.0.0/8 regions=b,a\n2.0.0.0/8 regions=a,c\n").overrides
    #expect(list.regionNames.map(\.name) == ["b", "a", "c"])
    #expect(list.regionNames.map(\.line) == [2, 2, 3])
    #expect(list.prefixCount == 2)
  }

  @Test(arguments: [
    ("1.2.3/8 asn=1", "no prefix"), ("1.2.3.4/33 asn=1", "from 0 to 32"),
    ("::/x asn=1", "from 0 to 128"), ("1.2.3.4/8 asn=1", "1.0.0.0/8 is meant"),
    ("1.0.0.0/8", "nothing follows"), ("1.0.0.0/8 # asn=1", "nothing follows"),
    ("1.0.0.0/8 foo=1", "unknown key \"foo\""), ("1.0.0.0/8 asn", "not of the form key=value"),
    ("1.0.0.0/8 asn=0", "from 1 to"), ("1.0.0.0/8 asn=4294967296", "from 1 to"),
    ("1.0.0.0/8 asn=1 asn=1", "given twice"), ("1.0.0.0/8 at=1", "wanted degrees"),
    ("1.0.0.0/8 at=91,0", "-90...90"), ("1.0.0.0/8 at=0,180.5", "-180...180"),
    ("1.0.0.0/8 at=1e1,0", "wanted degrees"), ("1.0.0.0/8 at=nan,0", "wanted degrees"),
    ("1.0.0.0/8 at=.5,-", "wanted degrees"), ("1.0.0.0/8 radius=-1", "kilometres"),
    ("1.0.0.0/8 radius=99999", "kilometres"), ("1.0.0.0/8 country=ZZ", "ISO 3166-1"),
    ("1.0.0.0/8 continent=XX", "wanted one of"), ("1.0.0.0/8 subdivision=13", "ISO 3166-2"),
    ("1.0.0.0/8 subdivision=JP-13 country=US", "not in the country"),
    ("1.0.0.0/8 city=", "lacks its name"), ("1.0.0.0/8 eu=yes", "true or false"),
    ("1.0.0.0/8 regions=", "name is missing"), ("1.0.0.0/8 regions=a,,b", "name is missing"),
    ("1.0.0.0/8 regions=a,a", "named twice"),
    ("::ffff:1.2.3.0/120 asn=1", "write an IPv4 prefix"),
  ])
  func aFaultSaysWhatIsWrong(line: String, message: String) {
    let (list, faults) = Self.parse("# first\n\(line)\n9.0.0.0/8 asn=9")
    #expect(faults.map(\.line) == [2])
    #expect(faults.first?.message.contains(message) == true, "\(faults)")
    #expect(list.prefixCount == 1)
  }

  @Test func aPrefixMayBeRepeatedButNotContradicted() {
    let (list, faults) = Self.parse(
      "1.0.0.0/8 asn=1\n::/3 asn=2\n1.0.0.0/8  asn=1 # again\n::/3 asn=3\n1.0.0.0/9 asn=4")
    #expect(faults.map(\.line) == [4])
    #expect(faults.first?.message == "::/3 says something else than on line 2")
    #expect(list.prefixCount == 3)
  }

  @Test func faultsAreCapped() {
    let (_, faults) = Self.parse(String(repeating: "x\n", count: 1000))
    #expect(faults.count == OverrideList.maximumFaults)
    let contradictions = (0..<1000).map { "1.0.0.0/8 asn=\($0 + 1)\n" }.joined()
    #expect(Self.parse(contradictions).faults.count == OverrideList.maximumFaults)
  }

  @Test func noBytesAtAllHarmTheParser() {
    var random = SeededGenerator(seed: 5)
    let good = Array("1.2.3.0/24 regions=a,b at=1.5,-2 country=JP asn=5 # x\n::/5 eu=true\n".utf8)
    for _ in 0..<3000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        if Bool.random(using: &random) {
          bytes[index] = .random(in: 0...255, using: &random)
        } else {
          bytes.removeSubrange(index...)
        }
        if bytes.isEmpty { break }
      }
      let (list, _) = OverrideList.parse(bytes)
      _ = PlaceTable(layers: [], overrides: [list])
    }
  }

  @Test(arguments: [
    ("10.0.0.0/8 country=DE\n10.1.0.0/16 asn=1", ["10.1.0.0/16 2 1 country eu continent"]),
    ("10.1.0.0/16 regions=fra\n10.0.0.0/8 eu=true asn=1", ["10.1.0.0/16 1 2 eu asn"]),
    ("10.0.0.0/8 eu=true\n10.1.0.0/16 country=DE", []),
    ("10.0.0.0/8 country=DE\n11.0.0.0/16 asn=1", []),
    ("10.0.0.0/8 at=1,1\n10.1.0.0/16 asn=1", []),
    (
      "2001:db8::/32 eu=true\n2001:db8:1::/48 city=X\n2001:db8:1:2::/64 eu=false",
      ["2001:db8:1::/48 2 1 eu"]
    ),
    (
      "10.0.0.0/8 subdivision=US-CA\n10.1.0.0/16 at=1,1 subdivision=US-CA\n10.1.2.0/24 at=2,2",
      ["10.1.2.0/24 3 2 country eu continent subdivision"]
    ),
  ])
  func aLongerPrefixThatHidesFactsIsFound(text: String, expected: [String]) {
    let found = Self.parse(text).overrides.hiddenFacts.map { hidden in
      "\(hidden.prefix) \(hidden.line) \(hidden.outerLine) "
        + hidden.facts.map(\.rawValue).joined(separator: " ")
    }
    #expect(found == expected)
  }
}
