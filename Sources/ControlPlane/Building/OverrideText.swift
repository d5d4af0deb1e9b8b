import Places

extension NetworkTable {
  /// The table as lines of override prefixes, which `geo.overrides` names files of.
  ///
  /// An override's city has no blanks: they become `_`. That nothing is to be known of a network
  /// cannot be said there; such networks are left out.
  ///
  /// - Returns: the lines, and how many ranges were left out.
  package func overrideText() -> (text: String, lineCount: Int, hiddenCount: Int) {
    let words = records.map(\.overrideWords)
    var text = ""
    var lineCount = 0
    var hiddenCount = 0
    for map in [ipv4, ipv6] {
      for index in 0..<map.count where map.values[index] != 0 {
        let number = Int(map.values[index])
        guard !words[number].isEmpty else {
          hiddenCount += 1
          continue
        }
        let prefixes = NumberedPrefix.covering(
          map.starts[index], map.last(at: index), addressBits: map.addressBits)
        for (first, length) in prefixes {
          let prefix =
            map.addressBits == 32
            ? AddressPrefix(ipv4: UInt32(truncatingIfNeeded: first), length: length)
            : AddressPrefix(ipv6: first, length: length)
          guard !prefix.isFolded else { continue }
          text += "\(prefix) \(words[number])\n"
          lineCount += 1
        }
      }
    }
    return (text, lineCount, hiddenCount)
  }
}

extension NetworkRecord {
  /// `at=35.68,139.69 country=JP`; empty: nothing that an override can say.
  fileprivate var overrideWords: String {
    var words: [String] = []
    if let point {
      words.append("at=\(decimal(point.latitude)),\(decimal(point.longitude))")
      if accuracyRadiusKilometres > 0 {
        words.append("radius=\(min(accuracyRadiusKilometres, 20_038))")
      }
    }
    if let country { words.append("country=\(country)") }
    if let continent { words.append("continent=\(continent)") }
    if let subdivision { words.append("subdivision=\(subdivision)") }
    if isInEuropeanUnion { words.append("eu=true") }
    if !city.isEmpty {
      let name = city.unicodeScalars.map { $0.properties.isWhitespace ? "_" : String($0) }
      words.append("city=\(name.joined())")
    }
    if asn != 0 { words.append("asn=\(asn)") }
    return words.joined(separator: " ")
  }
}

/// Of degrees, with at most five digits behind the point: a metre.
private func decimal(_ degrees: Double) -> String {
  let scaled = Int((abs(degrees) * 100_000).rounded())
  let digits = String(scaled % 100_000)
  let fraction = String(repeating: "0", count: 5 - digits.count) + digits
  let trimmed = fraction.reversed().drop { $0 == "0" }.reversed()
  let sign = degrees < 0 && scaled > 0 ? "-" : ""
  return "\(sign)\(scaled / 100_000)" + (trimmed.isEmpty ? "" : ".\(String(trimmed))")
}
