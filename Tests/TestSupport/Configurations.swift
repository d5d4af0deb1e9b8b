package import Compiling
package import Settings

/// The repository's root.
package let repository = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

/// Three sets of regions over the shipped database, and what makes maps hard: fences, bias, rules,
/// nested override prefixes.
package enum RegionSet: String, CaseIterable {
  case continents, europe, world

  package static let sites: [(name: String, location: String, tag: String)] = [
    ("tokyo", "35.68, 139.69", "asia"), ("singapore", "1.35, 103.82", "asia"),
    ("frankfurt", "50.11, 8.68", "eu"), ("dublin", "53.35, -6.26", "eu"),
    ("virginia", "38.95, -77.45", "us"), ("california", "37.37, -121.92", "us"),
    ("saopaulo", "-23.55, -46.63", "br"), ("johannesburg", "-26.20, 28.05", "za"),
    ("sydney", "-33.87, 151.21", "au"), ("paris", "48.86, 2.35", "eu"),
    ("milan", "45.46, 9.19", "eu"), ("stockholm", "59.33, 18.07", "eu"),
    ("madrid", "40.42, -3.70", "eu"), ("mumbai", "19.08, 72.88", "asia"),
    ("dubai", "25.20, 55.27", "asia"), ("suva", "-18.14, 178.44", "fj"),
  ]

  package var names: [String] {
    switch self {
    case .continents: Array(Self.sites.map(\.name)[..<9])
    case .europe: ["frankfurt", "dublin", "paris", "milan", "stockholm", "madrid"]
    case .world: Self.sites.map(\.name)
    }
  }

  /// - Parameter policy: of the service `web`.
  package func configuration(
    policy: String = "{type: proximity}", prefixes: [String] = [], extra: String = ""
  ) -> String {
    let sites = Self.sites.filter { names.contains($0.name) }
    let regions = sites.map { "  \($0.name): {location: [\($0.location)], tags: [\($0.tag)]}" }
    let endpoints = sites.indices.map {
      "      \(sites[$0].name): [\"192.0.2.\($0 + 1):80\", \"[2001:db8::\($0 + 1)]:80\"]"
    }
    return """
      geo:
        databases: [geodata/azimuth-city.mmdb]
        prefixes: [\(prefixes.map { "\"\($0)\"" }.joined(separator: ", "))]
      regions:
      \(regions.joined(separator: "\n"))
      pools:
        web:
          endpoints:
      \(endpoints.joined(separator: "\n"))
      policies:
        chosen: \(policy)
      services:
        web: {policy: chosen, pool: web}
      zones:
        example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}
      dns: {listen: ["127.0.0.1:0"]}
      \(extra)
      """
  }

  package func compiled(
    policy: String = "{type: proximity}", prefixes: [String] = [], extra: String = ""
  ) throws -> CompiledSettings {
    try compiledText(configuration(policy: policy, prefixes: prefixes, extra: extra))
  }
}

package func compiledText(
  _ text: String, previous: CompiledSettings? = nil
) throws(Faults) -> CompiledSettings {
  let settings = try SettingsReader.read(text: text, name: "test.yaml", folder: repository)
  return try CompiledSettings(settings, previous: previous, zoneHashSeed: 1)
}
