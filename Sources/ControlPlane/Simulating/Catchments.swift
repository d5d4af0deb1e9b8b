import Compiling
package import Editions
package import Places
import Routing

/// People, gathered into squares of a map: made once for a table of places, asked of any edition.
package struct MappedPopulation: Sendable {
  /// The side of a square.
  package static let squareDegrees = 2.0

  struct Square: Sendable {
    /// Where its people live in the middle, in degrees.
    var latitude: Double
    var longitude: Double
    var people: Double
  }

  struct Client: Sendable {
    var address: ClientAddress
    var weight: Float
    var square: UInt16
  }

  private(set) var squares: [Square] = []
  private(set) var clients: [Client] = []
  let source: String
  /// Of whom no address is known to be where they are.
  let unplacedPeople: Double

  package init(_ table: PlaceTable) {
    let population = Population(peopleOf: table)
    source = population.source
    unplacedPeople = population.unplacedWeight
    clients.reserveCapacity(population.clients.count)
    let columns = Int(360 / Self.squareDegrees)
    var numbers: [Int: Int] = [:]
    for client in population.clients where client.weight > 0 {
      let address = client.address.client
      guard let point = table.places[table.place(of: address).place].point else { continue }
      let row = Int((point.latitude + 90) / Self.squareDegrees)
      let column = Int((point.longitude + 180) / Self.squareDegrees)
      let number = numbers[row * (columns + 1) + column, default: squares.count]
      if number == squares.count {
        numbers[row * (columns + 1) + column] = number
        squares.append(Square(latitude: 0, longitude: 0, people: 0))
      }
      squares[number].latitude += point.latitude * client.weight
      squares[number].longitude += point.longitude * client.weight
      squares[number].people += client.weight
      clients.append(
        Client(address: address, weight: Float(client.weight), square: UInt16(number)))
    }
    for index in squares.indices {
      squares[index].latitude /= squares[index].people
      squares[index].longitude /= squares[index].people
    }
  }
}

/// Whose catchments are asked for.
package struct CatchmentQuestion: Sendable, Equatable {
  /// nil: the first that steers.
  package var service: String?
  /// Names of regions that fail. None: as things are, beside how they would be if all were well.
  package var without: [String] = []

  package init(service: String? = nil, without: [String] = []) {
    self.service = service
    self.without = without
  }
}

extension Simulation {
  /// Who gets which region of a service: as things are beside everything healthy and no override,
  /// or without some regions beside as things are.
  ///
  /// - Parameter edition: that serves; it has the board of the simulation.
  /// - Throws: ``SimulationRefusal`` where nothing has a name that is asked for.
  package func catchments(
    _ question: CatchmentQuestion, edition: Edition, population: MappedPopulation
  ) throws -> CatchmentReport {
    var scenario = Scenario()
    scenario.down = question.without
    let names = edition.model.steeringServices
    let service = names.first { service in
      question.service.map { $0 == edition.model.services[service].name } ?? true
    }
    var faults = scenario.faults(regions: edition.model.regions.map(\.name))
    if service == nil {
      faults.append("there is no service \"\(question.service ?? "")\" that steers clients")
    }
    guard let service, faults.isEmpty else { throw SimulationRefusal.misunderstood(faults) }
    if question.without.isEmpty {
      return CatchmentReport(
        service: service, before: compiled.healthyEdition, after: edition,
        words: ("all well", "now"), population: population)
    }
    var report = CatchmentReport(
      service: service, before: edition, after: try sides(of: scenario).after,
      words: ("now", scenario.sentences.joined(separator: ", ")), population: population)
    report.edition = edition.number
    return report
  }
}

/// Which part of the world each region of a service gets, in two editions. Where a client is told
/// of several regions (policy `all`), the first counts.
package struct CatchmentReport: Sendable, Encodable, Equatable {
  package struct Region: Sendable, Encodable, Equatable {
    package var name: String
    /// Of all people, 0...1.
    package var shareBefore: Double
    package var shareAfter: Double
    /// The round trip to expect of those whom it gets after, of half of them and of 95 %; nil:
    /// it gets nobody.
    package var medianMs: Double?
    package var p95Ms: Double?
  }

  package struct Flow: Sendable, Encodable, Equatable {
    /// A region, or `refused`.
    package var from: String
    package var to: String
    /// Of all people, 0...1.
    package var share: Double
  }

  package var edition: UInt64
  package var service: String
  /// All that may be asked about.
  package var services: [String]
  /// What the two sides are, in words.
  package var before: String
  package var after: String
  package var populationSource: String
  package var people: Double
  package var unplacedPeople: Double
  package var movedShare: Double
  /// In the order of the configuration; the last one is `refused`.
  package var regions: [Region]
  /// Largest first.
  package var flows: [Flow]
  /// Latitude, longitude, people, and the indices in ``regions`` of those that most of them get
  /// before and after.
  package var squares: [[Double]]
  package var squareDegrees = MappedPopulation.squareDegrees

  /// - Parameters:
  ///   - service: an index into the model's services.
  ///   - before: of the same model as `after`.
  package init(
    service: Int, before: Edition, after: Edition, words: (before: String, after: String),
    population: MappedPopulation
  ) {
    let model = after.model
    edition = after.number
    self.service = model.services[service].name
    services = model.steeringServices.map { model.services[$0].name }
    (self.before, self.after) = words
    populationSource = population.source
    unplacedPeople = population.unplacedPeople
    let names = model.regions.map(\.name) + ["refused"]
    var count = CatchmentCount(regions: names.count, squares: population.squares.count)
    for client in population.clients {
      let from = before.region(of: client.address, service: service)
      let to = after.region(of: client.address, service: service)
      let place = model.places.place(of: client.address).place
      count.add(
        client, from: from, to: to,
        milliseconds: to == names.count - 1
          ? nil : model.expectedMilliseconds(fromPlace: place, to: to))
    }
    people = count.people
    movedShare = count.share(count.flows.reduce(0, +))
    regions = names.indices.map { region in
      Region(
        name: names[region], shareBefore: count.share(count.shares[region].before),
        shareAfter: count.share(count.shares[region].after),
        medianMs: count.roundTrip(of: 0.5, region: region),
        p95Ms: count.roundTrip(of: 0.95, region: region))
    }
    flows = count.flows.enumerated().filter { $0.element > 0 }.map { index, weight in
      Flow(
        from: names[index / names.count], to: names[index % names.count],
        share: count.share(weight))
    }.sorted { ($1.share, $0.from, $0.to) < ($0.share, $1.from, $1.to) }
    squares = population.squares.enumerated().map { index, square in
      [
        rounded(square.latitude), rounded(square.longitude), square.people.rounded(),
        Double(count.winner(of: index, in: count.squaresBefore)),
        Double(count.winner(of: index, in: count.squaresAfter)),
      ]
    }
  }
}

extension Edition {
  /// The first region that a client gets; the number behind the last: it is refused.
  fileprivate func region(of client: ClientAddress, service: Int) -> Int {
    var silent = SilentTrace()
    let outcome = targets.outcome(of: steering.route(client, to: service, trace: &silent))
    guard outcome.kind == .serve, let first = outcome.regions.first else {
      return model.regions.count
    }
    return first
  }
}

/// Adds up who gets what.
private struct CatchmentCount {
  /// Round trips are told apart by a millisecond, up to so many of them.
  private static let mostMilliseconds = 1000

  let regions: Int
  private(set) var people = 0.0
  private(set) var shares: [(before: Double, after: Double)]
  /// By from × regions + to; nothing where both are the same.
  private(set) var flows: [Double]
  /// By square × regions + region.
  private(set) var squaresBefore: [Float]
  private(set) var squaresAfter: [Float]
  /// By region × ``mostMilliseconds`` + milliseconds.
  private var roundTrips: [Double]

  init(regions: Int, squares: Int) {
    self.regions = regions
    shares = Array(repeating: (0, 0), count: regions)
    flows = Array(repeating: 0, count: regions * regions)
    squaresBefore = Array(repeating: 0, count: squares * regions)
    squaresAfter = squaresBefore
    roundTrips = Array(repeating: 0, count: regions * Self.mostMilliseconds)
  }

  mutating func add(
    _ client: MappedPopulation.Client, from: Int, to: Int, milliseconds: Double?
  ) {
    let weight = Double(client.weight)
    people += weight
    shares[from].before += weight
    shares[to].after += weight
    if from != to { flows[from * regions + to] += weight }
    squaresBefore[Int(client.square) * regions + from] += client.weight
    squaresAfter[Int(client.square) * regions + to] += client.weight
    if let milliseconds {
      let slot = Int(min(max(0, milliseconds), Double(Self.mostMilliseconds - 1)))
      roundTrips[to * Self.mostMilliseconds + slot] += weight
    }
  }

  func share(_ weight: Double) -> Double { people > 0 ? weight / people : 0 }

  func winner(of square: Int, in weights: [Float]) -> Int {
    let own = weights[square * regions..<(square + 1) * regions]
    return (own.indices.max { own[$0] < own[$1] } ?? 0) - square * regions
  }

  func roundTrip(of share: Double, region: Int) -> Double? {
    let own = roundTrips[region * Self.mostMilliseconds..<(region + 1) * Self.mostMilliseconds]
    let total = own.reduce(0, +)
    guard total > 0 else { return nil }
    var passed = 0.0
    for (milliseconds, weight) in own.enumerated() {
      passed += weight
      if passed >= total * share { return Double(milliseconds) }
    }
    return Double(Self.mostMilliseconds - 1)
  }
}

private func rounded(_ degrees: Double) -> Double { (degrees * 10).rounded() / 10 }
