package import Places

/// A city, and the people that it stands for.
private struct City {
  var point: UnitVector
  var people: Double
}

extension Population {
  /// So many people share one address, so that there are some 200,000 clients in all.
  static let peoplePerClient = 40_000.0
  package static let peopleSource =
    "people by city (City and population data: GeoNames, CC BY 4.0)"

  /// All people of the world, at addresses that a place table has where they live: a place of a
  /// country goes to the country's nearest city, and a city's people are spread over the addresses
  /// of its places, evenly.
  ///
  /// The same table gives the same clients.
  package init(peopleOf table: PlaceTable) {
    let spread = PeopleSpread(table)
    var sampler = AddressSampler(weights: spread.weights, sizes: spread.sizes)
    table.forEachStretch { sampler.visit($0) }
    self.init(
      clients: sampler.clients, unplacedWeight: spread.unplaced, source: Self.peopleSource)
  }
}

/// The people of each place.
private struct PeopleSpread {
  /// By place.
  var weights: [Double]
  /// By place, as ``AddressStretch/size`` counts, in the family that its people use: IPv4 where
  /// the place has any.
  var sizes: [(size: Double, isIPv6: Bool)]
  var unplaced = 0.0

  init(_ table: PlaceTable) {
    var sizes4 = [Double](repeating: 0, count: table.places.count)
    var sizes6 = sizes4
    table.forEachStretch { stretch in
      if stretch.isIPv6 {
        sizes6[stretch.place] += Double(stretch.size)
      } else {
        sizes4[stretch.place] += Double(stretch.size)
      }
    }
    sizes = zip(sizes4, sizes6).map { $0 > 0 ? ($0, false) : ($1, true) }
    weights = sizes.map { _ in 0 }
    var placesOfCountry: [CountryCode: [Int]] = [:]
    for (index, place) in table.places.enumerated() {
      guard let country = place.country, place.point != nil, sizes[index].size > 0 else { continue }
      placesOfCountry[country, default: []].append(index)
    }
    for (country, cities) in Self.cities {
      let members = (placesOfCountry[country] ?? []).compactMap { index in
        table.places[index].point.map { (index: index, point: $0.unitVector) }
      }
      spread(cities, over: members)
    }
  }

  /// Cities of one country over its places.
  private mutating func spread(_ cities: [City], over places: [(index: Int, point: UnitVector)]) {
    guard !places.isEmpty else {
      unplaced += cities.reduce(0) { $0 + $1.people }
      return
    }
    var members = cities.map { _ in [Int]() }
    let centres = cities.map(\.point)
    for place in places {
      if let city = nearest(to: place.point, among: centres) {
        members[city].append(place.index)
      }
    }
    for (city, ownPlaces) in zip(cities, members) {
      guard ownPlaces.isEmpty else {
        give(city.people, to: ownPlaces)
        continue
      }
      if let place = nearest(to: city.point, among: places.map(\.point)) {
        give(city.people, to: [places[place].index])
      }
    }
  }

  /// In proportion to the addresses, over the places of the family that most people can be given.
  private mutating func give(_ people: Double, to places: [Int]) {
    let narrow = places.filter { !sizes[$0].isIPv6 }
    let chosen = narrow.isEmpty ? places : narrow
    let total = chosen.reduce(0) { $0 + sizes[$1].size }
    for place in chosen { weights[place] += people * sizes[place].size / total }
  }

  private func nearest(to point: UnitVector, among others: [UnitVector]) -> Int? {
    others.indices.min { point.squaredChord(to: others[$0]) < point.squaredChord(to: others[$1]) }
  }

  /// By country, read from ``peopleData`` at the first use.
  private static let cities: [(CountryCode, [City])] = {
    var read: [(CountryCode, [City])] = []
    for word in peopleData.split(whereSeparator: \.isWhitespace) {
      let fields = word.split(separator: ",").compactMap { Int($0) }
      if fields.count == 3, !read.isEmpty,
        let point = GeoPoint(
          latitude: Double(fields[0]) / 1000, longitude: Double(fields[1]) / 1000)
      {
        read[read.count - 1].1.append(City(point: point.unitVector, people: Double(fields[2])))
      } else if let country = CountryCode(word) {
        read.append((country, []))
      }
    }
    return read
  }()
}

/// Picks the addresses that stand for each place's people, evenly spaced over all its stretches.
private struct AddressSampler {
  private(set) var clients: [Population.Client] = []
  private let sizes: [(size: Double, isIPv6: Bool)]
  private let weights: [Double]
  /// By place: how many clients it gets, how many it has, and the size of the stretches so far.
  private let counts: [Double]
  private var taken: [Double]
  private var passed: [Double]

  init(weights: [Double], sizes: [(size: Double, isIPv6: Bool)]) {
    self.sizes = sizes
    self.weights = weights
    counts = zip(weights, sizes).map { weight, size in
      let wanted = (weight / Population.peoplePerClient).rounded()
      return weight > 0 ? min(max(1, wanted), size.size) : 0
    }
    taken = weights.map { _ in 0 }
    passed = taken
  }

  mutating func visit(_ stretch: AddressStretch) {
    let place = stretch.place
    guard counts[place] > 0, sizes[place].isIPv6 == stretch.isIPv6 else { return }
    let size = Double(stretch.size)
    while taken[place] < counts[place] {
      // In the middle of its share of the addresses.
      let position = (taken[place] + 0.5) / counts[place] * sizes[place].size - passed[place]
      guard position < size else { break }
      clients.append(
        Population.Client(
          address: stretch.address(at: UInt64(max(0, position))),
          weight: weights[place] / counts[place]))
      taken[place] += 1
    }
    passed[place] += size
  }
}
