/// A point on Earth, degrees.
public struct GeoPoint: Sendable, Equatable, Hashable, BitwiseCopyable {
  /// −90...90.
  public let latitude: Double
  /// −180...180.
  public let longitude: Double

  /// nil outside the ranges above, and for values that are not finite.
  public init?(latitude: Double, longitude: Double) {
    guard (-90...90).contains(latitude), (-180...180).contains(longitude) else { return nil }
    self.latitude = latitude
    self.longitude = longitude
  }
}

/// ISO 3166-1 alpha-2, two upper-case letters.
public struct CountryCode: Sendable, Equatable, Hashable, BitwiseCopyable, CustomStringConvertible {
  public let rawValue: UInt16

  /// Takes lower case too; nil unless it is two ASCII letters.
  public init?(_ text: some StringProtocol) {
    guard let packed = packedLetters(text) else { return nil }
    rawValue = packed
  }
  public var description: String { unpackedLetters(rawValue) }
}

/// `AF`, `AN`, `AS`, `EU`, `NA`, `OC` or `SA`.
public struct ContinentCode: Sendable, Equatable, Hashable, BitwiseCopyable, CustomStringConvertible
{
  public let rawValue: UInt16
  public static let all = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"]

  /// Takes lower case too; nil unless it is one of ``all``.
  public init?(_ text: some StringProtocol) {
    guard let packed = packedLetters(text), Self.all.contains(unpackedLetters(packed)) else {
      return nil
    }
    rawValue = packed
  }
  public var description: String { unpackedLetters(rawValue) }
}

/// ISO 3166-2: a country and one to three letters or digits, as in `US-CA`.
public struct Subdivision: Sendable, Equatable, Hashable, BitwiseCopyable, CustomStringConvertible {
  public let country: CountryCode
  /// Up to three ASCII characters, the first in the highest used byte; never 0.
  public let code: UInt32

  public init?(country: CountryCode, code text: some StringProtocol) {
    guard (1...3).contains(text.utf8.count) else { return nil }
    var packed: UInt32 = 0
    for byte in text.utf8 {
      guard let letter = upperCased(byte) else { return nil }
      packed = packed << 8 | UInt32(letter)
    }
    self.country = country
    code = packed
  }

  /// Parses `US-CA`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", maxSplits: 1)
    guard parts.count == 2, let country = CountryCode(parts[0]) else { return nil }
    self.init(country: country, code: parts[1])
  }

  public var description: String {
    var letters: [UInt8] = []
    for shift in [16, 8, 0] where (code >> UInt32(shift)) & 0xFF != 0 {
      letters.append(UInt8((code >> UInt32(shift)) & 0xFF))
    }
    return "\(country)-\(String(decoding: letters, as: UTF8.self))"
  }
}

/// What is known of the clients in some prefixes. Two prefixes of which the same is known share
/// one place.
public struct Place: Sendable, Equatable, Hashable {
  public var point: GeoPoint?
  /// Of the point, kilometres; 0 where the database does not say.
  public var accuracyRadiusKilometres: UInt16
  public var continent: ContinentCode?
  public var country: CountryCode?
  public var subdivision: Subdivision?
  public var isInEuropeanUnion: Bool
  /// Autonomous system number; 0: unknown.
  public var asn: UInt32
  /// Index into ``PlaceTable/cityNames``; 0: unknown.
  public var cityName: UInt32
  /// Index into ``PlaceTable/overrides`` plus 1; 0: no override names regions for these clients.
  public var override: UInt32
  /// Index into ``PlaceTable/prefixSets``: which prefixes of rules and fences cover these clients.
  public var prefixSet: UInt32
  /// Index into ``PlaceTable/networks`` plus 1; 0: these clients' network was not measured.
  public var network: UInt32

  public init(
    point: GeoPoint? = nil, accuracyRadiusKilometres: UInt16 = 0,
    continent: ContinentCode? = nil, country: CountryCode? = nil,
    subdivision: Subdivision? = nil, isInEuropeanUnion: Bool = false, asn: UInt32 = 0,
    cityName: UInt32 = 0, override: UInt32 = 0, prefixSet: UInt32 = 0, network: UInt32 = 0
  ) {
    self.point = point
    self.accuracyRadiusKilometres = accuracyRadiusKilometres
    self.continent = continent
    self.country = country
    self.subdivision = subdivision
    self.isInEuropeanUnion = isInEuropeanUnion
    self.asn = asn
    self.cityName = cityName
    self.override = override
    self.prefixSet = prefixSet
    self.network = network
  }
}

extension Place {
  /// What tells places apart in practice; a database has a million ranges to intern.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(point?.latitude ?? 91)
    hasher.combine(point?.longitude ?? 0)
    hasher.combine(UInt64(asn) << 32 | UInt64(cityName))
    hasher.combine(UInt64(override) << 32 | UInt64(prefixSet))
    hasher.combine(UInt64(network) << 16 | UInt64(country?.rawValue ?? 0))
  }
}

private func upperCased(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
  case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
  default: nil
  }
}

private func packedLetters(_ text: some StringProtocol) -> UInt16? {
  var packed: UInt16 = 0
  guard text.utf8.count == 2 else { return nil }
  for byte in text.utf8 {
    guard let letter = upperCased(byte), letter >= UInt8(ascii: "A") else { return nil }
    packed = packed << 8 | UInt16(letter)
  }
  return packed
}

private func unpackedLetters(_ packed: UInt16) -> String {
  String(decoding: [UInt8(packed >> 8), UInt8(packed & 0xFF)], as: UTF8.self)
}
