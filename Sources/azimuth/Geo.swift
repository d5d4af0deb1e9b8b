import ArgumentParser
import Compiling
import Editions
import Places
import Routing
import Terminal

/// `azimuth geo`: what is known of addresses.
struct Geo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask the geodata, build them, and compare them.",
    subcommands: [Lookup.self, Build.self, Diff.self])

  struct Lookup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The place of an address, its cohort and preference list for each service.")

    @Argument(help: "An IPv4 or IPv6 address.")
    var address: String
    @Option(help: "The configuration file.")
    var config = "config/azimuth.yaml"
    @OptionGroup var output: OutputOptions

    func run() async throws {
      guard let address = IPAddress(address) else {
        throw ValidationError("\"\(address)\" is not an IPv4 or IPv6 address")
      }
      let report = LookupReport(address: address, model: try compile(readSettings(config)).model)
      switch output.output {
      case .json: print(try renderedJSON(report))
      case .text: print(shownText(report.text))
      }
    }
  }
}

private struct LookupReport: Encodable {
  struct ServiceEntry: Encodable {
    var service: String
    var policy: String
    var cohort: Int
    /// Of the cohort.
    var scope: Int
    var preference: [String]
    var fences: [String]
  }
  var address: String
  var latitude: Double?
  var longitude: Double?
  var accuracyRadiusKilometres: Int?
  var city: String?
  var subdivision: String?
  var country: String?
  var continent: String?
  var asn: Int?
  var isInEuropeanUnion: Bool
  /// Of the place.
  var scope: Int
  var services: [ServiceEntry]
  var attribution = "IP Geolocation by DB-IP (https://db-ip.com)"

  enum CodingKeys: String, CodingKey {
    case address, latitude, longitude, city, subdivision, country, continent, asn, scope, services
    case attribution
    case accuracyRadiusKilometres = "accuracy_radius_km"
    case isInEuropeanUnion = "european_union"
  }

  init(address: IPAddress, model: RoutingModel) {
    let client = address.client
    let (index, scopeBits) = model.places.place(of: client)
    let place = model.places.places[index]
    self.address = "\(address)"
    latitude = place.point?.latitude
    longitude = place.point?.longitude
    accuracyRadiusKilometres = place.point.map { _ in Int(place.accuracyRadiusKilometres) }
    let cityName = model.places.cityNames[Int(place.cityName)]
    city = cityName.isEmpty ? nil : cityName
    subdivision = place.subdivision?.description
    country = place.country?.description
    continent = place.continent?.description
    asn = place.asn == 0 ? nil : Int(place.asn)
    isInEuropeanUnion = place.isInEuropeanUnion
    scope = Int(scopeBits)
    services = model.steeringServices.map { index in
      let service = model.services[index]
      let map = model.maps[service.map]
      let (value, scopeBits) = model.places.addresses.mapValues(map.cohortOfPlace).find(client)
      let cohort = map.cohorts[Int(value)]
      return ServiceEntry(
        service: service.name, policy: service.policyName, cohort: Int(value),
        scope: Int(scopeBits), preference: cohort.regions.map { model.regions[$0].name },
        fences: cohort.fences.map { map.planner.fenceNames[$0] })
    }
  }

  var text: String {
    let location =
      latitude.flatMap { latitude in longitude.map { "\(latitude), \($0)" } } ?? "unknown"
    let names = [city, subdivision, country, continent].compactMap(\.self)
    var lines = [
      "\(address)/\(scope)",
      "  place     \(names.isEmpty ? "unknown" : names.joined(separator: ", "))",
      "  location  \(location)" + (accuracyRadiusKilometres.map { " ± \($0) km" } ?? ""),
    ]
    if let asn { lines.append("  network   AS\(asn)") }
    for entry in services {
      lines.append(
        "  \(entry.service): policy \(entry.policy), cohort \(entry.cohort), scope /\(entry.scope)")
      lines.append("    \(entry.preference.joined(separator: " > "))")
      if !entry.fences.isEmpty {
        lines.append("    inside fence \(entry.fences.joined(separator: ", "))")
      }
    }
    lines.append(attribution)
    return lines.joined(separator: "\n")
  }
}
