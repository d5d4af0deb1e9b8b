package import Compiling
import Editions
import Places
import Routing
package import Settings

/// Whom a change of the databases moves: a database that moves very many people at once is more
/// likely to be broken than right.
package struct GeodataGate: Sendable {
  /// The configuration with the databases that are in force.
  let current: CompiledSettings
  /// The same with the others.
  let next: CompiledSettings

  /// nil if the databases are the same, or there were none.
  ///
  /// - Parameter candidate: what a reload has compiled. Where it changes more than databases, the
  ///   current configuration is compiled with its databases, so that only they are compared.
  /// - Throws: the faults of the databases.
  package init?(
    from current: CompiledSettings, to candidate: CompiledSettings
  ) throws(Faults) {
    guard !current.settings.geo.databases.isEmpty, !current.hasSameDatabases(as: candidate) else {
      return nil
    }
    self.current = current
    var settings = current.settings
    settings.geo.databases = candidate.settings.geo.databases
    var compared = candidate.settings
    compared.geo.maximumMoved = settings.geo.maximumMoved
    next =
      compared == settings
      ? candidate
      : try CompiledSettings(settings, previous: current, zoneHashSeed: 0)
  }

  /// - Parameter limit: of the share of people that may move.
  package func report(limit: Double) -> MovedReport {
    let population = Population(peopleOf: current.model.places)
    let before = current.healthyEdition
    let after = next.healthyEdition
    let services = before.model.steeringServices.map { service in
      var tally = Tally()
      for client in population.clients {
        tally.add(
          client, region(of: client, service: service, in: before),
          region(of: client, service: service, in: after), places: before.model.places)
      }
      return tally.report(service: before.model.services[service].name, total: population.weight)
    }
    return MovedReport(
      limit: limit, populationSource: population.source,
      services: services.sorted { $0.movedShare > $1.movedShare })
  }

  /// The first region that a client gets; nil: it is refused.
  private func region(
    of client: Population.Client, service: Int, in edition: Edition
  ) -> String? {
    var silent = SilentTrace()
    let decision = edition.steering.route(client.address.client, to: service, trace: &silent)
    return edition.targets.outcome(of: decision).regions.first.map {
      edition.model.regions[$0].name
    }
  }
}

extension CompiledSettings {
  /// With every endpoint healthy.
  var healthyEdition: Edition {
    Edition(
      number: 1, revision: 1, zones: zones, maps: maps, model: model, board: healthyBoard,
      isReady: true)
  }
}

/// Whom a change of geodata moves, service by service.
package struct MovedReport: Sendable, Codable, Equatable {
  package struct Move: Sendable, Codable, Equatable, Hashable {
    /// Where the people live, as the geodata before have it; nil: unknown.
    package var country: String?
    package var from: String
    package var to: String
    package var people: Double
    /// Of all people, 0...1.
    package var share: Double
  }

  package struct Service: Sendable, Codable, Equatable {
    package var name: String
    package var movedShare: Double
    package var movedPeople: Double
    /// The largest of them.
    package var moves: [Move]
  }

  /// 0...1.
  package var limit: Double
  package var populationSource: String
  /// Those that move most first.
  package var services: [Service]

  /// Of the service that it moves most, 0...1.
  package var movedShare: Double { services.first?.movedShare ?? 0 }
  package var isWithinLimit: Bool { movedShare <= limit }

  /// In one line: `34.2 % of people of service web (US virginia → tokyo 4.3 %, …)`.
  package var summary: String {
    guard let service = services.first else { return "nobody" }
    let moves = service.moves.prefix(5).map {
      "\($0.country ?? "??") \($0.from) → \($0.to) \(percent($0.share))"
    }
    let list = moves.isEmpty ? "" : " (\(moves.joined(separator: ", ")))"
    return "\(percent(service.movedShare)) of the people of service \"\(service.name)\"\(list)"
  }

  package var text: String {
    var lines = ["The databases may move \(percent(limit)) of all people (geo.max_moved)."]
    for service in services {
      lines += [
        "",
        "service \(service.name): \(percent(service.movedShare)) move, \(grouped(service.movedPeople))",
      ]
      lines += service.moves.map {
        "  \($0.country ?? "??")  \($0.from) → \($0.to): \(grouped($0.people)), \(percent($0.share))"
      }
    }
    lines += ["", isWithinLimit ? "within the limit" : "BEYOND the limit", ""]
    lines += ["People: \(populationSource).", "IP Geolocation by DB-IP (https://db-ip.com)", ""]
    return lines.joined(separator: "\n")
  }
}

/// Adds up who moves.
private struct Tally {
  private struct Road: Hashable {
    var country: CountryCode?
    var from: String
    var to: String
  }

  private static let mostMoves = 20
  private var people: [Road: Double] = [:]

  mutating func add(
    _ client: Population.Client, _ from: String?, _ to: String?, places: PlaceTable
  ) {
    guard from != to else { return }
    let place = places.places[places.place(of: client.address.client).place]
    let road = Road(country: place.country, from: from ?? "refused", to: to ?? "refused")
    people[road, default: 0] += client.weight
  }

  func report(service: String, total: Double) -> MovedReport.Service {
    let unit = max(total, 1)
    let moves = people.map { road, people in
      MovedReport.Move(
        country: road.country?.description, from: road.from, to: road.to, people: people.rounded(),
        share: people / unit)
    }.sorted { ($1.people, $0.country ?? "", $0.to) < ($0.people, $1.country ?? "", $1.to) }
    let moved = people.values.reduce(0, +)
    return MovedReport.Service(
      name: service, movedShare: moved / unit, movedPeople: moved.rounded(),
      moves: Array(moves.prefix(Self.mostMoves)))
  }
}
