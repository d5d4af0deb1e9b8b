import Places

/// A format of PowerDNS's geoip backend, such as `%cc.www.example.org`: which clients get which
/// name.
struct PowerDNSFormat {
  /// What a name says of the clients that get it.
  struct Match: Hashable {
    /// A key of our rules; nil: everybody.
    var key: String?
    var value: String
  }

  private enum Part: Equatable {
    case text(String)
    case place(String)
  }

  private let parts: [Part]
  /// The placeholders in it.
  var places: [String] {
    parts.compactMap { if case .place(let name) = $0 { name } else { nil } }
  }

  private static let known = [
    "%loc", "%lat", "%lon", "%mos", "%wds", "%ip4", "%ip6", "%cc", "%co", "%cn", "%re", "%af",
    "%as",
    "%na", "%ci", "%mp", "%yy", "%mo", "%wd", "%dd", "%hh", "%ip",
  ]

  init(_ text: String) {
    var parts: [Part] = []
    var literal = ""
    var rest = text[...]
    while !rest.isEmpty {
      if rest.hasPrefix("%%") {
        literal += "%"
        rest = rest.dropFirst(2)
      } else if let name = Self.known.first(where: rest.hasPrefix) {
        if !literal.isEmpty { parts.append(.text(literal)) }
        literal = ""
        parts.append(.place(name))
        rest = rest.dropFirst(name.count)
      } else {
        literal.append(rest.removeFirst())
      }
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    self.parts = parts
  }

  /// The format without placeholders, if it has none.
  var plain: String? {
    guard parts.count <= 1 else { return nil }
    guard let part = parts.first else { return "" }
    if case .text(let text) = part { return text }
    return nil
  }

  /// What stands for each placeholder in a text that the format makes; nil: it does not make it.
  private func values(in text: String) -> [String: String]? {
    var values: [String: String] = [:]
    var rest = text.lowercased()[...]
    for (index, part) in parts.enumerated() {
      switch part {
      case .text(let literal):
        guard rest.hasPrefix(literal.lowercased()) else { return nil }
        rest = rest.dropFirst(literal.count)
      case .place(let name):
        // Codes and numbers have neither dots nor hyphens; up to what comes next.
        let value: Substring
        if index + 1 < parts.count, case .text(let next) = parts[index + 1] {
          guard let end = rest.firstRange(of: next.lowercased())?.lowerBound else { return nil }
          value = rest[..<end]
        } else if index + 1 < parts.count {
          value = rest.prefix(2)
        } else {
          value = rest
        }
        guard !value.isEmpty, !value.contains("."), values[name] ?? String(value) == value else {
          return nil
        }
        values[name] = String(value)
        rest = rest[value.endIndex...]
      }
    }
    return rest.isEmpty ? values : nil
  }

  /// Whom a text is for that the format makes.
  ///
  /// - Parameter mapped: whom a value of `%mp` is for, the first that counts first.
  /// - Returns: empty if nobody, or nobody that a rule of ours could tell; nil: the format does not
  ///   make it.
  func matches(_ text: String, mapped: (String) -> [Match]) -> [Match]? {
    guard let values = values(in: text) else { return nil }
    if values.isEmpty { return [Match(key: nil, value: "")] }
    if let value = values["%mp"] { return values.count == 1 ? mapped(value) : [] }
    return Self.match(values)
  }

  /// The finest of what is said, if that says the rest; empty where no rule could say it, nil where
  /// the values are no codes.
  private static func match(_ values: [String: String]) -> [Match]? {
    guard Set(values.keys).isSubset(of: ["%cc", "%co", "%cn", "%re", "%as"]) else { return [] }
    if let network = values["%as"] {
      guard UInt32(network) != nil else { return nil }
      return values.count == 1 ? [Match(key: "asn", value: network)] : []
    }
    let country = (values["%cc"] ?? values["%co"]).map { code in
      let upper = code.uppercased()
      return upper.utf8.count == 3 ? alphaThreeCountries[upper] ?? upper : upper
    }
    if let region = values["%re"] {
      guard let country, region != "unknown" else { return [] }
      let code = "\(country)-\(region.uppercased())"
      return Subdivision(code).map { _ in [Match(key: "subdivision", value: code)] }
    }
    guard let code = country ?? values["%cn"]?.uppercased() else { return [] }
    if code == "UNKNOWN" || code == "--" { return [Match(key: "unknown", value: "true")] }
    if country != nil {
      return CountryCode(code).map { _ in [Match(key: "country", value: code)] }
    }
    return ContinentCode(code).map { _ in [Match(key: "continent", value: code)] }
  }
}
