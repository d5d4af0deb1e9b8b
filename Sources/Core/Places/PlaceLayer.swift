/// What one database knows of every client.
public struct PlaceLayer: Sendable {
  /// Address → index into ``places``.
  public var addresses: AddressTable
  /// The first is the place of which nothing is known; ``Place/cityName`` is an index into
  /// ``cityNames``.
  public var places: [Place]
  /// The first is empty.
  public var cityNames: [String]

  /// Traps if there is no first place or city name; a value of `addresses` that is no index of
  /// `places` traps when the layer is built into a table.
  public init(addresses: AddressTable, places: [Place], cityNames: [String]) {
    precondition(!places.isEmpty && !cityNames.isEmpty, "a layer has a place for nothing known")
    self.addresses = addresses
    self.places = places
    self.cityNames = cityNames
  }
}

extension Place {
  /// What this place's database knows, and what `other` knows where this one says nothing. Point,
  /// radius and city belong together, and so do country and European Union.
  func filled(from other: Place) -> Place {
    var result = self
    if point == nil && cityName == 0 {
      result.point = other.point
      result.accuracyRadiusKilometres = other.accuracyRadiusKilometres
      result.cityName = other.cityName
    }
    if country == nil {
      result.country = other.country
      result.isInEuropeanUnion = isInEuropeanUnion || other.isInEuropeanUnion
    }
    if continent == nil { result.continent = other.continent }
    if subdivision == nil && other.subdivision?.country == result.country {
      result.subdivision = other.subdivision
    }
    if asn == 0 { result.asn = other.asn }
    return result
  }

  /// What follows from the country: continent, European Union, and its centre as the point.
  func completed() -> Place {
    guard let country, let known = Country.all[country] else { return self }
    var result = self
    if continent == nil { result.continent = known.continent }
    result.isInEuropeanUnion = isInEuropeanUnion || known.isInEuropeanUnion
    if point == nil {
      result.point = known.centroid
      result.accuracyRadiusKilometres = Country.centroidRadiusKilometres
    }
    return result
  }
}
