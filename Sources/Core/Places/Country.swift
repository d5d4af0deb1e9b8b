/// What is known of a country without any database.
public struct Country: Sendable, Equatable {
  public let code: CountryCode
  public let continent: ContinentCode
  /// The population-weighted centre of its large cities: where its clients are, as far as one point
  /// can say it.
  public let centroid: GeoPoint
  /// One of the 27 member states of the European Union.
  public let isInEuropeanUnion: Bool

  /// The accuracy radius of a place of which only the country is known.
  public static let centroidRadiusKilometres: UInt16 = 1000

  /// Every ISO 3166-1 country (and XK, in common use). Read from a table at the first use.
  public static let all: [CountryCode: Country] = {
    var countries: [CountryCode: Country] = [:]
    for line in countryData.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 4, let code = CountryCode(fields[0]),
        let continent = ContinentCode(fields[1]),
        let latitude = Int(fields[2]), let longitude = Int(fields[3]),
        let centroid = GeoPoint(
          latitude: Double(latitude) / 1000, longitude: Double(longitude) / 1000)
      else { continue }
      countries[code] = Country(
        code: code, continent: continent, centroid: centroid,
        isInEuropeanUnion: members.contains(code))
    }
    return countries
  }()

  private static let members = Set(
    """
    AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE
    """.split(separator: " ").compactMap { CountryCode($0) })
}
