import Places

/// What a column of an input says of its networks.
package enum Column: String, Sendable, CaseIterable {
  case network, start, end, continent, country, subdivision, city, latitude, longitude, radius, asn
  case europeanUnion = "european_union"

  /// The headers that mean it, the best first: where a file has several, that one counts. Without
  /// regard to case.
  package var headers: [String] {
    switch self {
    case .network: ["network", "prefix", "cidr", "ip_prefix"]
    case .start: ["start", "start_ip", "ip_start", "ip_range_start", "first_ip"]
    case .end: ["end", "end_ip", "ip_end", "ip_range_end", "last_ip"]
    case .continent: ["continent_code", "continent"]
    case .country: ["country_code", "country_iso_code", "alpha2code", "country"]
    case .subdivision: ["subdivision", "region_code", "subdivision_1_iso_code", "region"]
    case .city: ["city", "city_name"]
    case .latitude: ["latitude", "lat"]
    case .longitude: ["longitude", "lon", "lng"]
    case .radius: ["accuracy_radius", "radius"]
    case .asn: ["asn", "as_number", "autonomous_system_number"]
    case .europeanUnion: ["european_union", "is_in_european_union"]
    }
  }
}

/// Which field of a line says what.
struct ColumnPlan {
  private(set) var position: [Column: Int] = [:]
  /// Headers that mean nothing here.
  private(set) var unused: [String] = []
  /// Fields of a line at most; nil: what follows is not read.
  private(set) var width: Int?

  /// - Parameter isFirstLine: of the file, whose lines then have no more fields.
  /// - Throws: where the headers name no networks.
  init(headers: [String], isFirstLine: Bool) throws(LineFault) {
    width = isFirstLine ? headers.count : nil
    let names = headers.map { $0.lowercased() }
    for column in Column.allCases {
      position[column] = column.headers.lazy.compactMap { names.firstIndex(of: $0) }.first
    }
    let used = Set(position.values)
    unused = headers.indices.filter { !used.contains($0) }.map { headers[$0] }
    guard position[.network] != nil || (position[.start] != nil && position[.end] != nil) else {
      throw LineFault(
        "no column names networks; wanted \"network\", or \"start\" and \"end\", in the first line")
    }
    guard (position[.latitude] == nil) == (position[.longitude] == nil) else {
      throw LineFault("latitude and longitude are wanted both or not at all")
    }
    guard !used.isSubset(of: [.network, .start, .end].compactMap { position[$0] }) else {
      throw LineFault("no column says anything of the networks, such as \"country\" or \"asn\"")
    }
  }

  /// Of a geofeed (RFC 8805 §2.1): prefix, country, region, city, postal code. The last is not
  /// read, for it is deprecated (§2.1.1.5), nor is whatever follows (§2.1.3).
  static let geofeed: [Column] = [.network, .country, .subdivision, .city]

  init(geofeed columns: [Column]) {
    for (index, column) in columns.enumerated() { position[column] = index }
  }
}

/// Reads the fields of a line into a record.
struct RecordParser {
  let plan: ColumnPlan
  let fields: [ArraySlice<UInt8>]

  /// nil: the field is empty, or there is no such column.
  func text(_ column: Column) -> String? {
    guard let position = plan.position[column], position < fields.count, !fields[position].isEmpty
    else { return nil }
    return String(decoding: fields[position], as: UTF8.self)
  }

  /// Throws where the line says what cannot be understood as a whole: the name of a city in another
  /// encoding, or a comma too many, which moves all that stands behind it.
  func checkForm() throws(LineFault) {
    if let width = plan.width, let more = fields.dropFirst(width).first(where: { !$0.isEmpty }) {
      throw LineFault(
        "has \(fields.count) fields, and the first line names \(width): \(shown(more)) is too much")
    }
    for column in [Column.country, .subdivision, .city, .continent] {
      guard let position = plan.position[column], position < fields.count else { continue }
      guard String(validating: fields[position], as: UTF8.self) != nil else {
        throw LineFault("\(column.rawValue) \(shown(fields[position])): wanted UTF-8")
      }
    }
  }

  private func fault(_ column: Column, _ text: String, _ wanted: String) -> LineFault {
    LineFault("\(column.rawValue) \(shown(text.utf8)): wanted \(wanted)")
  }

  /// First and last address; several prefixes where they are named by their ends.
  func prefixes() throws(LineFault) -> (isIPv6: Bool, ends: [(UInt128, UInt128)]) {
    if let text = text(.network) {
      guard let prefix = AddressPrefix(text) else {
        throw fault(.network, text, "a prefix such as 192.0.2.0/24 without bits behind its length")
      }
      return (prefix.address.isIPv6, [prefix.ends])
    }
    guard let start = text(.start), let end = text(.end) else {
      throw LineFault("the network is missing")
    }
    switch (IPAddress(start), IPAddress(end)) {
    case (.ipv4(let first), .ipv4(let last)) where first <= last:
      return (false, ends(UInt128(first), UInt128(last), addressBits: 32))
    case (.ipv6(let first), .ipv6(let last)) where first <= last:
      return (true, ends(first, last, addressBits: 128))
    default:
      throw LineFault(
        "\(shown(start.utf8)) to \(shown(end.utf8)): wanted two addresses of one family, ascending")
    }
  }

  private func ends(
    _ first: UInt128, _ last: UInt128, addressBits: Int
  ) -> [(UInt128, UInt128)] {
    NumberedPrefix.covering(first, last, addressBits: addressBits).map {
      let rest =
        $0.length == 0
        ? UInt128.max >> UInt128(128 - addressBits)
        : addressBits == $0.length ? 0 : (1 << UInt128(addressBits - $0.length)) - 1
      return ($0.first, $0.first | rest)
    }
  }

  /// A dash, and the country ZZ, stand for nothing known.
  func record() throws(LineFault) -> NetworkRecord {
    var record = NetworkRecord()
    if let text = text(.country), text.uppercased() != "ZZ", text != "-" {
      guard let country = CountryCode(text), Country.all[country] != nil else {
        throw fault(.country, text, "an ISO 3166-1 code such as JP")
      }
      record.country = country
    }
    if let text = text(.continent), text != "-" {
      guard let continent = ContinentCode(text) else {
        throw fault(.continent, text, "one of \(ContinentCode.all.joined(separator: ", "))")
      }
      record.continent = continent
    }
    try readSubdivision(into: &record)
    if let text = text(.city), text != "-" {
      guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }),
        text.utf8.count <= 200
      else { throw fault(.city, text, "a name") }
      record.city = text
    }
    try readPoint(into: &record)
    try readNumbers(into: &record)
    return record
  }

  private func readSubdivision(into record: inout NetworkRecord) throws(LineFault) {
    guard let text = text(.subdivision), text != "-" else { return }
    let code = record.country.map { Subdivision(country: $0, code: text) } ?? nil
    guard let subdivision = Subdivision(text) ?? code, Country.all[subdivision.country] != nil
    else { throw fault(.subdivision, text, "an ISO 3166-2 code such as JP-13") }
    guard record.country == nil || record.country == subdivision.country else {
      throw fault(.subdivision, text, "one in \(record.country?.description ?? "")")
    }
    record.country = subdivision.country
    record.subdivision = subdivision
  }

  private func readPoint(into record: inout NetworkRecord) throws(LineFault) {
    switch (text(.latitude), text(.longitude)) {
    case (nil, nil): break
    case (let latitude?, let longitude?):
      guard let north = Double(latitude), let east = Double(longitude),
        let point = GeoPoint(latitude: north, longitude: east)
      else {
        throw LineFault(
          "\(shown(latitude.utf8)), \(shown(longitude.utf8)): wanted degrees, -90...90 and "
            + "-180...180")
      }
      record.point = point
    default: throw LineFault("latitude and longitude are wanted both or not at all")
    }
    guard let text = text(.radius), record.point != nil else { return }
    guard let radius = Double(text), (0...20_038).contains(radius) else {
      throw fault(.radius, text, "kilometres from 0 to 20038")
    }
    record.accuracyRadiusKilometres = UInt16(radius.rounded())
  }

  private func readNumbers(into record: inout NetworkRecord) throws(LineFault) {
    if let text = text(.asn), text != "-" {
      let digits = text.uppercased().hasPrefix("AS") ? text.dropFirst(2) : text[...]
      guard let asn = UInt32(digits) else {
        throw fault(.asn, text, "a number from 0 to 4294967295")
      }
      record.asn = asn
    }
    guard let text = text(.europeanUnion) else { return }
    switch text.lowercased() {
    case "true", "1": record.isInEuropeanUnion = true
    case "false", "0": break
    default: throw fault(.europeanUnion, text, "true or false")
    }
  }
}
