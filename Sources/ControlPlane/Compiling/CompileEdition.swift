import Cookies
package import DNSWire
package import Editions
package import Latency
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
  package private(set) var maps: CohortMaps
  package internal(set) var rules: AnswerRules
  /// Of the zones that are signed.
  package internal(set) var keys: CompiledKeys
  package private(set) var model: RoutingModel
  /// Before any check: endpoints with a monitor are unknown, those without healthy.
  package let initialBoard: HealthBoard
  /// How each endpoint is checked, by endpoint id: health carries over a reload only where this
  /// stays the same.
  package let checks: [String: Check]
  let compiledZones: ServedZones
  let placeSources: PlaceSources
  /// Before measured networks were told apart in them.
  package let places: PlaceTable
  /// What was imported of latencies; nil where no policy asks for them.
  package let latencyTables: LatencyTables?
  package private(set) var homes: CompiledHomes
  private let policies: CompiledPolicies
  private let contents: CompiledContents
  /// Over ``places``, of the policies that do not go by latency.
  private var plainMaps: [SteeringMap] = []
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
  ///   - now: seconds since 1970, for keys that sign in turn, and for how old latencies are.
  /// - Throws: all faults of databases, override files, zone data and keys.
  package init(
    _ settings: Settings, previous: CompiledSettings? = nil, zoneHashSeed: UInt64,
    now: Int = secondsSince1970()
  ) throws(Faults) {
    let policies = CompiledPolicies(settings)
    var faults: [Fault] = []
    let sources = PlaceSources(settings.geo, rulePrefixes: policies.prefixes)
    let sameWorld = previous.flatMap { $0.placeSources == sources ? $0 : nil }
    let places = gathering(&faults) { () throws(Faults) in
      if let sameWorld { return sameWorld.places }
      return try sources.compiled(regionNames: settings.regions.map(\.name))
    }
    let zones = gathering(&faults) { () throws(Faults) in
      try ServedZones(settings, previous: previous?.compiledZones.own, hashSeed: zoneHashSeed)
    }
    let contents = gathering(&faults) { () throws(Faults) in try CompiledContents(settings) }
    let keys = gathering(&faults) { () throws(Faults) in try CompiledKeys(settings, now: now) }
    let homes = gathering(&faults) { () throws(Faults) in
      try CompiledHomes(settings, previous: previous?.homes, hashSeed: zoneHashSeed)
    }
    let tables = LatencyTables.read(settings, policies: policies, faults: &faults)
    if let zones, let contents {
      faults += targetFaults(settings, contents: contents, zones: zones.table)
      faults += keys?.faults(in: zones.table) ?? []
    }
    guard faults.isEmpty, let places, let zones, let contents, let keys, let homes else {
      throw Faults(faults)
    }
    let latency = tables.map {
      Self.latency(
        settings, tables: $0, places: places, previous: previous?.model.latency,
        now: UInt32(clamping: now))
    }
    let (model, plainMaps) = ModelCompiler(
      settings: settings, policies: policies, contents: contents, places: places,
      previousMaps: sameWorld?.plainMaps ?? [], latency: latency, homes: homes
    ).compile()
    self.settings = settings
    self.policies = policies
    self.contents = contents
    self.homes = homes
    self.places = places
    latencyTables = tables
    compiledZones = zones
    self.model = model
    self.plainMaps = plainMaps
    if let sameWorld, sameWorld.model.maps.map(\.planner) == model.maps.map(\.planner) {
      maps = sameWorld.maps
    } else {
      maps = CohortMaps(model)
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

  /// The same configuration with what has been learned of latencies since.
  package func learning(_ latency: LatencyView) -> CompiledSettings {
    guard latencyTables != nil else { return self }
    var next = self
    (next.model, next.plainMaps) = ModelCompiler(
      settings: settings, policies: policies, contents: contents, places: places,
      previousMaps: plainMaps, latency: latency, homes: homes
    ).compile()
    next.maps = CohortMaps(next.model)
    return next
  }

  /// The homes of keys with the files of overrides as they are now.
  ///
  /// - Parameter hashSeed: random for each process.
  package func rereadHomes(hashSeed: UInt64) throws(Faults) -> CompiledHomes {
    try CompiledHomes(settings, previous: homes, hashSeed: hashSeed)
  }

  /// The same configuration with other homes of keys.
  package func placing(_ homes: CompiledHomes) -> CompiledSettings {
    var next = self
    next.homes = homes
    next.model = model.placing(homes)
    return next
  }

  /// This configuration with the maps, and the latencies in them, of another state of the same.
  package func adoptingMaps(of next: CompiledSettings) -> CompiledSettings {
    var adopted = self
    adopted.model = next.model
    adopted.plainMaps = next.plainMaps
    adopted.maps = next.maps
    return adopted
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
      let monitor = pool.monitor.map {
        settings.monitors[$0].sending(pool.proxyHeader, to: declaration)
      }
      let port = declaration.checkPort ?? monitor?.port.map { UInt16($0) } ?? declaration.port
      checks[endpoint.id] = Check(
        monitor: monitor,
        socket: SocketAddress(
          address: declaration.checkAddress ?? declaration.address, port: port))
    }
    return checks
  }
}

extension CohortMaps {
  /// Address → cohort for each map of a model.
  fileprivate init(_ model: RoutingModel) {
    self.init(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) })
  }
}

/// What is made, or nil with its faults added to the others.
private func gathering<Made>(
  _ faults: inout [Fault], _ make: () throws(Faults) -> Made
) -> Made? {
  do throws(Faults) {
    return try make()
  } catch {
    faults += error.faults
    return nil
  }
}
