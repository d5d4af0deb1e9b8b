/// What operators say of prefixes, against the databases: one file of overrides, or those written
/// in the configuration. Made by ``parse(_:)``.
public struct OverrideList: Sendable {
  /// Address → index into `changes` plus 1; 0 outside all prefixes.
  var table = AddressTable()
  /// What the lines say; equal texts share one, up to some number of texts.
  var changes: [PlaceChange] = []
  /// Distinct lists of region names, as ``regionNames`` has them.
  var regionLists: [[String]] = []
  /// Distinct.
  var cityNames: [String] = []
  /// Distinct prefixes.
  public internal(set) var prefixCount = 0
  /// Each region that is named, with the first line that names it, in the order of the lines.
  /// Whether there are such regions is for the caller to check.
  public internal(set) var regionNames: [(name: String, line: Int)] = []
  /// The first of them, in the order of the prefixes.
  public internal(set) var hiddenFacts: [HiddenFacts] = []

  /// No overrides.
  public init() {}

  /// Whether nothing is overridden.
  public var isEmpty: Bool { changes.isEmpty }
}

/// What one line of overrides says; nil where it says nothing.
struct PlaceChange: Sendable, Equatable {
  /// Index into ``OverrideList/regionLists``.
  var regionList: UInt32?
  var point: GeoPoint?
  var radiusKilometres: UInt16?
  var continent: ContinentCode?
  var country: CountryCode?
  var subdivision: Subdivision?
  var isInEuropeanUnion: Bool?
  var asn: UInt32?
  /// Index into ``OverrideList/cityNames``.
  var cityName: UInt32?
}

/// Something wrong in a list of overrides.
public struct OverrideFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  /// What was found and what is wanted.
  public var message: String

  public init(line: Int, message: String) {
    self.line = line
    self.message = message
  }

  public var description: String { "line \(line): \(message)" }
}
