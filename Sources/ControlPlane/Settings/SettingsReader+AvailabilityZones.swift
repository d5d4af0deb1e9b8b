import FoundationEssentials

extension SettingsReader {
  /// The section `node`. A node names its availability zone as endpoints do.
  static func node(_ value: Value?, regions: Names, pools: [Settings.Pool]) -> Settings.Node {
    var node = Settings.Node(id: ProcessInfo.processInfo.hostName)
    _ = value?.section { section in
      let id = section.optional("id")?.parsed("a name of letters, digits, '-', '_' and '.'") {
        isName($0) ? $0 : nil
      }
      if let id { node.id = id }
      let zone = section.optional("zone")
      let region =
        zone == nil
        ? section.optional("region") : section.required("region", "the region of the zone")
      node.region = region?.reference(to: regions)
      guard let zone, let name = zone.availabilityZone() else { return }
      node.availabilityZone = name
      guard let region = node.region else { return }
      let known = zones(ofRegion: region, in: pools)
      // Endpoints without zones are no reason to refuse a node that has one.
      if !known.isEmpty && !known.contains(name) {
        zone.report(
          "no endpoint of region \"\(regions.all[region])\" is in availability zone \"\(name)\"",
          suggestion: didYouMean(name, known))
      }
    }
    return node
  }

  private static func zones(ofRegion region: Int, in pools: [Settings.Pool]) -> [String] {
    let endpoints = pools.flatMap(\.endpoints).filter { $0.region == region }
    return Set(endpoints.compactMap(\.availabilityZone)).sorted()
  }

  /// The keys of a pool that speak of availability zones.
  static func readZoneSharing(_ section: Section, into pool: inout Settings.Pool) {
    pool.zoneSharing =
      section.optional("zone_sharing")?.choice(["spread": .spread, "prefer_same": .preferSame])
      ?? pool.zoneSharing
    pool.zoneExcess = section.optional("zone_excess")?.share(0...10) ?? pool.zoneExcess
  }

  /// A proxy that does not know where it stands cannot prefer what is near.
  static func reportUnknownSite(_ settings: Settings, node: Value?, document: Document) {
    guard settings.node.site == nil else { return }
    // Of a document with faults, a reference may lead nowhere.
    let pools = settings.proxy.listeners.flatMap { $0.services.map(\.service) }
      .filter(settings.services.indices.contains)
      .compactMap { settings.services[$0].pool }.filter(settings.pools.indices.contains)
    guard let pool = pools.first(where: { settings.pools[$0].zoneSharing == .preferSame })
    else { return }
    document.report(
      line: node?.line, path: "node.zone",
      "is missing; the proxy serves pool \"\(settings.pools[pool].name)\", "
        + "whose zone_sharing is prefer_same")
  }
}

extension Value {
  /// The name of an availability zone.
  func availabilityZone() -> String? {
    parsed("the name of an availability zone, of letters, digits, '-', '_' and '.'") {
      isName($0) ? $0 : nil
    }
  }
}
