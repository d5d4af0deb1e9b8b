import FoundationEssentials
import Layers
import Places
import StateFiles

/// Reads the configuration: YAML in, ``Settings`` or all its faults out.
///
///     text ─ Document ─→ tree of Values ─ one reader a section ─→ Settings
///                                └─ faults, all of them, by line
package enum SettingsReader {
  /// - Parameters:
  ///   - file: relative to the working folder, or absolute. Relative paths inside are relative to
  ///     the file's folder.
  ///   - environment: for `${NAME}`, and `AZIMUTH_SET`.
  ///   - sets: what flags say.
  ///   - shared: layers of a fleet's store.
  /// - Throws: everything that is wrong, in the order of the file.
  package static func read(
    file: String, environment: [String: String], sets: [String] = [],
    shared: [ConfigurationText] = []
  ) throws(Faults) -> Settings {
    let texts = try ConfigurationText.all(
      file: file, environment: environment, sets: sets, shared: shared)
    return try read(texts, folder: folder(of: file), environment: environment)
  }

  /// The same from a text: `name` stands for the file in faults, relative paths start in `folder`.
  package static func read(
    text: String, name: String, folder: String = "/", environment: [String: String] = [:]
  ) throws(Faults) -> Settings {
    try read(
      [ConfigurationText(.file, name: name, text: text)], folder: folder, environment: environment)
  }

  /// The same from texts that are laid over each other.
  package static func read(
    _ texts: [ConfigurationText], folder: String, environment: [String: String]
  ) throws(Faults) -> Settings {
    let name = texts.first?.name ?? ""
    let document = Document(name: name, folder: folder, environment: environment)
    let root =
      texts.count == 1
      ? document.root(of: texts[0], texts[0].text, lineBefore: 0) : document.merged(texts)
    let read = root.flatMap { root in
      Value(node: root, path: "", document: document).section { settings($0) }
    }
    guard let read, document.faults.isEmpty else {
      throw Faults(inOrderOfFile(document.faults, names: texts.map(\.name)))
    }
    return read
  }

  /// The keys that are known where a text says something: by the path of each mapping that does
  /// not only hold names, all that it may have. What the schema says is held against it.
  package static func knownKeys(
    text: String, name: String, folder: String
  ) -> [String: Set<String>] {
    let document = Document(name: name, folder: folder, environment: [:])
    if let root = document.composed(text) {
      _ = Value(node: root, path: "", document: document).section { settings($0) }
    }
    return document.knownKeys
  }

  /// Absolute: where relative paths of a configuration start.
  static func folder(of file: String) -> String {
    let path = file.hasPrefix("/") ? file : "\(FileManager.default.currentDirectoryPath)/\(file)"
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  static func inOrderOfFile(_ faults: [Fault], names: [String]) -> [Fault] {
    let order = Dictionary(
      names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return faults.enumerated().sorted { left, right in
      let files = (order[left.element.origin.file] ?? 0, order[right.element.origin.file] ?? 0)
      return (files.0, left.element.origin.line ?? 0, left.offset)
        < (files.1, right.element.origin.line ?? 0, right.offset)
    }.map(\.element)
  }

  /// Names come first, from the keys alone, so that a fault inside one thing does not turn every
  /// reference to it into another fault.
  private static func settings(_ root: Section) -> Settings {
    _ = root.finalPaths()
    let regions = root.optional("regions")?.definitions() ?? []
    let monitors = root.optional("monitors")?.definitions() ?? []
    let pools = root.optional("pools")?.definitions() ?? []
    let policies = root.optional("policies")?.definitions() ?? []
    let services = root.optional("services")?.definitions() ?? []
    let regionNames = Names(kind: "region", regions.map(\.name))
    let monitorNames = Names(kind: "monitor", monitors.map(\.name))
    let serviceNames = Names(kind: "service", services.map(\.name))

    let stability = stability(root.optional("stability"), isRegion: false)
    let readRegions = regions.map { region($0, stability: stability) }
    let readPools = pools.map { pool($0, regions: regionNames, monitors: monitorNames) }
    let readPolicies = PolicyReader(
      regions: readRegions, regionNames: regionNames, policies: policies
    ).read()
    var serviceReader = ServiceReader(
      regions: regionNames, pools: readPools, policies: readPolicies)
    let readServices = services.map { serviceReader.read($0) }
    serviceReader.fences = fences(
      root.optional("fences"), regions: readRegions, services: readServices,
      serviceNames: serviceNames, reader: serviceReader)
    let keys = root.optional("keys")?.definitions() ?? []
    let zones = zones(
      root.optional("zones"), services: serviceNames, keys: Names(kind: "key", keys.map(\.name)))
    reportUnfitSteering(
      zones, services: readServices, entries: services, reader: serviceReader,
      document: root.value.document)
    let nodeValue = root.optional("node")
    let node = node(nodeValue, regions: regionNames, pools: readPools)
    let (dns, answers) = dns(root.optional("dns"), hasZones: !zones.isEmpty, node: node)
    var settings = Settings(
      node: node, log: log(root.optional("log")),
      geo: geo(root.optional("geo")), regions: readRegions,
      monitors: MonitorReader(monitors).read(),
      pools: readPools, policies: readPolicies,
      fences: serviceReader.fences,
      services: readServices, zones: zones, keys: SettingsReader.keys(keys),
      transfers: transfers(root.optional("transfers")),
      stateFolder: stateFolder(root.optional("state")), dns: dns, answers: answers,
      proxy: proxy(root.optional("proxy"), serviceNames: serviceNames, services: readServices),
      admin: admin(root.optional("admin")), health: health(root.optional("health")),
      latency: latency(root.optional("latency"), regions: regionNames))
    settings.stability = stability
    settings.stopping = stopping(root.optional("stop"))
    settings.handover = handover(root.optional("handover"))
    settings.events = events(root.optional("events"))
    settings.latency.region = settings.latency.region ?? node.region
    reportUnknownSite(settings, node: nodeValue, document: root.value.document)
    settings.decisionLog = decisionLog(root.optional("decision_log"))
    settings.fleet = fleet(root.optional("fleet"))
    settings.safety = safety(root.optional("safety"))
    settings.anycast = anycast(
      root.optional("anycast"), zones: settings.zones, hasAdmin: settings.admin.listen != nil)
    reportListenersInConflict(root.value.document)
    return settings
  }
}

// MARK: - log, geo, regions, health

extension SettingsReader {
  private static func safety(_ value: Value?) -> Settings.Safety {
    let safety = value?.section { section in
      var safety = Settings.Safety()
      safety.minimumRegions =
        section.optional("minimum_regions")?.integer(0...1000) ?? safety.minimumRegions
      safety.minimumCapacity =
        section.optional("minimum_capacity")?.share(0...1) ?? safety.minimumCapacity
      return safety
    }
    return safety ?? Settings.Safety()
  }

  static func log(_ value: Value?) -> Settings.Log {
    let levels: KeyValuePairs = [
      "trace": "trace", "debug": "debug", "info": "info", "notice": "notice",
      "warning": "warning", "error": "error", "critical": "critical",
    ]
    let log = value?.section { section in
      Settings.Log(
        format: section.optional("format")?.choice(["text": .text, "json": .json]) ?? .text,
        level: section.optional("level")?.choice(levels) ?? "info")
    }
    return log ?? Settings.Log(format: .text, level: "info")
  }

  private static func geo(_ value: Value?) -> Settings.Geo {
    let geo = value?.section { section in
      let prefixes = section.optional("prefixes")?.elements() ?? []
      let lines = prefixes.map { ($0.line("an override such as \"192.0.2.0/24 country=JP\""), $0) }
      return Settings.Geo(
        databases: (section.optional("databases")?.elements() ?? []).compactMap { $0.filePath() },
        overrideFiles: (section.optional("overrides")?.elements() ?? [])
          .compactMap { $0.filePath() },
        overrides: lines.compactMap(\.0), overrideOrigins: lines.map(\.1.origin),
        maximumMoved: section.optional("max_moved")?.share(0...1) ?? 0.1,
        isWatched: section.optional("watch")?.choice(["on": true, "off": false]) ?? false)
    }
    return geo
      ?? Settings.Geo(databases: [], overrideFiles: [], overrides: [], overrideOrigins: [])
  }

  private static func region(
    _ entry: Entry, stability general: Settings.Stability
  ) -> Settings.Region {
    let region = entry.value.section { section in
      Settings.Region(
        name: entry.name, location: section.optional("location")?.point(),
        tags: (section.optional("tags")?.elements() ?? []).compactMap { $0.tag() },
        dial: section.optional("dial")?.share(0...1) ?? 1,
        capacity: capacity(section.optional("capacity")),
        stability: stability(section.optional("stability"), over: general, isRegion: true))
    }
    return region ?? Settings.Region(name: entry.name, location: nil, tags: [])
  }

  private static func health(_ value: Value?) -> Settings.HealthChecking {
    var health = Settings.HealthChecking(
      firstRoundDeadline: .seconds(5), maximumConcurrentChecks: 64, jitter: 0.1)
    _ = value?.section { section in
      let deadline = section.optional("first_round_deadline")
      health.firstRoundDeadline =
        deadline?.duration(.zero ... .seconds(600)) ?? health.firstRoundDeadline
      health.maximumConcurrentChecks =
        section.optional("max_concurrent_checks")?.integer(1...65_536)
        ?? health.maximumConcurrentChecks
      health.jitter = section.optional("jitter")?.share(0...0.5) ?? health.jitter
    }
    return health
  }
}

extension Value {
  /// The absolute path of a file that can be read.
  func filePath() -> String? {
    guard let text = text("the path of a file") else { return nil }
    let path = document.absolutePath(text)
    guard let fault = PlainFile(path).fault else { return path }
    report("\(path) cannot be read: \(fault)")
    return nil
  }

  /// `[latitude, longitude]`, degrees.
  fileprivate func point() -> GeoPoint? {
    let wanted = "[latitude, longitude] in degrees, such as [35.68, 139.69]"
    guard isList, elements().count == 2 else {
      report("wants \(wanted), found \(found)")
      return nil
    }
    let limits: [(name: String, range: ClosedRange<Double>)] = [
      ("latitude", -90...90), ("longitude", -180...180),
    ]
    let degrees = zip(elements(), limits).map { element, limit in
      element.parsed(
        "a \(limit.name) from \(Int(limit.range.lowerBound)) to \(Int(limit.range.upperBound))"
      ) { Double($0).flatMap { limit.range.contains($0) ? $0 : nil } }
    }
    guard let latitude = degrees[0], let longitude = degrees[1] else { return nil }
    return GeoPoint(latitude: latitude, longitude: longitude)
  }

  /// A jurisdiction tag.
  func tag() -> String? {
    parsed("a tag of letters, digits, '-', '_' and '.'") { isName($0) ? $0 : nil }
  }
}
