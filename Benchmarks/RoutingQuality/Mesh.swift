import Foundation
import Latency
import Places

/// A fault in what was asked for; its text is for the reader.
struct Complaint: Error {
  var text: String
}

/// Places, their weights, and the round trips that were measured between them.
struct Mesh {
  struct Node {
    var name: String
    var country: CountryCode?
    var point: GeoPoint
    /// People; what a mean over clients is weighted by.
    var weight: Double
  }

  var nodes: [Node]
  /// Milliseconds by from, to; nil where nobody measured.
  private var roundTrips: [Double?]

  /// The other way's figure stands in where one is missing.
  func roundTrip(_ from: Int, _ to: Int) -> Double? {
    roundTrips[from * nodes.count + to] ?? roundTrips[to * nodes.count + from]
  }

  func kilometres(_ from: Int, _ to: Int) -> Double {
    nodes[from].point.distanceKilometres(to: nodes[to].point)
  }

  /// - Parameters:
  ///   - people: weights of countries, divided among their places; for places without weights.
  init(placesFile: String, roundTripsFile: String, people: [String: Double]) throws {
    let places = try CSVTable(file: placesFile)
    guard let latitude = places.column("lat", "latitude", "latitude_degrees"),
      let longitude = places.column("lon", "lng", "longitude", "longitude_degrees")
    else { throw Complaint(text: "\(placesFile): no columns of latitude and longitude") }
    let names = ["id", "name", "city", "place"].compactMap { places.column($0) }
    let country = places.column("country")
    let weight = places.column("users", "people", "population", "weight")
    guard let mainName = names.first else {
      throw Complaint(text: "\(placesFile): no column of names (id, name, city or place)")
    }
    var nodes: [Node] = []
    var indices: [String: Int] = [:]
    for row in places.rows {
      guard let latitude = Double(row[latitude]), let longitude = Double(row[longitude]),
        let point = GeoPoint(latitude: latitude, longitude: longitude)
      else { continue }
      for column in names where indices[row[column]] == nil {
        indices[row[column]] = nodes.count
      }
      nodes.append(
        Node(
          name: row[mainName], country: country.flatMap { CountryCode(row[$0]) }, point: point,
          weight: weight.flatMap { Double(row[$0]) } ?? 0))
    }
    if weight == nil { Self.weigh(&nodes, by: people) }
    self.nodes = nodes
    roundTrips = Array(repeating: nil, count: nodes.count * nodes.count)
    let table = try CSVTable(file: roundTripsFile)
    guard let from = table.column("from"), let to = table.column("to"),
      let figure = table.column("milliseconds", "ms", "rtt", "rtt_ms")
    else { throw Complaint(text: "\(roundTripsFile): no columns from, to, milliseconds") }
    for row in table.rows {
      guard let from = indices[row[from]], let to = indices[row[to]], from != to,
        let milliseconds = Double(row[figure]), milliseconds > 0
      else { continue }
      roundTrips[from * nodes.count + to] = milliseconds
    }
  }

  private static func weigh(_ nodes: inout [Node], by people: [String: Double]) {
    var counts: [CountryCode?: Double] = [:]
    for node in nodes { counts[node.country, default: 0] += 1 }
    for index in nodes.indices {
      let country = nodes[index].country
      let total = country.flatMap { people[$0.description] } ?? 1
      nodes[index].weight = total / (counts[country] ?? 1)
    }
  }
}

/// A table of comma-separated values with a header; fields may be quoted.
struct CSVTable {
  var header: [String]
  var rows: [[String]]

  init(file: String) throws {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw Complaint(text: "\(file) cannot be read")
    }
    let lines = text.split(whereSeparator: \.isNewline).map(Self.fields)
    header = (lines.first ?? []).map { $0.lowercased() }
    rows = lines.dropFirst().filter { [count = header.count] in $0.count >= count }
  }

  /// The first of these columns that there is.
  func column(_ names: String...) -> Int? {
    names.lazy.compactMap { header.firstIndex(of: $0) }.first
  }

  private static func fields(of line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    return fields
  }
}

/// People by country: the sums of a table with the columns `country` and `people`.
func peopleByCountry(file: String) throws -> [String: Double] {
  let table = try CSVTable(file: file)
  guard let country = table.column("country"), let people = table.column("people", "users") else {
    throw Complaint(text: "\(file): no columns country and people")
  }
  return table.rows.reduce(into: [:]) { sums, row in
    sums[row[country], default: 0] += Double(row[people]) ?? 0
  }
}
