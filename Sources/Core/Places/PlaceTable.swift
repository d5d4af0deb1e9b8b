/// What is known of every client: databases, override prefixes and the prefixes of rules, combined.
/// Made by ``init(layers:overrides:rulePrefixes:)``.
public struct PlaceTable: Sendable {
  /// Address → index into ``places``.
  public let addresses: PackedAddressTable
  /// Distinct; the first is the place of which nothing is known.
  public let places: [Place]
  /// Distinct; the first is empty.
  public let cityNames: [String]
  /// Lists of region names; ``Place/override`` is the index plus 1.
  public let overrides: [[String]]
  /// Sets of indices of rule prefixes, ascending; the first is empty. ``Place/prefixSet`` is the
  /// index.
  public let prefixSets: [[UInt32]]
  /// Prefixes whose clients were measured; ``Place/network`` is the index plus 1.
  public let networks: [AddressPrefix]

  /// For tests; traps are the caller's if indices do not fit.
  package init(
    addresses: AddressTable, places: [Place], cityNames: [String], overrides: [[String]],
    prefixSets: [[UInt32]]
  ) {
    self.init(
      addresses: PackedAddressTable(addresses), places: places, cityNames: cityNames,
      overrides: overrides, prefixSets: prefixSets, networks: [])
  }

  init(
    addresses: PackedAddressTable, places: [Place], cityNames: [String], overrides: [[String]],
    prefixSets: [[UInt32]], networks: [AddressPrefix]
  ) {
    self.addresses = addresses
    self.places = places
    self.cityNames = cityNames
    self.overrides = overrides
    self.prefixSets = prefixSets
    self.networks = networks
  }

  /// Nothing known of anyone.
  public init() {
    self.init(
      addresses: AddressTable(), places: [Place()], cityNames: [""], overrides: [],
      prefixSets: [[]])
  }

  /// The index of a client's place in ``places``, and the length of the widest prefix around the
  /// client all of which is in that place, in the family that the client used.
  public func place(of client: ClientAddress) -> (place: Int, scopeBits: UInt8) {
    let (value, scopeBits) = addresses.find(client)
    return (Int(value), scopeBits)
  }
}
