package import Places

/// What is said of the clients of a network: what a database holds, and no more.
package struct NetworkRecord: Sendable, Hashable {
  package var point: GeoPoint?
  /// Of the point, kilometres; 0: not said.
  package var accuracyRadiusKilometres: UInt16 = 0
  package var continent: ContinentCode?
  package var country: CountryCode?
  package var isInEuropeanUnion = false
  package var subdivision: Subdivision?
  /// Empty: not said.
  package var city = ""
  /// Autonomous system number; 0: not said.
  package var asn: UInt32 = 0
  /// It is not to be known where these clients are (RFC 8805 §2.1.2), whatever others say.
  package var hidesLocation = false

  package init() {}

  /// As a database has it.
  package init(_ place: Place, cityNames: [String]) {
    point = place.point
    accuracyRadiusKilometres = place.accuracyRadiusKilometres
    continent = place.continent
    country = place.country
    isInEuropeanUnion = place.isInEuropeanUnion
    subdivision = place.subdivision
    city = cityNames[Int(place.cityName)]
    asn = place.asn
  }

  package var isEmpty: Bool { self == Self() }

  /// What this one says, and what `earlier` says where this one is silent. Point, radius and city
  /// belong together. Where this one says otherwise, what is finer goes: no city, place or
  /// subdivision stays in a country that is another one, nor a city in another subdivision.
  package func over(_ earlier: NetworkRecord) -> NetworkRecord {
    var result = self
    if asn == 0 { result.asn = earlier.asn }
    if hidesLocation { return result }
    let saysPlace = point != nil || !city.isEmpty
    let isSameContinent =
      country != nil || continent == nil || continent == earlier.knownContinent ?? continent
    let isSameCountry = isSameContinent && (country == nil || country == earlier.country)
    let isSameSubdivision =
      isSameCountry && (subdivision == nil || subdivision == earlier.subdivision)
    if !saysPlace && isSameSubdivision {
      result.point = earlier.point
      result.accuracyRadiusKilometres = earlier.accuracyRadiusKilometres
      result.city = earlier.city
    }
    if isSameCountry {
      result.country = country ?? earlier.country
      result.isInEuropeanUnion = isInEuropeanUnion || earlier.isInEuropeanUnion
    }
    if continent == nil && isSameCountry { result.continent = earlier.continent }
    if subdivision == nil && !saysPlace && isSameCountry {
      result.subdivision = earlier.subdivision
    }
    if country == nil && continent == nil && !saysPlace {
      result.hidesLocation = earlier.hidesLocation
    }
    return result
  }

  /// That of its country where it names none.
  private var knownContinent: ContinentCode? {
    continent ?? country.flatMap { Country.all[$0]?.continent }
  }
}
