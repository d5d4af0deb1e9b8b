import Building
import Places
import TestSupport
import Testing

private func input(
  _ text: String, headers: [String]? = nil, within: [AddressPrefix]? = nil
) -> NetworkInput {
  NetworkInput(Array(text.utf8), headers: headers, within: within)
}

@Suite struct `A CSV file of networks` {
  @Test func `is understood by its headers, in any order and case, the best of several`() throws {
    let read = input(
      "\u{FEFF}# made by hand\r\nASN,Country,as_name,COUNTRY_CODE,prefix,lat,LON\r\n"
        + "\r\n64500,Japan,\"A, \"\"B\"\"\",jp,192.0.2.0/24,35.5,139.5\r\n")
    #expect(read.kind == .csv && read.faults == [])
    #expect(read.unusedHeaders == ["Country", "as_name"])
    let record = read.table.record(of: try #require(IPAddress("192.0.2.9")))
    #expect(record.country == CountryCode("JP") && record.asn == 64_500)
    #expect(record.point == GeoPoint(latitude: 35.5, longitude: 139.5))
  }

  /// Taken for a geofeed, its lines would be left out in place of being faults.
  @Test func `with a quote that is open in its headers is a fault, and no geofeed`() {
    let read = input("network,\"country\n192.0.2.0/24,JP\n198.51.100.0/24,DE\n")
    #expect(read.kind == .csv && read.table.isEmpty)
    #expect(read.faults.map(\.line) == [1])
    #expect(read.faults.first?.message.contains("names the columns: a quote is not closed") == true)
    let feed = input("192.0.2.0/24,\"JP\n198.51.100.0/24,DE,,,\n")
    #expect(feed.kind == .geofeed && feed.faults.map(\.line) == [1])
  }

  @Test func `may have commas too many at the ends of lines, where nothing is between them`() {
    #expect(input("network,country\n192.0.2.0/24,JP,,\r\n").faults == [])
    #expect(input("192.0.2.0/24,JP,x\n", headers: ["network", "country"]).faults == [])
  }

  /// Latin-1, as spreadsheets write it: the name would become another.
  @Test func `has its names in UTF-8`() {
    let city: [UInt8] = [0x5A, 0xFC, 0x72, 0x69, 0x63, 0x68]
    let csv = NetworkInput(Array("network,city,note\n192.0.2.0/24,".utf8) + city + [0x2C, 0xFC])
    #expect(csv.faults.map(\.description) == ["line 2: city \"Z\u{FFFD}rich\": wanted UTF-8"])
    let feed = NetworkInput(
      Array("192.0.2.0/24,CH,,".utf8) + city + Array("\n198.51.100.0/24,CH,,\n".utf8))
    #expect(feed.kind == .geofeed && feed.faults.map(\.line) == [1] && !feed.table.isEmpty)
  }

  @Test func `may name networks by their ends, and have no headers of its own`() throws {
    let read = input(
      "1.0.0.0,1.0.0.255,OC,AU\n1.0.1.0,1.0.4.2,AS,CN\n2c0f::,2c0f:1::ffff,AF,ZZ\n",
      headers: ["start", "end", "continent", "country"])
    #expect(read.faults == [])
    for (text, country) in [
      ("1.0.0.255", "AU"), ("1.0.1.0", "CN"), ("1.0.4.2", "CN"), ("1.0.4.3", nil),
      ("2c0f:1::ffff", nil),
    ] as [(String, String?)] {
      let record = read.table.record(of: try #require(IPAddress(text)))
      #expect(record.country?.description == country, "\(text)")
    }
    let last = read.table.record(of: try #require(IPAddress("2c0f:1::ffff")))
    #expect(last.continent == ContinentCode("AF"))
  }

  @Test(
    arguments: [
      ("network,as_name\n192.0.2.0/24,x\n", "line 1: no column says anything"),
      ("country,city\nJP,Tokyo\n", "line 1: no column names networks"),
      ("network,country,lat\n192.0.2.0/24,JP,1\n", "line 1: latitude and longitude"),
      ("network,country\n192.0.2.1/24,JP\n", "line 2: network \"192.0.2.1/24\""),
      ("network,country\n,JP\n", "line 2: the network is missing"),
      ("network,country\n192.0.2.0/24,Japan\n", "line 2: country \"Japan\""),
      ("network,country\n192.0.2.0/24,XX\n", "line 2: country \"XX\""),
      ("network,continent\n192.0.2.0/24,XX\n", "line 2: continent \"XX\""),
      ("network,country,region\n192.0.2.0/24,JP,US-CA\n", "line 2: subdivision \"US-CA\""),
      ("network,region\n192.0.2.0/24,Tokyo\n", "line 2: subdivision \"Tokyo\""),
      ("network,lat,lon\n192.0.2.0/24,91,0\n", "line 2: \"91\", \"0\""),
      ("network,lat,lon\n192.0.2.0/24,nan,0\n", "line 2: \"nan\", \"0\""),
      ("network,lat,lon\n192.0.2.0/24,1,\n", "line 2: latitude and longitude"),
      ("network,lat,lon,radius\n192.0.2.0/24,1,1,-1\n", "line 2: radius \"-1\""),
      ("network,asn\n192.0.2.0/24,ASx\n", "line 2: asn \"ASx\""),
      ("network,asn,european_union\n192.0.2.0/24,1,maybe\n", "line 2: european_union"),
      ("start,end,asn\n1.0.0.2,1.0.0.1,1\n", "line 2: \"1.0.0.2\" to \"1.0.0.1\""),
      ("start,end,asn\n1.0.0.2,::1,1\n", "line 2: \"1.0.0.2\" to \"::1\""),
      ("network,city\n192.0.2.0/24,\"Tokyo\n", "line 2: a quote is not closed"),
      (
        "network,city,country\n192.0.2.0/24,Washington, D.C.,US\n",
        "line 2: has 4 fields, and the first line names 3: \"US\" is too much"
      ),
      ("network,city\n192.0.2.0/24,\"Tokyo\"x\n", "line 2: something follows"),
      (
        "network,asn\n192.0.2.0/24,1\n192.0.2.0/24,2\n",
        "line 3: speaks of the same network as line 2"
      ),
    ])
  func `has its faults told by line`(text: String, fault: String) {
    let read = input(text)
    #expect(read.faultCount == 1 && read.faults.count == 1, "\(read.faults)")
    #expect(read.faults.first?.description.hasPrefix(fault) == true, "\(read.faults)")
  }

  @Test func `may repeat itself, and speak of what is answered as IPv4 in vain`() {
    let read = input("network,asn\n192.0.2.0/24,1\n192.0.2.0/24,1\n2002::/16,1\n")
    #expect(read.faults == [] && read.foldedCount == 1)
  }

  /// Pieces that files are made of, in any order: none stops the program, and whatever is taken
  /// can be written.
  @Test(arguments: 0..<300)
  func `of any bytes does no harm`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "network", "start", "end", "country", "lat", "lon", "city", "asn", "radius", ",", ",", ",",
      ",", "\n", "\n", "\n", "\"", "\"\"", "#", " ", "\r\n", "192.0.2.0/24", "0.0.0.0/0", "::/0",
      "0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "::ffff:0:0/96", "JP", "ZZ", "-", "JP-13", "90", "-180", "1e999", "nan", "4294967295",
      "AS4294967296", "\u{FEFF}", "São", "\0", "2001:db8::/32", "network,country\n",
      "start,end,asn\n", "0.0.0.1,255.255.255.254,7\n",
    ]
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 0...60, using: &random) {
      bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
      if Int.random(in: 0..<20, using: &random) == 0 {
        bytes.append(UInt8.random(in: .min ... .max, using: &random))
      }
    }
    let read = NetworkInput(bytes)
    #expect(read.faults.count <= read.faultCount)
    let metadata = MaxMindFile.Metadata(type: "Test", description: "", buildEpochSeconds: 0)
    #expect(MaxMindFile(read.table, metadata: metadata) != nil)
    #expect(OverrideList.parse(Array(read.table.overrideText().text.utf8)).faults == [])
  }

  @Test func `with faults without end has the first of them kept`() {
    let read = input("network,asn\n" + String(repeating: "x,1\n", count: 1_000))
    #expect(read.faultCount == 1_000 && read.faults.count == NetworkInput.mostFaults)
    #expect(read.faults.first?.line == 2)
  }
}

/// RFC 8805 §2.
@Suite struct `A geofeed` {
  @Test func `has comments, empty lines, missing and further fields, and any case`() throws {
    let read = input(
      """
      # prefix,country,region,city,postal
      192.0.2.0/25,us,us-al,Alabaster,35007,further,fields # and a comment

      192.0.2.5,US,US-AL,Alabaster,
      192.0.2.128/25,PL
      2001:DB8:0::/32,PL,PL-MZ,Warszawa,02-784
      """)
    #expect(read.kind == .geofeed && read.faults == [])
    let one = read.table.record(of: try #require(IPAddress("192.0.2.1")))
    #expect(one.country == CountryCode("US") && one.subdivision == Subdivision("US-AL"))
    #expect(one.city == "Alabaster")
    let two = read.table.record(of: try #require(IPAddress("2001:db8::1")))
    #expect(two.city == "Warszawa")
  }

  /// §2.1.3: missing or broken required fields, broken optional ones, repeated prefixes.
  @Test func `has entries that are wrong left out, and the others taken`() throws {
    let read = input(
      """
      192.0.2.0/24,US,US-AL,,
      no prefix,US,,,
      192.0.2.7/24,US,,,
      198.51.100.0/24,USA,,,
      203.0.113.0/24,US,DE-BE,,
      192.0.2.0/24,DE,,,
      198.51.100.0/25,DE,,,
      """)
    #expect(read.faults.map(\.line) == [2, 3, 4, 5, 6])
    #expect(read.table.rangeCount == 2)
    let first = read.table.record(of: try #require(IPAddress("192.0.2.1")))
    #expect(first.country == CountryCode("US"))
  }

  @Test func `repeats nothing, not even the same`() {
    let read = input("192.0.2.0/24,US,,,\n192.0.2.0/24,US,,,\n")
    #expect(read.faults.map(\.line) == [2])
  }

  /// §2.1.2.
  @Test(arguments: ["192.0.2.0/24,,,,", "192.0.2.0/24", "192.0.2.0/24,ZZ,,,"])
  func `may say that nothing is to be known`(line: String) throws {
    let record = input(line + "\n").table.record(of: try #require(IPAddress("192.0.2.1")))
    #expect(record.hidesLocation && record.country == nil)
  }

  /// §3.2: who publishes a feed need not have the networks.
  @Test func `speaks for the networks that it may speak for, and no others`() throws {
    let own = try [
      #require(AddressPrefix("192.0.2.0/24")), #require(AddressPrefix("2001:db8::/32")),
    ]
    let read = input(
      "192.0.2.0/25,JP,,,\n2001:db8:1::/48,JP,,,\n192.0.2.0/23,JP,,,\n8.8.8.8,JP,,,\n::/0,JP,,,\n",
      within: own)
    #expect(read.faults.map(\.line) == [3, 4, 5])
    #expect(read.faults.allSatisfy { $0.message.contains("lies outside") })
  }
}
