import Places
import TestSupport
import Testing

@Suite struct GeographyTests {
  private static func point(_ latitude: Double, _ longitude: Double) throws -> GeoPoint {
    try #require(GeoPoint(latitude: latitude, longitude: longitude))
  }

  @Test(arguments: [
    (0.0, 0.0, 0.0, 0.0, 0.0), (0, 0, 0, 180, 20_015.115), (90, 0, -90, 77, 20_015.115),
    (0, 0, 0, 90, 10_007.557), (35.68, 139.69, 50.11, 8.68, 9_333), (51.5, -0.12, 40.7, -74, 5_567),
    (0, 179.9, 0, -179.9, 22.239), (10, 10, 10.001, 10, 0.1112),
  ])
  func distancesAreGreatCircles(a: Double, b: Double, c: Double, d: Double, expected: Double) throws
  {
    let (from, to) = (try Self.point(a, b), try Self.point(c, d))
    let distance = from.distanceKilometres(to: to)
    #expect(abs(distance - expected) <= expected * 0.001 + 0.0001, "\(distance)")
    #expect(abs(distance - to.distanceKilometres(to: from)) < 1e-6)
    #expect(abs(distance - from.unitVector.distanceKilometres(to: to.unitVector)) < 0.001)
  }

  @Test func chordsOrderAsDistancesDo() throws {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      let points = try (0..<3).map { _ in
        try Self.point(
          .random(in: -90...90, using: &random), .random(in: -180...180, using: &random))
      }
      let near = points[0].distanceKilometres(to: points[1])
      let far = points[0].distanceKilometres(to: points[2])
      let vectors = points.map(\.unitVector)
      guard abs(near - far) > 0.001 else { continue }
      #expect(
        (near < far)
          == (vectors[0].squaredChord(to: vectors[1]) < vectors[0].squaredChord(to: vectors[2])))
    }
  }

  @Test func everyCountryHasAPlace() throws {
    #expect(Country.all.count == 250)
    #expect(Country.all.values.filter(\.isInEuropeanUnion).count == 27)
    let brazil = try #require(CountryCode("BR").flatMap { Country.all[$0] })
    #expect(brazil.continent == ContinentCode("SA"))
    #expect(brazil.centroid.distanceKilometres(to: try Self.point(-18, -46)) < 700)
    let fiji = try #require(CountryCode("FJ").flatMap { Country.all[$0] })
    #expect(fiji.centroid.distanceKilometres(to: try Self.point(-18, 178)) < 300)
  }

  @Test func codesAreReadInEitherCaseAndNothingElse() {
    #expect(CountryCode("jp")?.description == "JP")
    #expect(ContinentCode("sa")?.description == "SA")
    #expect(Subdivision("us-ca")?.description == "US-CA")
    #expect(Subdivision("GB-1")?.description == "GB-1")
    for text in ["", "J", "JPN", "J1", "é"] { #expect(CountryCode(text) == nil, "\(text)") }
    for text in ["JP-", "JP-1234", "JP", "J-13", "JP-1é"] {
      #expect(Subdivision(text) == nil, "\(text)")
    }
    for (latitude, longitude) in [(90.1, 0.0), (0, -180.1), (.nan, 0), (0, .infinity)] {
      #expect(GeoPoint(latitude: latitude, longitude: longitude) == nil)
    }
  }
}
