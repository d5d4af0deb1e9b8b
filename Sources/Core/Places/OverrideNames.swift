/// Reads what an override says behind its prefix, and numbers the names in it.
struct OverrideNames {
  private(set) var regionLists: [[String]] = []
  private(set) var regionNames: [(name: String, line: Int)] = []
  private(set) var cityNames: [String] = []
  private var seenRegions: Set<String> = []
  private var numberOfRegions: [[String]: UInt32] = [:]
  private var numberOfCity: [String: UInt32] = [:]

  private static let keys = [
    "regions", "at", "radius", "country", "continent", "subdivision", "asn", "city", "eu",
  ]
  private static let keyBytes = keys.map { Array($0.utf8) }

  /// Reads `key=value` words.
  mutating func change(
    _ text: ArraySlice<UInt8>, line: Int
  ) throws(OverrideTextFault) -> PlaceChange {
    var change = PlaceChange()
    var given = 0
    var position = text.startIndex
    while let word = nextWord(in: text, from: &position) {
      guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else {
        throw OverrideTextFault("\(shown(word)) is not of the form key=value")
      }
      let key = word[..<equals]
      guard let number = Self.keyBytes.firstIndex(where: { key.elementsEqual($0) }) else {
        throw OverrideTextFault(
          "unknown key \(shown(key)); known are \(Self.keys.joined(separator: ", "))")
      }
      guard given & 1 << number == 0 else {
        throw OverrideTextFault("\(Self.keys[number]) is given twice")
      }
      given |= 1 << number
      try read(Self.keys[number], word[(equals + 1)...], into: &change, line: line)
    }
    guard given != 0 else {
      throw OverrideTextFault(
        "nothing follows the prefix; wanted key=value with \(Self.keys.joined(separator: ", "))")
    }
    if let subdivision = change.subdivision {
      guard change.country ?? subdivision.country == subdivision.country else {
        throw OverrideTextFault("subdivision \(subdivision) is not in the country given")
      }
      change.country = subdivision.country
    }
    return change
  }

  private mutating func read(
    _ key: String, _ value: ArraySlice<UInt8>, into change: inout PlaceChange, line: Int
  ) throws(OverrideTextFault) {
    switch key {
    case "regions":
      change.regionList = try number(ofRegions: Self.text(value), line: line)
    case "at": change.point = try point(value)
    case "radius":
      guard let radius = parsedDecimal(value, atMost: 20_038) else {
        throw Self.fault(key, value, "wanted whole kilometres from 0 to 20038")
      }
      change.radiusKilometres = UInt16(radius)
    case "asn":
      guard let asn = parsedDecimal(value, atMost: Int(UInt32.max)), asn > 0 else {
        throw Self.fault(key, value, "wanted a number from 1 to 4294967295")
      }
      change.asn = UInt32(asn)
    case "city":
      guard !value.isEmpty else { throw OverrideTextFault("city= lacks its name") }
      change.cityName = number(ofCity: Self.text(value))
    case "eu":
      guard let isMember = Bool(Self.text(value)) else {
        throw Self.fault(key, value, "wanted true or false")
      }
      change.isInEuropeanUnion = isMember
    default: try readCode(key, value, into: &change)
    }
  }

  private func readCode(
    _ key: String, _ value: ArraySlice<UInt8>, into change: inout PlaceChange
  ) throws(OverrideTextFault) {
    let text = Self.text(value)
    switch key {
    case "country":
      guard let country = CountryCode(text), Country.all[country] != nil else {
        throw Self.fault(key, value, "wanted an ISO 3166-1 code such as JP")
      }
      change.country = country
    case "continent":
      guard let continent = ContinentCode(text) else {
        throw Self.fault(
          key, value, "wanted one of \(ContinentCode.all.joined(separator: ", "))")
      }
      change.continent = continent
    default:
      guard let subdivision = Subdivision(text), Country.all[subdivision.country] != nil else {
        throw Self.fault(key, value, "wanted an ISO 3166-2 code such as JP-13")
      }
      change.subdivision = subdivision
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  private static func fault(
    _ key: String, _ value: ArraySlice<UInt8>, _ wanted: String
  ) -> OverrideTextFault {
    OverrideTextFault("\(key)=\(shown(value)): \(wanted)")
  }

  private func point(_ text: ArraySlice<UInt8>) throws(OverrideTextFault) -> GeoPoint {
    guard let comma = text.firstIndex(of: UInt8(ascii: ",")),
      let latitude = parsedDegrees(text[..<comma]),
      let longitude = parsedDegrees(text[(comma + 1)...])
    else { throw Self.fault("at", text, "wanted degrees as in at=35.68,139.69") }
    guard let point = GeoPoint(latitude: latitude, longitude: longitude) else {
      throw Self.fault("at", text, "latitude lies in -90...90, longitude in -180...180")
    }
    return point
  }

  private mutating func number(
    ofRegions text: String, line: Int
  ) throws(OverrideTextFault) -> UInt32 {
    let regions = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !regions.contains("") else {
      throw OverrideTextFault("regions=\(text): a region's name is missing")
    }
    guard Set(regions).count == regions.count else {
      throw OverrideTextFault("regions=\(text): a region is named twice")
    }
    if let known = numberOfRegions[regions] { return known }
    let number = UInt32(regionLists.count)
    regionLists.append(regions)
    numberOfRegions[regions] = number
    for region in regions where seenRegions.insert(region).inserted {
      regionNames.append((region, line))
    }
    return number
  }

  private mutating func number(ofCity name: String) -> UInt32 {
    if let known = numberOfCity[name] { return known }
    let number = UInt32(cityNames.count)
    cityNames.append(name)
    numberOfCity[name] = number
    return number
  }
}

/// What is wrong with one line, before it is known which.
struct OverrideTextFault: Error {
  var message: String
  init(_ message: String) { self.message = message }
}

/// Spaces, tabs and the carriage return of foreign line ends.
func isBlank(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
}

/// The next word, moving `position` behind it; nil at the end and at a word that begins a comment.
func nextWord(in text: ArraySlice<UInt8>, from position: inout Int) -> ArraySlice<UInt8>? {
  while position < text.endIndex && isBlank(text[position]) { position += 1 }
  let start = position
  guard start < text.endIndex, text[start] != UInt8(ascii: "#") else { return nil }
  while position < text.endIndex && !isBlank(text[position]) { position += 1 }
  return text[start..<position]
}

/// A text for a message, quoted and cut.
func shown(_ text: some Collection<UInt8>) -> String {
  let limit = 60
  let ending = text.count > limit ? "…" : ""
  return "\"\(String(decoding: text.prefix(limit), as: UTF8.self))\(ending)\""
}

/// A decimal number with an optional sign and fraction; exact to the last bit for up to 15 digits.
private func parsedDegrees(_ text: some Collection<UInt8>) -> Double? {
  var digits = text[...]
  let isNegative = digits.first == UInt8(ascii: "-")
  if isNegative { digits = digits.dropFirst() }
  var mantissa = 0.0
  var divisor = 1.0
  var digitCount = 0
  var isFraction = false
  for byte in digits {
    if byte == UInt8(ascii: ".") && !isFraction && digitCount > 0 {
      isFraction = true
      continue
    }
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digitCount < 15 else {
      return nil
    }
    mantissa = mantissa * 10 + Double(byte - UInt8(ascii: "0"))
    if isFraction { divisor *= 10 }
    digitCount += 1
  }
  guard digitCount > 0 else { return nil }
  return isNegative ? -mantissa / divisor : mantissa / divisor
}
