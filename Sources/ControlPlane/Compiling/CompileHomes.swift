import Homes
import Routing
import Settings

/// Where the keys of services that go by a key are at home: what the configuration says, and its
/// files of overrides.
package struct CompiledHomes: Sendable {
  private(set) var maps = HomeMaps.empty
  /// In the order of ``maps``.
  private(set) var services: [Keyed] = []
  private let sources: [Source]
  private let states: [FileState]

  struct Keyed: Sendable {
    var service: Int
    /// In the order in which the map counts them.
    var homes: [Home] = []
  }

  /// What a map is made from.
  private struct Source: Sendable, Equatable {
    var service: Int
    var name: String
    var homes: Settings.Policy.Homes
    /// By name; those in which the service has something that serves.
    var served: [String: Int]
    var regions: [String: Int]
  }

  /// How the files are, to tell whether they have changed.
  package struct Files: Sendable, Equatable {
    fileprivate var states: [FileState]
  }

  /// - Parameters:
  ///   - previous: taken over if neither the configuration nor any file has changed.
  ///   - hashSeed: random for each process.
  /// - Throws: everything that is wrong, each with its line.
  init(_ settings: Settings, previous: CompiledHomes?, hashSeed: UInt64) throws(Faults) {
    let sources = Self.sources(settings)
    let states = sources.compactMap(\.homes.overrides).map { FileState(path: $0.path) }
    if let previous, previous.sources == sources, previous.states == states {
      self = previous
      return
    }
    self.sources = sources
    self.states = states
    var builder = HomeMapsBuilder(seed: hashSeed)
    var faults: [Fault] = []
    for source in sources {
      services.append(Self.add(source, to: &builder, faults: &faults))
    }
    guard faults.isEmpty else { throw Faults(faults) }
    let (maps, duplicates) = builder.finish()
    faults = duplicates.prefix(HomeOverrides.mostFaults).compactMap { duplicate in
      sources[duplicate.map].homes.overrides.map {
        Fault(
          origin: Origin(file: $0.path, line: Int(duplicate.mark), path: ""),
          message: "\"\(duplicate.key)\" stands on line \(duplicate.earlierMark) already")
      }
    }
    guard faults.isEmpty else { throw Faults(faults) }
    self.maps = maps
  }

  /// As the files are at present.
  package var filesNow: Files { Files(states: states.map { FileState(path: $0.path) }) }
  /// As they were when they were read.
  package var filesRead: Files { Files(states: states) }

  private static func sources(_ settings: Settings) -> [Source] {
    let regions = Dictionary(
      settings.regions.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    return settings.services.enumerated().compactMap { index, service in
      guard let homes = settings.homes(of: service) else { return nil }
      let served =
        service.content == .endpoints
        ? Set(service.pool.map { settings.pools[$0].endpoints.map(\.region) } ?? [])
        : Set(service.content.targets.map(\.region))
      return Source(
        service: index, name: service.name, homes: homes,
        served: regions.filter { served.contains($0.value) }, regions: regions)
    }
  }

  /// Adds one map.
  private static func add(
    _ source: Source, to builder: inout HomeMapsBuilder, faults: inout [Fault]
  ) -> Keyed {
    var numbering = HomeNumbering()
    builder.beginMap()
    let homes = source.homes
    for key in homes.keys {
      builder.add(key.text, rule: .exact, home: numbering.index(of: Home(key.home)))
    }
    for prefix in homes.prefixes {
      builder.add(prefix.text, rule: .prefix, home: numbering.index(of: Home(prefix.home)))
    }
    builder.setRanges(homes.ranges.map { ($0.start, numbering.index(of: Home($0.home))) })
    if let otherwise = homes.otherwise {
      builder.setOtherwise(numbering.index(of: Home(otherwise)))
    }
    if let file = homes.overrides {
      var overrides = HomeOverrides(
        file: file, service: source.name, regions: source.regions, served: source.served)
      overrides.read(into: &builder, numbering: &numbering)
      faults += overrides.faults
    }
    return Keyed(service: source.service, homes: numbering.homes)
  }
}

/// Homes, each with its number.
struct HomeNumbering {
  private(set) var homes: [Home] = []
  private var indices: [Home: Int] = [:]

  mutating func index(of home: Home) -> Int {
    if let index = indices[home] { return index }
    let index = homes.count
    homes.append(home)
    indices[home] = index
    return index
  }
}

extension Home {
  fileprivate init(_ home: Settings.Policy.Homes.Home) {
    self.init(region: home.region, former: home.former)
  }
}

extension RoutingModel {
  /// The same with other homes: the services that go by a key, each with one more for each of its
  /// homes behind all others.
  func placing(_ compiled: CompiledHomes) -> RoutingModel {
    var model = self
    model.homes = compiled.maps
    model.services.removeAll { $0.home.map { $0.home != nil } ?? false }
    for keyed in compiled.services {
      model.services[keyed.service].home = HomeCell(service: keyed.service, home: nil)
    }
    for keyed in compiled.services {
      let service = model.services[keyed.service]
      model.services += keyed.homes.map { home in
        var cell = service
        cell.home = HomeCell(service: keyed.service, home: home)
        return cell
      }
    }
    return model
  }
}
