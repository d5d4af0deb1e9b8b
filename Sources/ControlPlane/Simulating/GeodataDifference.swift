package import Places

/// What one set of databases says otherwise than another: how much of the address space, and how
/// many people.
package struct GeodataDifference: Sendable, Codable, Equatable {
  /// A part of the address space, and of all people.
  package struct Extent: Sendable, Codable, Equatable {
    package var ipv4Addresses = 0.0
    /// /64 networks.
    package var ipv6Networks = 0.0
    /// By where the old databases have them.
    package var people = 0.0
    /// Of what either set knows anything of, and of all people; 0...1.
    package var ipv4Share = 0.0
    package var ipv6Share = 0.0
    package var peopleShare = 0.0

    enum CodingKeys: String, CodingKey {
      case people
      case ipv4Addresses = "ipv4_addresses"
      case ipv6Networks = "ipv6_networks"
      case ipv4Share = "ipv4_share"
      case ipv6Share = "ipv6_share"
      case peopleShare = "people_share"
    }
  }

  /// A property, and where it is another one.
  package struct Change: Sendable, Codable, Equatable {
    package var property: String
    package var extent: Extent
  }

  /// From one country to another; nil: unknown.
  package struct Move: Sendable, Codable, Equatable {
    package var from: String?
    package var to: String?
    package var extent: Extent
  }

  package var distanceKilometres: Double
  package var changes: [Change]
  /// The largest, by people and then by addresses.
  package var moves: [Move]
  package var populationSource: String
  /// With a configuration: the clients that other regions get; nil without.
  package var regions: MovedReport?

  enum CodingKeys: String, CodingKey {
    case changes, moves, regions
    case distanceKilometres = "distance_km"
    case populationSource = "population_source"
  }

  /// - Parameters:
  ///   - distanceKilometres: a location that moves by less has not changed.
  ///   - mostMoves: so many are listed.
  package init(
    from old: PlaceTable, to new: PlaceTable, distanceKilometres: Double, mostMoves: Int = 20
  ) {
    self.distanceKilometres = distanceKilometres
    var tally = DifferenceTally(old: old, new: new, distanceKilometres: distanceKilometres)
    tally.addSpace()
    let population = Population(peopleOf: old)
    for client in population.clients { tally.add(client) }
    populationSource = population.source
    changes = DifferenceTally.properties.enumerated().map { index, property in
      Change(property: property, extent: tally.extent(tally.changed[index]))
    }
    moves = tally.moves.map { road, extent in
      Move(
        from: road.from?.description, to: road.to?.description, extent: tally.extent(extent))
    }.sorted {
      ($1.extent.people, $1.extent.ipv4Addresses, $1.extent.ipv6Networks, $0.name)
        < ($0.extent.people, $0.extent.ipv4Addresses, $0.extent.ipv6Networks, $1.name)
    }
    moves = Array(moves.prefix(mostMoves))
  }

  package var text: String {
    var lines = [
      "\("".paddedRight(to: 24))\("IPv4 addresses".paddedLeft(to: 24))"
        + "\("IPv6 /64s".paddedLeft(to: 12))\("people".paddedLeft(to: 24))"
    ]
    func row(_ name: String, _ extent: Extent) -> String {
      name.paddedRight(to: 24)
        + "\(grouped(extent.ipv4Addresses)) \(percent(extent.ipv4Share))".paddedLeft(to: 24)
        + percent(extent.ipv6Share).paddedLeft(to: 12)
        + "\(grouped(extent.people)) \(percent(extent.peopleShare))".paddedLeft(to: 24)
    }
    lines += changes.map { row($0.property, $0.extent) }
    if !moves.isEmpty {
      lines += ["", "The largest moves between countries:"]
      lines += moves.map { row("  \($0.name)", $0.extent) }
    }
    lines += ["", "People: \(populationSource)."]
    if let regions { lines += ["", regions.text] }
    return lines.joined(separator: "\n") + (regions == nil ? "\n" : "")
  }
}

extension GeodataDifference.Move {
  fileprivate var name: String { "\(from ?? "unknown") → \(to ?? "unknown")" }
}

/// Adds up what differs.
private struct DifferenceTally {
  struct Road: Hashable {
    var from: CountryCode?
    var to: CountryCode?
  }

  /// Those of a change, in the order of ``changed``.
  static let properties = ["country", "subdivision", "city", "location", "asn", "anything"]

  private let old: PlaceTable
  private let new: PlaceTable
  private let distance: Double
  private(set) var changed = Self.properties.map { _ in GeodataDifference.Extent() }
  private(set) var moves: [Road: GeodataDifference.Extent] = [:]
  /// What either set knows anything of.
  private var known = GeodataDifference.Extent()

  init(old: PlaceTable, new: PlaceTable, distanceKilometres: Double) {
    self.old = old
    self.new = new
    distance = distanceKilometres
  }

  mutating func addSpace() {
    let (before, after) = (stretches(old), stretches(new))
    var (own, its) = (0, 0)
    while own < before.count && its < after.count {
      // Both cover the same space: each cut is in the same family.
      var stretch = before[own]
      stretch.first = max(before[own].first, after[its].first)
      stretch.last = min(before[own].last, after[its].last)
      add(stretch, before[own].place, after[its].place)
      let end = stretch.last
      if before[own].last == end { own += 1 }
      if after[its].last == end { its += 1 }
    }
  }

  private func stretches(_ table: PlaceTable) -> [AddressStretch] {
    var all: [AddressStretch] = []
    table.forEachStretch { all.append($0) }
    return all
  }

  private mutating func add(_ stretch: AddressStretch, _ before: Int, _ after: Int) {
    let size = Double(stretch.size)
    var extent = GeodataDifference.Extent()
    if stretch.isIPv6 { extent.ipv6Networks = size } else { extent.ipv4Addresses = size }
    add(extent, old.places[before], new.places[after])
  }

  mutating func add(_ client: Population.Client) {
    var extent = GeodataDifference.Extent()
    extent.people = client.weight
    let address = client.address.client
    add(
      extent, old.places[old.place(of: address).place], new.places[new.place(of: address).place])
  }

  private mutating func add(_ extent: GeodataDifference.Extent, _ before: Place, _ after: Place) {
    guard before != Place() || after != Place() else { return }
    known.add(extent)
    let isMoved =
      switch (before.point, after.point) {
      case (let one?, let two?): one != two && one.distanceKilometres(to: two) > distance
      case (nil, nil): false
      default: true
      }
    let differs = [
      before.country != after.country, before.subdivision != after.subdivision,
      old.cityNames[Int(before.cityName)] != new.cityNames[Int(after.cityName)], isMoved,
      before.asn != after.asn,
    ]
    for (index, differs) in differs.enumerated() where differs { changed[index].add(extent) }
    if differs.contains(true) { changed[differs.count].add(extent) }
    if before.country != after.country {
      moves[Road(from: before.country, to: after.country), default: .init()].add(extent)
    }
  }

  /// With its shares, rounded as people are counted.
  func extent(_ part: GeodataDifference.Extent) -> GeodataDifference.Extent {
    var result = part
    result.ipv4Share = part.ipv4Addresses / max(1, known.ipv4Addresses)
    result.ipv6Share = part.ipv6Networks / max(1, known.ipv6Networks)
    result.peopleShare = part.people / max(1, known.people)
    result.people = part.people.rounded()
    return result
  }
}

extension GeodataDifference.Extent {
  fileprivate mutating func add(_ other: Self) {
    ipv4Addresses += other.ipv4Addresses
    ipv6Networks += other.ipv6Networks
    people += other.people
  }
}
