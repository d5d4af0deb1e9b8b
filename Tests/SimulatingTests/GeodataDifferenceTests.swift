import MaxMind
import Places
import Simulating
import TestSupport
import Testing

@Suite struct `What a new database says otherwise` {
  private func table(_ entries: [(prefix: String, country: String, north: Double)]) throws
    -> PlaceTable
  {
    var writer = DatabaseWriter()
    for entry in entries {
      writer.add(
        try #require(AddressPrefix(entry.prefix)),
        .map([
          ("country", .map([("iso_code", .text(entry.country))])),
          (
            "location",
            .map([("latitude", .double(entry.north)), ("longitude", .double(139.7))])
          ),
        ]))
    }
    let file = TemporaryFile(writer.file)
    return PlaceTable(
      layers: [try MaxMindDatabase(file: file.path).layer], overrides: [], rulePrefixes: [])
  }

  @Test func `is counted in addresses, and in people by where they were`() throws {
    let old = try table([
      ("20.0.0.0/8", "JP", 35.7), ("21.0.0.0/9", "DE", 48), ("2a00::/32", "DE", 48),
    ])
    let new = try table([
      ("20.0.0.0/8", "JP", 35.8), ("21.0.0.0/10", "DE", 48), ("21.64.0.0/10", "FR", 48),
      ("22.0.0.0/8", "FR", 48), ("2a00::/33", "FR", 48), ("2a00:0:8000::/33", "DE", 48),
    ])
    let difference = GeodataDifference(from: old, to: new, distanceKilometres: 100)
    let country = try #require(difference.changes.first { $0.property == "country" }).extent
    // 21.64.0.0/10 from Germany to France, 22.0.0.0/8 from unknown.
    #expect(country.ipv4Addresses == Double(1 << 22 + 1 << 24))
    #expect(country.ipv6Networks == Double(1 << 31))
    let all = Double(1 << 24 + 1 << 23 + 1 << 24)
    #expect(abs(country.ipv4Share - country.ipv4Addresses / all) < 1e-9)
    #expect(country.ipv6Share == 0.5)
    // Half of Germany's addresses, and so of its people, who are among Japan's.
    #expect(country.peopleShare > 0.1 && country.peopleShare < 0.3, "\(country.peopleShare)")
    let moves = difference.moves.map { "\($0.from ?? "?") \($0.to ?? "?")" }
    #expect(moves == ["DE FR", "? FR"])
    #expect(difference.text.contains("DE → FR") && difference.text.contains("unknown → FR"))
  }

  @Test func `is no location that moves by less than the distance`() throws {
    let old = try table([("20.0.0.0/8", "JP", 35)])
    let new = try table([("20.0.0.0/8", "JP", 36)])
    for (distance, isMoved) in [(100.0, true), (120, false)] {
      let difference = GeodataDifference(from: old, to: new, distanceKilometres: distance)
      let location = try #require(difference.changes.first { $0.property == "location" })
      #expect((location.extent.ipv4Share == 1) == isMoved && difference.moves.isEmpty)
    }
  }

  @Test func `is nothing if it is the same`() throws {
    let table = try table([("20.0.0.0/8", "JP", 35), ("2a00::/32", "DE", 48)])
    let difference = GeodataDifference(from: table, to: table, distanceKilometres: 0)
    #expect(
      difference.changes.allSatisfy {
        $0.extent.ipv4Addresses == 0 && $0.extent.ipv6Networks == 0 && $0.extent.people == 0
      })
    #expect(difference.moves.isEmpty)
  }
}
