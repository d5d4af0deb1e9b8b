import Compiling
import Editions
import Layers
import Migrating
import Places
import Routing
import Settings
import Simulating
import TestSupport
import Testing

/// A migrated configuration that serves, and clients of some places.
struct MigratedWorld {
  let migration: Migration
  let settings: Settings
  let compiled: CompiledSettings

  /// Overrides in place of a database, so that the tests say where their clients are.
  static let clients = """
    geo:
      prefixes:
        - "127.0.1.1/32 at=40.71,-74.01 country=US subdivision=US-NY continent=NA"
        - "127.0.1.2/32 at=37.37,-121.92 country=US subdivision=US-CA continent=NA"
        - "127.0.1.3/32 at=45.50,-73.57 country=CA subdivision=CA-QC continent=NA"
        - "127.0.1.52/32 at=19.43,-99.13 country=MX continent=NA"
        - "127.0.1.49/32 at=50.11,8.68 country=DE continent=EU"
        - "127.0.1.41/32 at=46.95,7.45 country=CH continent=EU"
        - "127.0.1.33/32 at=48.86,2.35 country=FR continent=EU"
        - "127.0.1.81/32 at=35.68,139.69 country=JP continent=AS"
        - "127.0.1.55/32 at=-23.55,-46.63 country=BR continent=SA"
    """

  static let newYork = "127.0.1.1"
  static let california = "127.0.1.2"
  static let quebec = "127.0.1.3"
  static let mexico = "127.0.1.52"
  static let germany = "127.0.1.49"
  static let switzerland = "127.0.1.41"
  static let france = "127.0.1.33"
  static let japan = "127.0.1.81"
  static let brazil = "127.0.1.55"
  /// Of whom nothing is known.
  static let nobody = "127.0.1.200"

  init(_ migration: Migration) throws {
    self.migration = migration
    settings = try SettingsReader.read(
      [
        ConfigurationText(.file, name: "migrated.yaml", text: migration.text),
        ConfigurationText(.flag, name: "--set", text: Self.clients),
      ], folder: repository, environment: [:])
    compiled = try CompiledSettings(settings, zoneHashSeed: 1)
  }

  /// The service that steers an absolute name.
  func service(_ name: String) throws -> Settings.Service {
    let steered = settings.zones.flatMap(\.steered).first { $0.owner == name }
    return try settings.services[#require(steered, "\(name) is not steered").service]
  }

  /// The regions where a client of a steered name goes.
  func regions(
    _ name: String, _ client: String, down: [String] = []
  ) throws -> [String] {
    let service = try service(name)
    let index = try #require(settings.services.firstIndex { $0.name == service.name })
    var scenario = Scenario()
    scenario.down = down
    let edition = Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: scenario.board(from: compiled.healthyBoard, model: compiled.model), isReady: true)
    let address = try #require(IPAddress(client))
    let explanation = try #require(edition.explain(address.client, service: index))
    return explanation.outcome.regions.map { compiled.model.regions[$0].name }
  }

  /// The addresses, without ports, or the name that a client gets.
  func answers(_ name: String, _ client: String, down: [String] = []) throws -> [String] {
    let service = try service(name)
    let chosen = try regions(name, client, down: down).map { region in
      try #require(settings.regions.firstIndex { $0.name == region })
    }
    guard let pool = service.pool else {
      return service.content.targets.filter { chosen.contains($0.region) }.map(\.name)
    }
    return settings.pools[pool].endpoints.filter { chosen.contains($0.region) }
      .map { "\($0.address)" }
  }

  /// Records of a zone as `owner type data`.
  func records(_ zone: String) throws -> [String] {
    try #require(settings.zones.first { $0.name == zone }).records
      .map { "\($0.owner) \($0.ttlSeconds) \($0.type) \($0.data)" }
  }

  func listener(_ name: String) throws -> Settings.Proxy.Listener {
    try #require(settings.proxy.listeners.first { $0.name == name })
  }

  func pool(_ name: String) throws -> Settings.Pool {
    try #require(settings.pools.first { $0.name == name })
  }

  func monitor(ofPool name: String) throws -> Settings.Monitor {
    try settings.monitors[#require(pool(name).monitor)]
  }

  func hasFinding(line: Int, _ text: String) -> Bool {
    migration.findings.contains { $0.origin.line == line && $0.message.contains(text) }
  }
}
