extension PlaceTable {
  /// Lays everything that is known over each other.
  ///
  /// - Parameters:
  ///   - layers: databases; for each property the first that knows it wins. Where only the country
  ///     is known, its centre becomes the point (``Country/centroid``).
  ///   - overrides: applied one after the other on top of the databases, so that what a later list
  ///     says wins; inside a list the longest prefix around a client speaks alone.
  ///   - rulePrefixes: what rules and fences name; ``prefixSets`` holds indices into it.
  /// - Complexity: linear sweeps over the sorted ranges.
  public init(
    layers: consuming [PlaceLayer], overrides: [OverrideList] = [],
    rulePrefixes: [AddressPrefix] = []
  ) {
    var draft = PlaceTableDraft()
    layers.reverse()
    while let layer = layers.popLast() { draft.fill(from: layer) }
    draft.complete()
    for list in overrides where !list.isEmpty { draft.apply(list) }
    let prefixSets = draft.divide(by: rulePrefixes)
    self = draft.finish(prefixSets: prefixSets)
  }
}

/// A place table in the making: its places need not be distinct yet.
private struct PlaceTableDraft {
  private var addresses = AddressTable()
  private var places = [Place()]
  private var cityNames = NameTable()
  private var overrides: [[String]] = []
  private var overrideIndices: [[String]: UInt32] = [:]
  private var isEmpty = true

  /// Adds what a database knows that none before it knew.
  mutating func fill(from layer: PlaceLayer) {
    let names = layer.cityNames.map { cityNames.index(of: $0) }
    let added = layer.places.map { place in
      var place = place
      place.cityName = names[Int(place.cityName)]
      return place
    }
    if isEmpty {
      addresses = layer.addresses
      places = added
      isEmpty = false
      return
    }
    let pairs = overlay(layer.addresses)
    places = pairs.map { places[Int($0.own)].filled(from: added[Int($0.other)]) }
  }

  mutating func complete() {
    for index in places.indices { places[index] = places[index].completed() }
  }

  mutating func apply(_ list: OverrideList) {
    let names = list.cityNames.map { cityNames.index(of: $0) }
    let numbers = list.regionLists.map { overrideNumber(of: $0) }
    let pairs = overlay(list.table)
    places = pairs.map { pair in
      let place = places[Int(pair.own)]
      guard pair.other > 0 else { return place }
      let change = list.changes[Int(pair.other) - 1]
      var result = place.changed(by: change)
      if let name = change.cityName { result.cityName = names[Int(name)] }
      if let regions = change.regionList { result.override = numbers[Int(regions)] }
      return result
    }
  }

  private mutating func overrideNumber(of regions: [String]) -> UInt32 {
    if let known = overrideIndices[regions] { return known }
    overrides.append(regions)
    overrideIndices[regions] = UInt32(overrides.count)
    return UInt32(overrides.count)
  }

  /// Splits places by the rule prefixes that cover them.
  mutating func divide(by prefixes: [AddressPrefix]) -> [[UInt32]] {
    guard !prefixes.isEmpty else { return [[]] }
    var sets = PrefixSets()
    var prefixes4: [RangePrefix<UInt32>] = []
    var prefixes6: [RangePrefix<UInt128>] = []
    for (index, prefix) in prefixes.enumerated() {
      if let prefix = RangePrefix<UInt32>(prefix, tag: UInt32(index)) { prefixes4.append(prefix) }
      if let prefix = RangePrefix<UInt128>(prefix, tag: UInt32(index)) { prefixes6.append(prefix) }
    }
    RangePrefix.sort(&prefixes4)
    RangePrefix.sort(&prefixes6)
    let table = AddressTable(
      ranges4: RangeList(base: 0, prefixes: prefixes4) { sets.index(of: $0, and: $1.tag) },
      ranges6: RangeList(base: 0, prefixes: prefixes6) { sets.index(of: $0, and: $1.tag) })
    let pairs = overlay(table)
    places = pairs.map { pair in
      var place = places[Int(pair.own)]
      place.prefixSet = pair.other
      return place
    }
    return sets.sets
  }

  /// Makes `addresses` tell each pair of an own and another value apart.
  private mutating func overlay(_ other: AddressTable) -> [PairTable.Pair] {
    var pairs = PairTable(ownCount: places.count)
    addresses = addresses.combined(with: other) { pairs.index(own: $0, other: $1) }
    return pairs.pairs
  }

  /// Makes equal places one, in the order of the draft; the first stays first.
  consuming func finish(prefixSets: [[UInt32]]) -> PlaceTable {
    var indices: [Place: UInt32] = [Place(): 0]
    var distinct = [Place()]
    let mapping = places.map { place in
      if let known = indices[place] { return known }
      let index = UInt32(distinct.count)
      indices[place] = index
      distinct.append(place)
      return index
    }
    let areAllDistinct = distinct.count == places.count && places[0] == Place()
    return PlaceTable(
      addresses: areAllDistinct ? addresses : addresses.mapValues(mapping), places: distinct,
      cityNames: cityNames.names,
      overrides: overrides, prefixSets: prefixSets)
  }
}

extension Place {
  /// All of a change but its names. A new country takes along what was known of the old one, and a
  /// new point the old city.
  fileprivate func changed(by change: PlaceChange) -> Place {
    var result = self
    if let country = change.country, country != self.country {
      result = Place(country: country, asn: asn, override: override, prefixSet: prefixSet)
    }
    if let continent = change.continent { result.continent = continent }
    if let subdivision = change.subdivision { result.subdivision = subdivision }
    if let point = change.point {
      result.point = point
      result.accuracyRadiusKilometres = 0
      result.cityName = 0
    }
    result = result.completed()
    if let isMember = change.isInEuropeanUnion { result.isInEuropeanUnion = isMember }
    if let radius = change.radiusKilometres { result.accuracyRadiusKilometres = radius }
    if let asn = change.asn { result.asn = asn }
    return result
  }
}

/// Numbers distinct names; the empty name is 0.
private struct NameTable {
  private(set) var names = [""]
  private var indices = ["": UInt32(0)]

  mutating func index(of name: String) -> UInt32 {
    if let known = indices[name] { return known }
    let index = UInt32(names.count)
    names.append(name)
    indices[name] = index
    return index
  }
}

/// Numbers distinct pairs; (0, 0) is 0. Most pairs have 0 on the other side, so those are kept in
/// an array.
private struct PairTable {
  struct Pair {
    var own: UInt32
    var other: UInt32
  }

  private(set) var pairs = [Pair(own: 0, other: 0)]
  private var alone: [UInt32]
  private var indices: [UInt64: UInt32] = [:]

  init(ownCount: Int) {
    alone = Array(repeating: .max, count: ownCount)
    alone[0] = 0
  }

  mutating func index(own: UInt32, other: UInt32) -> UInt32 {
    if other == 0 {
      if alone[Int(own)] == .max { alone[Int(own)] = added(own, other) }
      return alone[Int(own)]
    }
    let key = UInt64(own) << 32 | UInt64(other)
    if let known = indices[key] { return known }
    let index = added(own, other)
    indices[key] = index
    return index
  }

  private mutating func added(_ own: UInt32, _ other: UInt32) -> UInt32 {
    pairs.append(Pair(own: own, other: other))
    return UInt32(pairs.count - 1)
  }
}

/// Numbers distinct sets of rule prefixes; the empty set is 0.
private struct PrefixSets {
  private(set) var sets: [[UInt32]] = [[]]
  private var indices: [[UInt32]: UInt32] = [[]: 0]

  /// The number of a set with one more member.
  mutating func index(of set: UInt32, and member: UInt32) -> UInt32 {
    let larger = (sets[Int(set)] + [member]).sorted()
    if let known = indices[larger] { return known }
    let index = UInt32(sets.count)
    sets.append(larger)
    indices[larger] = index
    return index
  }
}
