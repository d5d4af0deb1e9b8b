import Places
import Yams

extension Settings.ClientMatch {
  /// Reads the keys of a rule or of a fence's clients. At least one must be there.
  init(_ section: Section) {
    let keys = ["prefix", "asn", "country", "subdivision", "continent", "eu", "unknown"]
    let given = keys.compactMap { key in section.optional(key).map { (key, $0) } }
    let values = Dictionary(given, uniquingKeysWith: { first, _ in first })

    func list<Element>(
      _ key: String, _ wanted: String, _ parse: (String) -> Element?
    ) -> [Element] {
      guard let value = values[key] else { return [] }
      let elements = value.elements()
      if elements.isEmpty { value.report("wants at least one of \(wanted)") }
      return elements.compactMap { $0.parsed(wanted, parse) }
    }
    self.init(
      prefixes: list("prefix", "a prefix such as 192.0.2.0/24, no bits set behind its length") {
        AddressPrefix($0)
      },
      asns: list("asn", "a network number such as 64500") { text in
        UInt32(text.hasPrefix("AS") ? text.dropFirst(2) : text[...])
      },
      countries: list("country", "a country of two letters such as JP") { CountryCode($0) },
      subdivisions: list("subdivision", "a subdivision such as US-CA") { Subdivision($0) },
      continents: list("continent", "one of \(ContinentCode.all.joined(separator: ", "))") {
        ContinentCode($0)
      },
      isInEuropeanUnion: values["eu"]?.flag() ?? false,
      isUnknown: values["unknown"]?.flag() ?? false)
    if given.isEmpty {
      section.value.report(
        "names no clients; wants at least one of \(keys.joined(separator: ", "))")
    } else if given.allSatisfy({ $0.1.isFalse }) {
      section.value.report("matches no client")
    }
  }
}

extension Value {
  /// A CIDR prefix, or an address.
  func addressPrefix() -> AddressPrefix? {
    parsed("a prefix such as 192.0.2.0/24, no bits set behind its length") { AddressPrefix($0) }
  }

  fileprivate var isFalse: Bool {
    if case .scalar(let scalar) = node { scalar.string == "false" } else { false }
  }
}
