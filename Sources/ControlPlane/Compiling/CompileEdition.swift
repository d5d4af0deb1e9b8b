import Cookies
package import DNSWire
package import Editions
package import Places
package import Routing
package import Settings
package import Zones

/// A configuration with everything that is compiled from it and does not depend on health: what
/// editions are made of until the next reload.
package struct CompiledSettings: Sendable {
  package let settings: Settings
  /// Those that come from primaries have no data in it.
  package var zones: ZoneTable { compiledZones.table }
  /// The zones that come from primaries, and what is laid over them.
  package var secondaries: [DomainName: [ZoneSource.Steered]] { compiledZones.secondaries }
  /// Of zones that were compiled anew and not taken over from before.
  package var zoneReadCount: Int { compiledZones.own.readCount }
  package let maps: CohortMaps
  package internal(set) var rules: AnswerRules
  /// Of the zones that are signed.
  package internal(set) var keys: CompiledKeys
  package let model: RoutingModel
  /// Before any check: endpoints with a monitor are unknown, those without healthy.
  package let initialBoard: HealthBoard
  /// How each endpoint is checked, by endpoint id: health carries over a reload only where this
  /// stays the same.
  package let checks: [String: Check]
  let compiledZones: ServedZones
  let placeSources: PlaceSources
  /// For cookies, where no secret is configured: this process's own, the same over reloads.
  let cookieSecret: CookieSecret

  package struct Check: Sendable, Equatable {
    /// nil: the endpoint is not monitored.
    package var monitor: Settings.Monitor?
    package var socket: SocketAddress
  }

  /// Compiles a configuration.
  ///
  /// - Parameters:
  ///   - previous: whose places are taken over if no file or prefix they came from has changed,
  ///     and likewise each of its zones.
  ///   - zoneHashSeed: random for each process, so that nobody can choose names that collide.
  ///   - now: seconds since 1970, for keys that sign in turn.
  /// - Throws: all faults of databases, override files, zone data and keys.
  package init(
    _ settings: Settings, previous: CompiledSettings? = nil, zoneHashSeed: UInt64,
    now: Int = secondsSince1970()
  ) throws(Faults) {
    let policies = CompiledPolicies(settings)
    var faults: [Fault] = []
    let sources = PlaceSources(settings.geo, rulePrefixes: policies.prefixes)
    var places: PlaceTable?
    if let previous, previous.placeSources == sources {
      places = previous.model.places
    } else {
      do {
        places = try sources.compiled(regionNames: settings.regions.map(\.name))
      } catch {
        faults += error.faults
      }
    }
    var zones: ServedZones?
    do {
      zones = try ServedZones(
        settings, previous: previous?.compiledZones.own, hashSeed: zoneHashSeed)
    } catch {
      faults += error.faults
    }
    var contents: CompiledContents?
    do {
      contents = try CompiledContents(settings)
    } catch {
      faults += error.faults
    }
    var keys: CompiledKeys?
    do {
      keys = try CompiledKeys(settings, now: now)
    } catch {
      faults += error.faults
    }
    if let zones, let contents {
      faults += targetFaults(settings, contents: contents, zones: zones.table)
      faults += keys?.faults(in: zones.table) ?? []
    }
    guard faults.isEmpty, let places, let zones, let contents, let keys else {
      throw Faults(faults)
    }
    let sameWorld = previous.flatMap { $0.placeSources == sources ? $0 : nil }
    let model = ModelCompiler(
      settings: settings, policies: policies, contents: contents, places: places,
      previousMaps: sameWorld?.model.maps ?? []
    ).compile()
    self.settings = settings
    compiledZones = zones
    self.model = model
    if let sameWorld, sameWorld.model.maps.map(\.planner) == model.maps.map(\.planner) {
      maps = sameWorld.maps
    } else {
      maps = CohortMaps(model.maps.map { places.addresses.mapValues($0.cohortOfPlace) })
    }
    checks = Self.checks(settings, model: model)
    initialBoard = Self.initialBoard(model, checks: checks)
    placeSources = sources
    cookieSecret =
      previous?.cookieSecret
      ?? CookieSecret(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
    self.keys = keys
    rules = compiledAnswerRules(settings, ownSecret: cookieSecret, signers: keys.signers)
  }

  /// Every endpoint healthy: what a decision is without knowledge of health.
  package var healthyBoard: HealthBoard {
    HealthBoard(
      conditions: model.endpoints.map { _ in EndpointCondition(health: .healthy, lastGood: .max) },
      admissions: Admissions(dials: settings.regions.map(\.dial)))
  }

  /// Whether both were made from the same files of databases in the same state.
  package func hasSameDatabases(as other: CompiledSettings) -> Bool {
    placeSources.databases == other.placeSources.databases
  }

  private static func initialBoard(_ model: RoutingModel, checks: [String: Check]) -> HealthBoard {
    HealthBoard(
      conditions: model.endpoints.map { endpoint in
        let isMonitored = checks[endpoint.id]?.monitor != nil
        return isMonitored
          ? EndpointCondition(health: .unknown)
          : EndpointCondition(health: .healthy, lastGood: .max)
      })
  }

  private static func checks(_ settings: Settings, model: RoutingModel) -> [String: Check] {
    var checks: [String: Check] = [:]
    let declared = settings.pools.flatMap { pool in pool.endpoints.map { (pool, $0) } }
    for (endpoint, (pool, declaration)) in zip(model.endpoints, declared) {
      let monitor = pool.monitor.map { settings.monitors[$0] }
      let port = declaration.checkPort ?? monitor?.port.map { UInt16($0) } ?? declaration.port
      checks[endpoint.id] = Check(
        monitor: monitor,
        socket: SocketAddress(
          address: declaration.checkAddress ?? declaration.address, port: port))
    }
    return checks
  }
}
