package import Latency
package import Places
import Routing
import Settings
import StateFiles

/// One line of an imported table of round trips.
package struct LatencyRow: Sendable, Equatable {
  package var network: LatencyNetwork
  /// Index into `Settings/regions`.
  package var region: Int
  package var milliseconds: Double
  package var samples: Int
}

/// The imported tables of round trips, read anew where a file has changed.
package struct LatencyTables: Sendable {
  /// Between clients and regions.
  package private(set) var rows: [LatencyRow] = []
  /// Between regions, milliseconds.
  private(set) var regionRows: [(from: Int, to: Int, milliseconds: Double)] = []

  /// Lines of all tables together, and networks that one prefix may stand for.
  private static let mostRows = 4_000_000
  private static let mostNetworks = 256

  /// - Throws: every line that is wrong, up to some number of them.
  init(_ settings: Settings) throws(Faults) {
    var faults: [Fault] = []
    let regions = Dictionary(
      settings.regions.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    for file in settings.latency.tables {
      Self.read(file, header: "prefix,region,milliseconds", &faults) { fields in
        try appendRow(fields, regions: regions)
      }
    }
    for file in settings.latency.regionTables {
      Self.read(file, header: "from,to,milliseconds", &faults) { fields in
        guard fields.count == 3 else { throw Complaint("wants from,to,milliseconds") }
        regionRows.append(
          (
            try Self.region(fields[0], regions), try Self.region(fields[1], regions),
            try Self.milliseconds(fields[2])
          ))
      }
    }
    guard faults.isEmpty else { throw Faults(faults) }
  }

  /// nil where no policy asks for latencies, and where there are faults.
  static func read(
    _ settings: Settings, policies: CompiledPolicies, faults: inout [Fault]
  ) -> LatencyTables? {
    guard policies.policies.contains(where: \.usesLatency) else { return nil }
    do {
      return try LatencyTables(settings)
    } catch {
      faults += error.faults
      return nil
    }
  }

  private struct Complaint: Error {
    var text: String
    init(_ text: String) { self.text = text }
  }

  /// Lines of `#` and empty ones are passed over, and so is a header.
  private static func read(
    _ file: Settings.Latency.File, header: String, _ faults: inout [Fault],
    take: ([Substring]) throws -> Void
  ) {
    let bytes: [UInt8]
    do throws(PlainFile.Fault) {
      bytes = try PlainFile(file.path).bytes()
    } catch {
      faults.append(Fault(origin: file.origin, message: "\(file.path) cannot be read: \(error)"))
      return
    }
    var wrong = 0
    for (number, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated()
    {
      let text = String(decoding: line, as: UTF8.self).filter { $0 != " " && $0 != "\r" }
      guard !text.isEmpty, text.first != "#", !text.hasPrefix(header) else { continue }
      do {
        try take(text.split(separator: ",", omittingEmptySubsequences: false))
      } catch {
        wrong += 1
        guard wrong <= 20, let complaint = error as? Complaint else { continue }
        faults.append(
          Fault(
            origin: Origin(file: file.path, line: number + 1, path: ""), message: complaint.text))
      }
    }
  }

  private mutating func appendRow(_ fields: [Substring], regions: [String: Int]) throws {
    guard (3...4).contains(fields.count) else {
      throw Complaint("wants prefix,region,milliseconds,samples")
    }
    guard let prefix = AddressPrefix(fields[0]) else {
      throw Complaint("\"\(fields[0])\" is not a prefix")
    }
    let region = try Self.region(fields[1], regions)
    let milliseconds = try Self.milliseconds(fields[2])
    let samples = fields.count == 4 ? Int(fields[3]) : 1
    guard let samples, (1...1_000_000_000).contains(samples) else {
      throw Complaint("samples: wants a whole number from 1, found \"\(fields[3])\"")
    }
    let networks = LatencyNetwork.networks(inside: prefix, atMost: Self.mostNetworks)
    guard let networks else {
      throw Complaint("\(prefix) is too short: wants at least /16 or /40")
    }
    guard rows.count + networks.count <= Self.mostRows else {
      throw Complaint("more than \(Self.mostRows) networks in all tables")
    }
    rows += networks.map {
      LatencyRow(network: $0, region: region, milliseconds: milliseconds, samples: samples)
    }
  }

  private static func region(_ text: Substring, _ regions: [String: Int]) throws -> Int {
    guard let region = regions[String(text)] else {
      throw Complaint("there is no region \"\(text)\"")
    }
    return region
  }

  private static func milliseconds(_ text: Substring) throws -> Double {
    guard let value = Double(text), value > 0, value <= 10_000 else {
      throw Complaint("milliseconds: wants a number above 0, found \"\(text)\"")
    }
    return value
  }
}

extension LatencyModel {
  /// Takes imported tables into account.
  package mutating func add(_ tables: LatencyTables, places: PlaceTable, now: UInt32) {
    for row in tables.rows {
      add(
        milliseconds: row.milliseconds, count: row.samples,
        from: LatencyClient(of: row.network, in: places), network: row.network, to: row.region,
        now: now)
    }
    for row in tables.regionRows {
      setRoundTrip(milliseconds: row.milliseconds, from: row.from, to: row.to)
    }
  }
}

extension LatencyClient {
  /// Where a network is: where its first address is.
  package init(of network: LatencyNetwork, in places: PlaceTable) {
    let (place, _) = places.place(of: network.prefix.address.client)
    self.init(places.places[place])
  }
}

extension CompiledSettings {
  /// What editions know of latencies; nil where no policy asks for them.
  ///
  /// - Parameter previous: what was known before, whose regions may have been others.
  static func latency(
    _ settings: Settings, tables: LatencyTables, places: PlaceTable, previous: LatencyView?,
    now: UInt32
  ) -> LatencyView {
    let sites = settings.regions.map { LatencySite(name: $0.name, point: $0.location) }
    let limits = LatencyLimits(
      networks: settings.latency.maximumNetworks,
      halfLifeSeconds: Double(settings.latency.halfLife.components.seconds))
    var model =
      previous?.model.carried(to: sites, limits: limits)
      ?? LatencyModel(sites: sites, limits: limits)
    model.add(tables, places: places, now: now)
    _ = model.publish(at: now)
    return LatencyView(model, generation: (previous?.generation ?? 0) + 1)
  }
}
