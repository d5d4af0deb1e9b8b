import Places

/// Turns the records of a database into places: each record once, equal cities one name.
struct RecordReader {
  private var data: DataSection
  private(set) var places = [Place()]
  private(set) var cityNames = [""]
  private var cityNumbers = ["": UInt32(0)]
  /// What records hold that say nothing we know, for the message if none does.
  private(set) var unknownShape: String?
  private(set) var hasKnownField = false

  init(data: DataSection) { self.data = data }

  /// Reads the record at `offset`; its place is then the last of `places`.
  mutating func read(at offset: Int) throws(MalformedDatabase) {
    var place = Place()
    let value = try data.value(at: offset)
    guard case .map(let count, let contents) = value else {
      unknownShape = unknownShape ?? value.kind
      places.append(place)
      return
    }
    let found = try data.members(
      [
        "location", "country", "registered_country", "continent", "subdivisions", "city",
        "autonomous_system_number", "traits",
      ], ofMapWith: count, at: contents)
    try readLocation(found[0], into: &place)
    try readCountry(found[1], into: &place)
    if place.country == nil { try readCountry(found[2], into: &place) }
    if let code = try code(found[3], "code", "continent.code") {
      place.continent = ContinentCode(code)
    }
    try readSubdivision(found[4], into: &place)
    try readCity(found[5], into: &place)
    try readASN(found[6], "autonomous_system_number", into: &place)
    if place.asn == 0 {
      let asn = try members(["autonomous_system_number"], of: found[7])?[0]
      try readASN(asn ?? nil, "traits.autonomous_system_number", into: &place)
    }
    if place != Place() {
      hasKnownField = true
    } else if unknownShape == nil {
      let names = try data.keyNames(ofMapWith: count, at: contents)
      unknownShape = "a map of \(names.joined(separator: ", "))"
    }
    places.append(place)
  }

  private mutating func readLocation(
    _ offset: Int?, into place: inout Place
  ) throws(MalformedDatabase) {
    guard let found = try members(["latitude", "longitude", "accuracy_radius"], of: offset) else {
      return
    }
    let latitude = try number(found[0], "location.latitude")
    let longitude = try number(found[1], "location.longitude")
    guard let latitude, let longitude else { return }
    guard let point = GeoPoint(latitude: latitude, longitude: longitude) else {
      throw MalformedDatabase(
        "a record has latitude \(latitude) and longitude \(longitude), which is not on Earth")
    }
    place.point = point
    guard let radius = try number(found[2], "location.accuracy_radius") else { return }
    guard radius >= 0 else {
      throw MalformedDatabase("a record has the accuracy radius \(radius), which is negative")
    }
    place.accuracyRadiusKilometres = UInt16(min(radius.rounded(), 65_535))
  }

  private mutating func readCountry(
    _ offset: Int?, into place: inout Place
  ) throws(MalformedDatabase) {
    guard let found = try members(["iso_code", "is_in_european_union"], of: offset) else { return }
    if let text = try text(found[0], "country.iso_code") {
      place.country = Self.isPlaceholder(text) ? nil : CountryCode(text)
    }
    guard let offset = found[1], place.country != nil else { return }
    let value = try data.value(at: offset)
    guard case .boolean(let isMember) = value else {
      throw unexpected("country.is_in_european_union", value, wanted: "a boolean")
    }
    place.isInEuropeanUnion = isMember
  }

  /// Codes that stand for no country.
  private static func isPlaceholder(_ code: String) -> Bool {
    code == "ZZ" || code == "XX"
  }

  private mutating func readSubdivision(
    _ offset: Int?, into place: inout Place
  ) throws(MalformedDatabase) {
    guard let offset, case .array(let count, let contents) = try data.value(at: offset), count > 0,
      let code = try code(contents, "iso_code", "subdivisions[0].iso_code"),
      let country = place.country
    else { return }
    place.subdivision = Subdivision(country: country, code: code)
  }

  private mutating func readCity(
    _ offset: Int?, into place: inout Place
  ) throws(MalformedDatabase) {
    let names = try members(["names"], of: offset)?[0]
    guard let english = try members(["en"], of: names ?? nil)?[0],
      let name = try text(english, "city.names.en")
    else { return }
    if let known = cityNumbers[name] {
      place.cityName = known
    } else {
      place.cityName = UInt32(cityNames.count)
      cityNumbers[name] = place.cityName
      cityNames.append(name)
    }
  }

  private mutating func readASN(
    _ offset: Int?, _ name: String, into place: inout Place
  ) throws(MalformedDatabase) {
    guard let offset else { return }
    let value = try data.value(at: offset)
    guard case .unsigned(let number) = value else {
      throw unexpected(name, value, wanted: "an unsigned integer")
    }
    guard let asn = UInt32(exactly: number) else {
      throw MalformedDatabase("a record has the AS number \(number), which is above 4294967295")
    }
    place.asn = asn
  }

  /// The text of one member of a map; nil if there is no map or no member.
  private mutating func code(
    _ offset: Int?, _ key: StaticString, _ name: String
  ) throws(MalformedDatabase) -> String? {
    guard let found = try members([key], of: offset)?[0] else { return nil }
    return try text(found, name)
  }

  /// nil if there is nothing at `offset`, or no map: databases of other makers use the same keys
  /// for other things.
  private mutating func members(
    _ keys: [StaticString], of offset: Int?
  ) throws(MalformedDatabase) -> [Int?]? {
    guard let offset, case .map(let count, let contents) = try data.value(at: offset) else {
      return nil
    }
    return try data.members(keys, ofMapWith: count, at: contents)
  }

  private mutating func text(
    _ offset: Int?, _ name: String
  ) throws(MalformedDatabase) -> String? {
    guard let offset else { return nil }
    let value = try data.value(at: offset)
    guard case .text(let range) = value else {
      throw unexpected(name, value, wanted: "text")
    }
    return data.text(range)
  }

  private mutating func number(
    _ offset: Int?, _ name: String
  ) throws(MalformedDatabase) -> Double? {
    guard let offset else { return nil }
    switch try data.value(at: offset) {
    case .number(let number) where number.isFinite: return number
    case .unsigned(let number): return Double(number)
    case .number: throw MalformedDatabase("a record's \(name) is not finite")
    case let value: throw unexpected(name, value, wanted: "a number")
    }
  }

  private func unexpected(_ name: String, _ value: DataSection.Value, wanted: String)
    -> MalformedDatabase
  {
    MalformedDatabase("a record's \(name) is \(value.kind); wanted \(wanted)")
  }
}
