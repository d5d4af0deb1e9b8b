package import Settings

extension Migration {
  /// What gdnsd's configuration directory says: `config`, and the zone files.
  package struct Gdnsd {
    /// nil: gdnsd goes by its defaults, too.
    package var config: SourceText?
    /// By zone, which is the file's name in the folder `zones`.
    package var zones: [(name: String, file: SourceText)]
    /// In place of those that the maps name; relative to `folder`.
    package var databases: [String]
    /// A file that one of the others names; nil if it cannot be read, or too many were.
    let included: (String) -> SourceText?
    /// Files that include each other, each several times, are more than anyone could read.
    static let mostInclusions = 1000

    package init(
      config: SourceText?, zones: [(name: String, file: SourceText)], databases: [String] = [],
      included: @escaping (String) -> SourceText? = { _ in nil }
    ) {
      self.config = config
      self.zones = zones
      self.databases = databases
      let count = InclusionCount()
      self.included = { name in
        count.value += 1
        return count.value <= Self.mostInclusions ? included(name) : nil
      }
    }

    private final class InclusionCount { var value = 0 }
  }

  /// The configuration that answers as gdnsd did.
  ///
  /// - Parameter folder: where relative paths of the result start.
  /// - Throws: what is wrong in the files, by their lines.
  package static func gdnsd(
    _ source: Gdnsd, folder: String = "/"
  ) throws(Faults) -> Migration {
    var migrating = GdnsdMigration(source)
    let sections = try migrating.sections()
    let first = source.config?.name ?? source.zones.first?.file.name ?? ""
    return try Migration(
      of: "gdnsd", sections, findings: migrating.findings.all, folder: folder,
      origin: Origin(file: first, line: 1))
  }
}

/// One migration from gdnsd under way.
struct GdnsdMigration {
  let findings = Findings()
  let source: Migration.Gdnsd
  var regions = Mapping()
  var pools = Mapping()
  var policies = Mapping()
  var services = Mapping()
  var maps: [String: GdnsdMap] = [:]
  var monitors = GdnsdMonitors(VSCFHash(), report: { _, _ in })
  let regionNames = RegionNames()
  var policyNames: [String: String] = [:]
  var serviceNames = NameBook()
  var writtenServices: Set<String> = []
  var poolNames = NameBook()
  /// Pools and policies of references that zones have named before.
  var known: [String: Steering] = [:]

  /// What a service is made of; without a policy it is nothing.
  struct Steering {
    var pool: String?
    var names: Mapping = [:]
    var policy: String?
    /// The most addresses in a region.
    var size = 0
  }

  /// Regions and policies share one space of names.
  final class RegionNames {
    var book = NameBook()
    /// In the order in which they came up.
    private(set) var regions: [String] = []
    private var known: Set<String> = []
    /// Of parts of a datacenter, its region.
    var wholes: [String: String] = [:]

    /// - Parameter key: of a part it is the region's name, a slash and something else.
    func region(_ key: String, _ wanted: String) -> String {
      let name = book.name("region \(key)", wanted: wanted)
      if known.insert(name).inserted { regions.append(name) }
      if let slash = key.firstIndex(of: "/") { wholes[name] = String(key[..<slash]) }
      return name
    }
  }

  init(_ source: Migration.Gdnsd) { self.source = source }

  mutating func sections() throws(Faults) -> Mapping {
    var config = VSCFHash()
    if let file = source.config {
      var reader = VSCFReader(file, included: source.included)
      config = try reader.document()
    }
    let report = findings.report
    for entry in config.entries where !["options", "service_types", "plugins"].contains(entry.key) {
      report(entry.node.origin, "\(entry.key) is no section of gdnsd: it is left out")
    }
    let plugins = config["plugins"]?.hash ?? VSCFHash()
    monitors = GdnsdMonitors(config["service_types"]?.hash ?? VSCFHash(), report: report)
    try readMaps(plugins)
    let names = regionNames
    let resources = GdnsdResources(plugins, report: report) { names.region($0, $1) }
    let options = config["options"]?.hash ?? VSCFHash()
    let ttl = options["zones_default_ttl"]?.text.flatMap { timeToLive($0) } ?? 86_400
    let zones = try zones(resources, timeToLive: ttl)
    var sections = Mapping()
    if !databases.isEmpty {
      sections.add("geo", .mapping(["databases": .list(databases.map { .text($0) })]))
    }
    sections.add("regions", .mapping(writtenRegions()))
    sections.add("monitors", .mapping(monitors.written))
    sections.add("pools", .mapping(pools))
    sections.add("policies", .mapping(policies))
    sections.add("services", .mapping(services))
    sections.add("zones", .mapping(zones))
    if let dns = dns(options) { sections.add("dns", dns) }
    return sections
  }

  var databases: [String] { source.databases }

  private mutating func readMaps(_ plugins: VSCFHash) throws(Faults) {
    for entry in plugins["geoip"]?.hash?["maps"]?.hash?.entries ?? [] {
      guard let hash = entry.node.hash else { continue }
      let included = source.included
      maps[entry.key] = try GdnsdMap(
        hash, origin: entry.node.origin,
        nets: { node throws(Faults) in
          guard let name = node.text else { return node.hash }
          guard let file = included(name) ?? included("geoip/\(name)") else {
            throw Faults([Fault(origin: node.origin, message: VSCFReader.unread(name))])
          }
          var reader = VSCFReader(file, included: included)
          return try reader.document()
        }, report: findings.report)
      for key in ["geoip2_db", "geoip_db", "geoip_db_v4_overlay"] {
        guard let database = hash[key], databases.isEmpty else { continue }
        findings.report(
          database.origin,
          "\(database.text ?? key): say with --database which .mmdb files are to be asked")
      }
    }
  }

  private func writtenRegions() -> Mapping {
    var written = Mapping()
    let places = maps.sorted { $0.key < $1.key }.flatMap(\.value.coordinates).map {
      (region: regionNames.region("datacenter \($0.datacenter)", $0.datacenter), place: $0)
    }
    let placeOfRegion = Dictionary(places, uniquingKeysWith: { first, _ in first })
    for name in regionNames.regions {
      let place = placeOfRegion[name] ?? regionNames.wholes[name].flatMap { placeOfRegion[$0] }
      if let place {
        let location = Tree.list([.text(place.latitude), .text(place.longitude)])
        written.add(name, .mapping(["location": location]), place.origin)
      } else {
        written.add(name, .mapping([:]))
      }
    }
    return written
  }

  private func dns(_ options: VSCFHash) -> Tree? {
    var dns: Mapping?
    for entry in options.entries where entry.key != "zones_default_ttl" {
      guard entry.key == "listen", entry.node.text != "any" else {
        findings.report(entry.node.origin, "option \(entry.key) is left out")
        continue
      }
      let names = entry.node.hash?.entries.map(\.key) ?? entry.node.texts
      let port = options["dns_port"]?.text ?? "53"
      let addresses = names.map { address -> Tree in
        let isBare = address.contains("::") && !address.hasPrefix("[") || !address.contains(":")
        guard isBare else { return .text(address) }
        return .text(address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)")
      }
      dns = Mapping()
      dns?.add("listen", .list(addresses), entry.node.origin)
    }
    return dns.map { .mapping($0) }
  }
}
